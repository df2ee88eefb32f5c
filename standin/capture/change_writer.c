/*
 * change_writer.c - the row rules of change tables.
 *
 * A change carries values by the source table's layout of its time, the change table has columns of its own:
 * a map leads from each captured column to its place in the layout, made anew whenever the layout differs (a
 * column was added or dropped: what isn't there is NULL). Values whose type differs from the change table's
 * column (an ALTER COLUMN that capture hasn't reached, rowversion as binary) are converted.
 *
 * Rows are inserted by one prepared statement whose __$start_lsn stays bound for a transaction; all else is
 * bound without copying, as the change outlives the step.
 */
#include "standin/capture/change_writer.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "standin/capture/update_mask.h"
#include "standin/store/store.h"
#include "standin/types/convert.h"

enum { ABSENT = -1, OP_DELETE = 1, OP_INSERT = 2, OP_BEFORE = 3, OP_AFTER = 4 };
enum { P_ROWID = 1, P_START_LSN, P_SEQVAL, P_OPERATION, P_MASK, P_COMMAND, P_FIRST };

typedef struct Target { /* a captured column */
    int32_t source_id;
    Type type; /* of the change table's column */
    bool is_computed, is_old_lob, is_max;
    int at; /* place in the layout, or ABSENT */
    bool converts;
    Type from; /* when it converts */
} Target;

struct ChangeWriter {
    sqlite3 *db;
    sqlite3_stmt *insert;
    char *table_name;
    int32_t object_id;
    uint64_t version;
    TableState *state; /* borrowed; lives as long as the table, which the instance keeps */
    Target *targets;
    size_t count;
    int32_t *layout_ids; /* of the layout that the targets' places are for */
    size_t layout_count;
    UpdateMask all;
    LogLsn start_lsn;
    uint64_t uncommitted;
    Arena arena; /* converted values of one row */
};

static bool is_max(const Type *t) {
    return t->length == TYPE_MAX_LENGTH &&
           (t->id == TYPE_VARCHAR || t->id == TYPE_NVARCHAR || t->id == TYPE_VARBINARY);
}

static bool prepare_insert(ChangeWriter *w, const Table *t, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "INSERT INTO %s(rowid, c%d, c%d, c%d, c%d, c%d", t->sql_name, CT_START_LSN, CT_SEQVAL,
               CT_OPERATION, CT_UPDATE_MASK, t->columns[t->column_count - 1].id);
    for (size_t i = 0; i < w->count; i++) buf_printf(&sql, ", c%d", t->columns[CT_FIRST_CAPTURED - 1 + i].id);
    buf_cstr(&sql, ") VALUES(?1");
    for (size_t i = 2; i < P_FIRST + w->count; i++) buf_printf(&sql, ", ?%zu", i);
    buf_cstr(&sql, ")");
    return sqlite3_prepare_v3(w->db, buf_text(&sql), -1, SQLITE_PREPARE_PERSISTENT, &w->insert, NULL) ==
               SQLITE_OK ||
           store_sqlite_error(w->db, "prepare a change table", e);
}

ChangeWriter *change_writer_new(struct sqlite3 *db, const Table *table, const Instance *instance,
                                SqlError *e) {
    size_t count = instance->column_count;
    if (count == 0 || table->column_count != count + CT_FIRST_CAPTURED) {
        (void)sql_error_set(e, 22977, 16, 1,
                            "Change table '%s' does not have the columns of its capture instance.",
                            table->name);
        return NULL;
    }
    ChangeWriter *w = x_calloc(1, sizeof *w);
    w->db = db;
    w->table_name = x_strdup(table->name);
    w->object_id = table->object_id;
    w->version = table->version;
    w->state = table->state;
    w->count = count;
    w->all = update_mask_all(count);
    w->targets = x_calloc(count, sizeof *w->targets);
    for (size_t i = 0; i < count; i++) {
        const Type *t = &table->columns[CT_FIRST_CAPTURED - 1 + i].type;
        w->targets[i] = (Target){
            .source_id = instance->columns[i].column_id,
            .type = *t,
            .is_computed = instance->columns[i].is_computed,
            .is_old_lob = t->id == TYPE_TEXT || t->id == TYPE_NTEXT || t->id == TYPE_IMAGE,
            .is_max = is_max(t),
            .at = ABSENT,
        };
    }
    return prepare_insert(w, table, e) ? w : change_writer_free(w);
}

