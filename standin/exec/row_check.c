#include "standin/exec/row_check.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "standin/exec/server.h"
#include "standin/store/row_buffer.h"
#include "standin/store/txn_internal.h"
#include "standin/tsql/parser.h"
#include "standin/types/decimal.h"
#include "standin/types/wtf8.h"

typedef enum FillKind {
    FILL_GIVEN,
    FILL_NULL,
    FILL_CONSTANT,
    FILL_DEFAULT,
    FILL_IDENTITY,
    FILL_ROWVERSION
} FillKind;

typedef struct Fill {
    FillKind kind;
    bool has_default;
    BoundQuery query; /* the default */
    Value value;      /* FILL_CONSTANT */
} Fill;

typedef struct RowQuery { /* a CHECK or a computed column */
    BoundQuery query;
    const Check *check;
    size_t column; /* computed: position */
} RowQuery;

typedef struct ParentCheck {
    const ForeignKey *key;
    const Table *parent;
    char *sql;
    size_t *columns; /* positions in the row */
} ParentCheck;

struct RowCheck {
    Session *s;
    const Table *t;
    BindRelation *relation;
    RowAction action;
    const char *statement; /* of 547 */
    Arena arena, row_arena;
    Fill *fills;
    bool *is_set; /* by column: the statement gives it */
    RowQuery *computed, *checks;
    size_t computed_count, check_count;
    ParentCheck *parents;
    size_t parent_count;
    RowBuffer *own; /* rows with references to the table itself, checked at the end */
    const Database *database;
    bool defaults_nulls;
    uint8_t rowversion[8], identity_blob[DECIMAL_BLOB_BYTES];
};

/* ---- preparation */

static bool bind_text(RowCheck *c, const char *sql, bool is_condition, const Type *to, BoundQuery *ret,
                      SqlError *e) {
    ParserOptions options = {.quoted_identifier = true};
    AstExpr *x;
    Str text = str_from(sql);
    bool ok = is_condition ? parser_condition(text, &options, &c->arena, &x, e)
                           : parser_expression(text, &options, &c->arena, &x, e);
    return ok && bind_row(&c->s->host, &c->arena, c->relation, x, is_condition, to, ret, e);
}

static bool prepare_fill(RowCheck *c, size_t at, SqlError *e) {
    const Column *col = &c->t->columns[at];
    Fill *f = &c->fills[at];
    f->kind = c->is_set[at] || c->action == ROW_UPDATE ? FILL_GIVEN : FILL_NULL;
    if (col->type.id == TYPE_ROWVERSION) {
        f->kind = FILL_ROWVERSION;
    } else if (f->kind == FILL_NULL && col->is_identity) {
        f->kind = FILL_IDENTITY;
    } else if (f->kind == FILL_NULL && col->default_sql) {
        if (!bind_text(c, col->default_sql, false, &col->type, &f->query, e)) return false;
        f->kind = FILL_DEFAULT;
        if (f->query.is_param && f->query.params[0].kind == BOUND_VALUE) {
            f->kind = FILL_CONSTANT;
            f->value = f->query.params[0].value;
        }
    }
    return true;
}

static bool prepare_computed(RowCheck *c, SqlError *e) {
    c->computed = arena_array(&c->arena, sizeof *c->computed, c->t->column_count);
    for (size_t i = 0; i < c->t->column_count; i++) {
        const Column *col = &c->t->columns[i];
        if (!col->is_computed) continue;
        RowQuery *q = &c->computed[c->computed_count++];
        *q = (RowQuery){.column = i};
        if (!bind_text(c, col->computed_sql, false, &col->type, &q->query, e)) return false;
    }
    return true;
}

static bool prepare_checks(RowCheck *c, SqlError *e) {
    c->checks = arena_array(&c->arena, sizeof *c->checks, c->t->check_count);
    for (size_t i = 0; i < c->t->check_count; i++) {
        if (c->t->checks[i].is_disabled) continue;
        RowQuery *q = &c->checks[c->check_count++];
        *q = (RowQuery){.check = &c->t->checks[i]};
        if (!bind_text(c, c->t->checks[i].sql, true, NULL, &q->query, e)) return false;
    }
    return true;
}

static bool sets_any(const RowCheck *c, const ForeignKey *k) {
    for (size_t i = 0; i < k->count; i++)
        if (c->is_set[table_column_index(c->t, k->columns[i])]) return true;
    return false;
}

static bool prepare_parents(RowCheck *c, SqlError *e) {
    c->parents = arena_array(&c->arena, sizeof *c->parents, c->t->foreign_key_count);
    for (size_t i = 0; i < c->t->foreign_key_count; i++) {
        const ForeignKey *k = &c->t->foreign_keys[i];
        if (k->is_disabled || (c->action == ROW_UPDATE && !sets_any(c, k))) continue;
        const Table *parent = catalog_table_by_id(server_catalog(c->s->server), k->referenced_id);
        if (!parent) continue;
        LockDuration duration = txn_count(c->s->txn) ? LOCK_FOR_TRANSACTION : LOCK_FOR_STATEMENT;
        LockResource whole = {.object_id = parent->object_id};
        if (parent != c->t && !txn_lock(c->s->txn, whole, LOCK_IS, duration, e)) return false;
        ParentCheck *p = &c->parents[c->parent_count++];
        *p = (ParentCheck){
            .key = k, .parent = parent, .columns = arena_array(&c->arena, sizeof(size_t), k->count)};
        for (size_t j = 0; j < k->count; j++) p->columns[j] = table_column_index(c->t, k->columns[j]);
        if (parent == c->t && !c->own) c->own = rowbuffer_new(c->t->column_count);
    }
    return true;
}

RowCheck *rowcheck_open(Session *s, const Table *t, RowAction action, const size_t *columns, size_t count,
                        SqlError *e) {
    RowCheck *c = x_calloc(1, sizeof *c);
    c->s = s;
    c->t = t;
    c->action = action;
    c->statement = action == ROW_INSERT ? "INSERT" : "UPDATE";
    c->relation = host_relation_of(s, t, &c->arena);
    c->database = catalog_database_by_id(server_catalog(s->server), t->database_id);
    c->fills = arena_zalloc(&c->arena, t->column_count * sizeof *c->fills);
    c->is_set = arena_zalloc(&c->arena, t->column_count * sizeof *c->is_set);
    for (size_t i = 0; i < count; i++) c->is_set[columns[i]] = true;
    bool ok = true;
    for (size_t i = 0; ok && i < t->column_count; i++) ok = prepare_fill(c, i, e);
    ok = ok && prepare_computed(c, e) && prepare_checks(c, e) && prepare_parents(c, e);
    return ok ? c : rowcheck_close(c);
}

RowCheck *rowcheck_close(RowCheck *c) {
    if (!c) return NULL;
    for (size_t i = 0; i < c->parent_count; i++) free(c->parents[i].sql);
    c->own = rowbuffer_free(c->own);
    arena_done(&c->row_arena);
    arena_done(&c->arena);
    free(c);
    return NULL;
}

void rowcheck_skip_constraints(RowCheck *c) {
    c->check_count = c->parent_count = 0;
}

bool rowcheck_default_nulls(RowCheck *c, SqlError *e) {
    c->defaults_nulls = true;
    for (size_t i = 0; i < c->t->column_count; i++) {
        Fill *f = &c->fills[i];
        const Column *col = &c->t->columns[i];
        if (f->kind != FILL_GIVEN || !col->default_sql) continue;
        if (!bind_text(c, col->default_sql, false, &col->type, &f->query, e)) return false;
        f->has_default = true;
    }
    return true;
}

void rowcheck_set_statement(RowCheck *c, const char *name) {
    c->statement = name;
}

void rowcheck_restart(RowCheck *c) {
    if (c->own) rowbuffer_clear(c->own);
}

/* ---- filling in */