ChangeWriter *change_writer_free(ChangeWriter *w) {
    if (!w) return NULL;
    (void)sqlite3_finalize(w->insert);
    free(w->table_name);
    free(w->targets);
    free(w->layout_ids);
    arena_done(&w->arena);
    free(w);
    return NULL;
}

bool change_writer_fits(const ChangeWriter *w, const Table *table) {
    return w->object_id == table->object_id && w->version == table->version;
}

bool change_writer_is_current(const ChangeWriter *w, const Catalog *c) {
    const Table *t = catalog_table_by_id(c, w->object_id);
    return t && change_writer_fits(w, t);
}

void change_writer_begin(ChangeWriter *w, const LogLsn *commit_lsn) {
    w->start_lsn = *commit_lsn;
    (void)sqlite3_bind_blob(w->insert, P_START_LSN, w->start_lsn.b, LOG_LSN_BYTES, SQLITE_STATIC);
    w->layout_count = 0; /* layouts are a transaction's own */
}

/* ---- from the layout to the captured columns */

/* Are stored values of `from` also right for a column of type `to`? */
static bool is_same_form(const Type *from, const Type *to) {
    bool is_wider =
        to->length == TYPE_MAX_LENGTH || (from->length != TYPE_MAX_LENGTH && from->length <= to->length);
    if (from->id == TYPE_ROWVERSION) return to->id == TYPE_BINARY;
    return from->id == to->id && is_wider && from->precision == to->precision && from->scale == to->scale;
}

static void map_layout(ChangeWriter *w, const LogLayout *l) {
    w->layout_ids = x_reallocarray(w->layout_ids, l->count, sizeof *w->layout_ids);
    memcpy(w->layout_ids, l->column_ids, l->count * sizeof *w->layout_ids);
    w->layout_count = l->count;
    for (size_t i = 0; i < w->count; i++) {
        Target *t = &w->targets[i];
        t->at = ABSENT;
        for (size_t k = 0; k < l->count; k++)
            if (l->column_ids[k] == t->source_id) t->at = (int)k;
        t->converts = t->at != ABSENT && !is_same_form(&l->types[t->at], &t->type);
        if (t->converts) t->from = l->types[t->at];
    }
}

static void see_layout(ChangeWriter *w, const LogLayout *l) {
    if (w->layout_count != l->count ||
        memcmp(w->layout_ids, l->column_ids, l->count * sizeof *l->column_ids) != 0)
        map_layout(w, l);
}

static bool is_equal(Value a, Value b) {
    if (a.kind != b.kind) return false;
    switch (a.kind) {
    case VALUE_NULL: return true;
    case VALUE_INT: return a.v.i == b.v.i;
    case VALUE_REAL: return memcmp(&a.v.d, &b.v.d, sizeof a.v.d) == 0;
    case VALUE_TEXT:
    case VALUE_BLOB: return str_eq(a.v.s, b.v.s);
    }
    return false;
}

static UpdateMask changed_columns(const ChangeWriter *w, const LogChange *c, bool *ret_any) {
    UpdateMask mask = update_mask_none(w->count);
    *ret_any = false;
    for (size_t i = 0; i < w->count; i++) {
        const Target *t = &w->targets[i];
        if (t->at == ABSENT || t->is_computed || is_equal(c->before[t->at], c->after[t->at])) continue;
        update_mask_set(&mask, i + 1);
        *ret_any = true;
    }
    return mask;
}

static bool images_differ(const LogChange *c) {
    for (size_t i = 0; i < c->layout->count; i++)
        if (!is_equal(c->before[i], c->after[i])) return true;
    return false;
}

/* ---- rows */

static bool converted(ChangeWriter *w, size_t i, Value v, Value *ret, SqlError *e) {
    const Target *t = &w->targets[i];
    ConvertError ce;
    if (convert_value(&(Convert){t->from, t->type, CONVERT_STYLE_DEFAULT, .is_assignment = true}, v,
                      &w->arena, ret, &ce))
        return true;
    return sql_error_set(e, ce.number, ce.class_, ce.state, "%s (change table '%s')", ce.text, w->table_name);
}