/* Identity values are given under the writer mutex, or in a table of the session's own. */
static bool next_identity(RowCheck *c, const Column *col, Value *ret, SqlError *e) {
    TableState *state = c->t->state;
    int64_t v = col->identity_seed;
    bool overflows = atomic_load(&state->has_identity) &&
                     __builtin_add_overflow(atomic_load(&state->identity), col->identity_step, &v);
    int64_t low = INT64_MIN, high = INT64_MAX;
    if (col->type.id == TYPE_INT) low = INT32_MIN, high = INT32_MAX;
    if (col->type.id == TYPE_SMALLINT) low = INT16_MIN, high = INT16_MAX;
    if (col->type.id == TYPE_TINYINT) low = 0, high = UINT8_MAX;
    bool is_decimal = col->type.id == TYPE_DECIMAL || col->type.id == TYPE_NUMERIC;
    if (is_decimal && col->type.precision <= 18) {
        high = (int64_t)decimal_power(col->type.precision) - 1;
        low = -high;
    }
    if (overflows || v < low || v > high)
        return sql_error_set(e, 8115, 16, 1, "Arithmetic overflow error converting IDENTITY to data type %s.",
                             type_name(col->type.id));
    atomic_store(&state->identity, v);
    atomic_store(&state->has_identity, true);
    *ret = is_decimal ? decimal_to_value((Decimal){v, col->type.precision, 0}, c->identity_blob)
                      : VALUE_OF_INT(v);
    c->s->identity = c->s->scope_identity = v;
    c->s->has_identity = c->s->has_scope_identity = true;
    return true;
}

/* An identity value given with IDENTITY_INSERT ON moves the counter on. */
static void note_identity(RowCheck *c, const Column *col, int64_t v) {
    TableState *state = c->t->state;
    bool is_further =
        col->identity_step > 0 ? v > atomic_load(&state->identity) : v < atomic_load(&state->identity);
    if (!atomic_load(&state->has_identity) || is_further) {
        atomic_store(&state->identity, v);
        atomic_store(&state->has_identity, true);
    }
    c->s->identity = c->s->scope_identity = v;
    c->s->has_identity = c->s->has_scope_identity = true;
}

static bool fill(RowCheck *c, size_t at, Value *row, SqlError *e) {
    Fill *f = &c->fills[at];
    const Column *col = &c->t->columns[at];
    switch (f->kind) {
    case FILL_GIVEN:
        if (col->is_identity && c->action == ROW_INSERT && row[at].kind != VALUE_NULL)
            note_identity(c, col, (int64_t)decimal_from_value(row[at], col->type.precision, 0).unscaled);
        if (c->defaults_nulls && f->has_default && row[at].kind == VALUE_NULL)
            return plan_value(c->s, &f->query, NULL, NULL, &c->row_arena, &row[at], e);
        return true;
    case FILL_NULL: row[at] = (Value){.kind = VALUE_NULL}; return true;
    case FILL_CONSTANT: row[at] = f->value; return true;
    case FILL_DEFAULT: return plan_value(c->s, &f->query, NULL, NULL, &c->row_arena, &row[at], e);
    case FILL_IDENTITY: return next_identity(c, col, &row[at], e);
    case FILL_ROWVERSION: {
        uint64_t v = server_next_rowversion(c->s->server);
        for (int i = 7; i >= 0; i--, v >>= 8) c->rowversion[i] = (uint8_t)v;
        row[at] = VALUE_OF_BLOB(((Str){(const char *)c->rowversion, sizeof c->rowversion}));
        return true;
    }
    }
    return true;
}

/* ---- checking */

static const char *action_name(const RowCheck *c) {
    return c->action == ROW_INSERT ? "INSERT" : "UPDATE";
}

static bool check_nulls(RowCheck *c, const Value *row, SqlError *e) {
    for (size_t i = 0; i < c->t->column_count; i++) {
        const Column *col = &c->t->columns[i];
        if (row[i].kind != VALUE_NULL || col->is_nullable || col->is_computed) continue;
        return sql_error_set(
            e, 515, 16, 2,
            "Cannot insert the value NULL into column '%s', table '%s.%s.%s'; column does not allow "
            "nulls. %s fails.",
            col->name, c->database ? c->database->name : "tempdb", session_schema_name(c->s, c->t),
            c->t->name, action_name(c));
    }
    return true;
}

static bool conflict(RowCheck *c, const char *kind, const char *name, const Table *where,
                     const Column *column, SqlError *e) {
    const Database *d = catalog_database_by_id(server_catalog(c->s->server), where->database_id);
    CLEANUP(buf_done) Buf tail = {0};
    if (column) buf_printf(&tail, ", column '%s'", column->name);
    return sql_error_set(
        e, 547, 16, 0,
        "The %s statement conflicted with the %s constraint \"%s\". The conflict occurred in database "
        "\"%s\", table \"%s.%s\"%s.",
        c->statement, kind, name, d ? d->name : "tempdb", session_schema_name(c->s, where), where->name,
        buf_text(&tail));
}

static bool check_conditions(RowCheck *c, const Value *row, SqlError *e) {
    for (size_t i = 0; i < c->check_count; i++) {
        Value v;
        if (!plan_value(c->s, &c->checks[i].query, row, NULL, &c->row_arena, &v, e)) return false;
        if (v.kind != VALUE_INT || v.v.i) continue; /* unknown passes */
        const Check *check = c->checks[i].check;
        return conflict(c, "CHECK", check->name, c->t, table_column_by_id(c->t, check->column_id), e);
    }
    return true;
}

static bool write_probe(RowCheck *c, ParentCheck *p) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql, "SELECT p.rowid FROM ");
    txn_source_sql(c->s->txn, p->parent, TXN_ROWS_COMMITTED, &sql);
    buf_cstr(&sql, " AS p WHERE ");
    for (size_t i = 0; i < p->key->count; i++)
        buf_printf(&sql, "%sp.c%d = ?%zu", i ? " AND " : "", p->key->referenced_columns[i], i + 1);
    buf_cstr(&sql, " LIMIT 1");
    p->sql = x_strdup(buf_text(&sql));
    return true;
}

/* The referenced row exists, and stays while this transaction is open. */
static bool check_parent(RowCheck *c, ParentCheck *p, const Value *row, SqlError *e) {
    for (size_t i = 0; i < p->key->count; i++)
        if (row[p->columns[i]].kind == VALUE_NULL) return true;
    if (!p->sql && !write_probe(c, p)) return false;
    StmtCache *cache = txn_statements(c->s->txn);
    sqlite3_stmt *st = stmtcache_take(cache, str_from(p->sql), e);
    if (!st) return false;
    for (size_t i = 0; i < p->key->count; i++)
        (void)functions_bind_value(st, (int)i + 1, &row[p->columns[i]]);
    int rc = sqlite3_step(st);
    int64_t rowid = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    stmtcache_put(cache, st);
    if (rc == SQLITE_ROW) {
        bool locks = txn_mode(c->s->txn) == TXN_OVERLAY ||
                     lock_has_writers(txn_owner(c->s->txn), p->parent->object_id);
        LockResource r = {.object_id = p->parent->object_id, .space = LOCK_ROW_SPACE, .key = rowid};
        return !locks || txn_try_lock(c->s->txn, r, LOCK_S, e);
    }
    if (rc != SQLITE_DONE) return store_sqlite_error(c->s->db, "look for a referenced row", e);
    const Column *column =
        p->key->count == 1 ? table_column_by_id(p->parent, p->key->referenced_columns[0]) : NULL;
    return conflict(c, p->parent == c->t ? "FOREIGN KEY SAME TABLE" : "FOREIGN KEY", p->key->name, p->parent,
                    column, e);
}

static bool check_parents(RowCheck *c, const Value *row, bool own, SqlError *e) {
    for (size_t i = 0; i < c->parent_count; i++)
        if ((c->parents[i].parent == c->t) == own && !check_parent(c, &c->parents[i], row, e)) return false;
    return true;
}

/* ---- large values of captured columns */

static bool is_lob(const Type *t) {
    return t->length == TYPE_MAX_LENGTH || t->id == TYPE_TEXT || t->id == TYPE_NTEXT || t->id == TYPE_IMAGE ||
           t->id == TYPE_XML;
}

static int64_t byte_count(const Type *t, const Value *v) {
    bool is_wide = t->id == TYPE_NVARCHAR || t->id == TYPE_NTEXT || t->id == TYPE_XML;
    if (v->kind == VALUE_BLOB) return (int64_t)v->v.s.n;
    return (int64_t)wtf8_units(v->v.s) * (is_wide ? 2 : 1);
}