/* The value that a row of this operation shows; mask: of an update, else NULL. */
static bool shown_value(ChangeWriter *w, size_t i, const Value *image, int operation, const UpdateMask *mask,
                        Value *ret, SqlError *e) {
    const Target *t = &w->targets[i];
    *ret = (Value){.kind = VALUE_NULL};
    if (t->at == ABSENT || t->is_computed) return true;
    bool is_before = operation == OP_BEFORE, is_gone = is_before || operation == OP_DELETE;
    if (t->is_old_lob && is_gone) return true; /* the log has no before image of them */
    if (t->is_max && is_before && !update_mask_has(update_mask_view(mask), (int64_t)i + 1)) return true;
    if (t->converts && image[t->at].kind != VALUE_NULL) return converted(w, i, image[t->at], ret, e);
    *ret = image[t->at];
    return true;
}

static int bind(sqlite3_stmt *st, int i, const Value *v) {
    switch (v->kind) {
    case VALUE_NULL: return sqlite3_bind_null(st, i);
    case VALUE_INT: return sqlite3_bind_int64(st, i, v->v.i);
    case VALUE_REAL: return sqlite3_bind_double(st, i, v->v.d);
    case VALUE_TEXT:
        return sqlite3_bind_text64(st, i, v->v.s.n ? v->v.s.p : "", v->v.s.n, SQLITE_STATIC, SQLITE_UTF8);
    case VALUE_BLOB: return sqlite3_bind_blob64(st, i, v->v.s.n ? v->v.s.p : "", v->v.s.n, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

typedef struct Row {
    const LogLsn *seqval;
    int operation;
    int32_t command_id;
    const UpdateMask *mask;
    const Value *image;
} Row;

static bool insert_row(ChangeWriter *w, const Row *row, SqlError *e) {
    sqlite3_stmt *st = w->insert;
    arena_clear(&w->arena);
    (void)sqlite3_bind_int64(st, P_ROWID, atomic_fetch_add(&w->state->rowid, 1) + 1);
    (void)sqlite3_bind_blob(st, P_SEQVAL, row->seqval->b, LOG_LSN_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_int(st, P_OPERATION, row->operation);
    (void)sqlite3_bind_blob(st, P_MASK, row->mask->b, (int)row->mask->n, SQLITE_STATIC);
    (void)sqlite3_bind_int(st, P_COMMAND, row->command_id);
    for (size_t i = 0; i < w->count; i++) {
        Value v;
        if (!shown_value(w, i, row->image, row->operation, row->mask, &v, e)) return false;
        if (bind(st, P_FIRST + (int)i, &v) != SQLITE_OK) return store_sqlite_error(w->db, "bind a change", e);
    }
    bool ok = sqlite3_step(st) == SQLITE_DONE || store_sqlite_error(w->db, "write a change table", e);
    (void)sqlite3_reset(st);
    w->uncommitted += ok;
    return ok;
}

static bool write_update(ChangeWriter *w, const LogChange *c, int32_t command_id, uint32_t *ret_rows,
                         SqlError *e) {
    bool any;
    UpdateMask mask = changed_columns(w, c, &any);
    *ret_rows = 0;
    if (!any && images_differ(c)) return true; /* only columns that aren't captured */
    *ret_rows = 2;
    return insert_row(w, &(Row){&c->seqval, OP_BEFORE, command_id, &mask, c->before}, e) &&
           insert_row(w, &(Row){&c->seqval, OP_AFTER, command_id, &mask, c->after}, e);
}

bool change_writer_write(ChangeWriter *w, const LogChange *change, int32_t command_id, uint32_t *ret_rows,
                         SqlError *e) {
    assert(change->op != LOG_DDL);
    see_layout(w, change->layout);
    if (change->op == LOG_UPDATE) return write_update(w, change, command_id, ret_rows, e);
    *ret_rows = 1;
    bool is_insert = change->op == LOG_INSERT;
    return insert_row(w,
                      &(Row){&change->seqval, is_insert ? OP_INSERT : OP_DELETE, command_id, &w->all,
                             is_insert ? change->after : change->before},
                      e);
}

void change_writer_committed(ChangeWriter *w) {
    (void)atomic_fetch_add(&w->state->row_count, (long long)w->uncommitted);
    w->uncommitted = 0;
}

void change_writer_rolled_back(ChangeWriter *w) {
    w->uncommitted = 0;
}