/* Asked for values over the limit only. The tables of schema cdc are read as they are committed. */
static bool is_captured(RowCheck *c, int32_t column_id, bool *ret, SqlError *e) {
    const Catalog *catalog = session_catalog(c->s);
    const Schema *cdc = c->database ? database_schema(c->database, STR_LIT("cdc")) : NULL;
    const Table *instances =
        cdc ? catalog_table(catalog, c->database->id, cdc->id, STR_LIT("change_tables")) : NULL;
    const Table *columns =
        cdc ? catalog_table(catalog, c->database->id, cdc->id, STR_LIT("captured_columns")) : NULL;
    *ret = false;
    if (!instances || !columns) return true;
    CLEANUP_FREE char *sql =
        x_asprintf("SELECT 1 FROM %s AS i JOIN %s AS k ON k.c1 = i.c1 WHERE i.c3 = %d AND k.c3 = %d LIMIT 1",
                   instances->sql_name, columns->sql_name, c->t->object_id, column_id);
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(c->s->db, sql, -1, &st, NULL) != SQLITE_OK)
        return store_sqlite_error(c->s->db, "captured columns", e);
    int rc = sqlite3_step(st);
    *ret = rc == SQLITE_ROW;
    (void)sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE || store_sqlite_error(c->s->db, "captured columns", e);
}

/* `max text repl size` holds for what capture is to carry. */
static bool check_large(RowCheck *c, const Value *row, SqlError *e) {
    int32_t limit =
        configuration_in_use(server_configuration(c->s->server), CONFIGURATION_MAX_TEXT_REPL_SIZE);
    for (size_t i = 0; limit >= 0 && i < c->t->column_count; i++) {
        const Column *col = &c->t->columns[i];
        bool has_bytes = row[i].kind == VALUE_TEXT || row[i].kind == VALUE_BLOB;
        if (!has_bytes || !is_lob(&col->type) || (c->action == ROW_UPDATE && !c->is_set[i]) ||
            (int64_t)row[i].v.s.n * 2 <= limit)
            continue;
        int64_t size = byte_count(&col->type, &row[i]);
        bool captured = false;
        if (size <= limit) continue;
        if (!is_captured(c, col->id, &captured, e)) return false;
        if (captured)
            return sql_error_set(
                e, 7139, 16, 1,
                "Length of LOB data (%lld) to be replicated exceeds configured maximum %d. Use the stored "
                "procedure sp_configure to increase the configured maximum value for max text repl size "
                "option, "
                "which defaults to 65536. A configured value of -1 indicates no limit, other that the limit "
                "imposed by the data type.",
                (long long)size, limit);
    }
    return true;
}

bool rowcheck_row(RowCheck *c, Value *row, SqlError *e) {
    arena_clear(&c->row_arena);
    for (size_t i = 0; i < c->t->column_count; i++)
        if (!fill(c, i, row, e)) return false;
    for (size_t i = 0; i < c->computed_count; i++) {
        RowQuery *q = &c->computed[i];
        if (!plan_value(c->s, &q->query, row, NULL, &c->row_arena, &row[q->column], e)) return false;
    }
    if (!check_nulls(c, row, e) || !check_conditions(c, row, e) || !check_parents(c, row, false, e))
        return false;
    if (c->t->is_tracked_by_cdc && !check_large(c, row, e)) return false;
    return !c->own || rowbuffer_add(c->own, row, e);
}

bool rowcheck_finish(RowCheck *c, SqlError *e) {
    if (!c->own || !rowbuffer_count(c->own)) return true;
    Value *row = ARENA_ARRAY(&c->arena, Value, c->t->column_count);
    for (size_t i = 0; i < c->parent_count; i++) { /* the write set may have come into being meanwhile */
        free(c->parents[i].sql);
        c->parents[i].sql = NULL;
    }
    rowbuffer_rewind(c->own);
    int rc;
    while ((rc = rowbuffer_next(c->own, row, e)) == 1)
        if (!check_parents(c, row, true, e)) return false;
    return rc == 0;
}
