/*
 * Catalog objects as bytes: one blob an object, fields in a fixed order, texts with a 32-bit length before
 * them (all ones = NULL). The blob begins with a format number, so that a data directory of another version
 * is refused rather than misread. Relational meta tables were not taken: nothing but this file would ever
 * query them.
 */
#include "standin/store/catalog_save.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "standin/store/permission.h"

enum { FORMAT = 3 };
#define NO_TEXT UINT32_MAX

static void put_text(Buf *out, const char *s) {
    if (!s) {
        buf_le32(out, NO_TEXT);
        return;
    }
    Str text = str_from(s);
    buf_le32(out, (uint32_t)text.n);
    buf_str(out, text);
}

static void put_int(Buf *out, int32_t v) {
    buf_le32(out, (uint32_t)v);
}
static void put_long(Buf *out, int64_t v) {
    buf_le64(out, (uint64_t)v);
}
static void put_count(Buf *out, size_t n) {
    buf_le32(out, (uint32_t)n);
}
static void put_bool(Buf *out, bool b) {
    buf_u8(out, b);
}

static char *get_text(Cursor *c) {
    uint32_t n = cursor_le32(c);
    return n == NO_TEXT ? NULL : str_dup(cursor_bytes(c, n));
}

static int32_t get_int(Cursor *c) {
    return (int32_t)cursor_le32(c);
}
static int64_t get_long(Cursor *c) {
    return (int64_t)cursor_le64(c);
}
static bool get_bool(Cursor *c) {
    return cursor_u8(c) != 0;
}
/* A count can't be larger than the bytes that are left: each element takes at least one. */
static size_t get_count(Cursor *c) {
    size_t n = cursor_le32(c);
    if (n > cursor_left(c)) c->failed = true;
    return c->failed ? 0 : n;
}

static void put_type(Buf *out, const Type *t) {
    buf_u8(out, (uint8_t)t->id);
    put_int(out, t->length);
    buf_u8(out, t->precision);
    buf_u8(out, t->scale);
    buf_le16(out, t->collation);
    put_bool(out, t->is_sysname);
}

static Type get_type(Cursor *c) {
    Type t = {.id = (TypeId)cursor_u8(c)};
    t.length = get_int(c);
    t.precision = cursor_u8(c);
    t.scale = cursor_u8(c);
    t.collation = cursor_le16(c);
    t.is_sysname = get_bool(c);
    return t;
}

static void put_column(Buf *out, const Column *c) {
    put_int(out, c->id);
    put_text(out, c->name);
    put_type(out, &c->type);
    put_int(out, c->user_type_id);
    put_bool(out, c->is_sparse);
    put_bool(out, c->is_nullable);
    put_bool(out, c->is_identity);
    put_bool(out, c->is_computed);
    put_bool(out, c->is_rowguid);
    put_bool(out, c->is_persisted);
    put_long(out, c->identity_seed);
    put_long(out, c->identity_step);
    put_text(out, c->default_sql);
    put_text(out, c->default_name);
    put_int(out, c->default_object_id);
    put_text(out, c->computed_sql);
}

static void get_column(Cursor *c, Column *ret) {
    ret->id = get_int(c);
    ret->name = get_text(c);
    ret->type = get_type(c);
    ret->user_type_id = get_int(c);
    ret->is_sparse = get_bool(c);
    ret->is_nullable = get_bool(c);
    ret->is_identity = get_bool(c);
    ret->is_computed = get_bool(c);
    ret->is_rowguid = get_bool(c);
    ret->is_persisted = get_bool(c);
    ret->identity_seed = get_long(c);
    ret->identity_step = get_long(c);
    ret->default_sql = get_text(c);
    ret->default_name = get_text(c);
    ret->default_object_id = get_int(c);
    ret->computed_sql = get_text(c);
}

static void put_index(Buf *out, const Index *x) {
    put_int(out, x->id);
    put_text(out, x->name);
    put_int(out, x->object_id);
    put_bool(out, x->is_unique);
    put_bool(out, x->is_primary_key);
    put_bool(out, x->is_unique_constraint);
    put_bool(out, x->is_clustered);
    put_count(out, x->key_count);
    put_count(out, x->column_count);
    for (size_t i = 0; i < x->column_count; i++) {
        put_int(out, x->columns[i].column_id);
        put_bool(out, x->columns[i].is_descending);
        put_bool(out, x->columns[i].is_included);
    }
    put_text(out, x->filter);
    put_text(out, x->filter_sql);
}

static void get_index(Cursor *c, Index *ret) {
    ret->id = get_int(c);
    ret->name = get_text(c);
    ret->object_id = get_int(c);
    ret->is_unique = get_bool(c);
    ret->is_primary_key = get_bool(c);
    ret->is_unique_constraint = get_bool(c);
    ret->is_clustered = get_bool(c);
    ret->key_count = get_count(c);
    ret->column_count = get_count(c);
    ret->columns = x_calloc(ret->column_count, sizeof *ret->columns);
    for (size_t i = 0; i < ret->column_count; i++) {
        ret->columns[i].column_id = get_int(c);
        ret->columns[i].is_descending = get_bool(c);
        ret->columns[i].is_included = get_bool(c);
    }
    ret->filter = get_text(c);
    ret->filter_sql = get_text(c);
}

static void put_foreign_key(Buf *out, const ForeignKey *k) {
    put_int(out, k->object_id);
    put_text(out, k->name);
    put_int(out, k->referenced_id);
    buf_u8(out, (uint8_t)k->on_delete);
    buf_u8(out, (uint8_t)k->on_update);
    put_bool(out, k->is_disabled);
    put_bool(out, k->is_not_trusted);
    put_count(out, k->count);
    for (size_t i = 0; i < k->count; i++) {
        put_int(out, k->columns[i]);
        put_int(out, k->referenced_columns[i]);
    }
}

static void get_foreign_key(Cursor *c, ForeignKey *ret) {
    ret->object_id = get_int(c);
    ret->name = get_text(c);
    ret->referenced_id = get_int(c);
    ret->on_delete = (KeyAction)cursor_u8(c);
    ret->on_update = (KeyAction)cursor_u8(c);
    ret->is_disabled = get_bool(c);
    ret->is_not_trusted = get_bool(c);
    ret->count = get_count(c);
    ret->columns = x_calloc(ret->count, sizeof *ret->columns);
    ret->referenced_columns = x_calloc(ret->count, sizeof *ret->referenced_columns);
    for (size_t i = 0; i < ret->count; i++) {
        ret->columns[i] = get_int(c);
        ret->referenced_columns[i] = get_int(c);
    }
}

void catalog_save_table(const Table *t, Buf *out) {
    buf_u8(out, FORMAT);
    put_int(out, t->object_id);
    put_int(out, t->database_id);
    put_int(out, t->schema_id);
    buf_u8(out, (uint8_t)t->kind);
    put_text(out, t->name);
    put_int(out, t->max_column_id);
    put_bool(out, t->has_rowid_column);
    put_count(out, t->rowid_column);
    put_text(out, t->view_sql);
    put_bool(out, t->is_ms_shipped);
    put_bool(out, t->is_tracked_by_cdc);
    put_long(out, t->create_us);
    put_long(out, t->modify_us);
    put_bool(out, atomic_load(&t->state->has_identity));
    put_long(out, atomic_load(&t->state->identity));
    put_count(out, t->column_count);
    for (size_t i = 0; i < t->column_count; i++) put_column(out, &t->columns[i]);
    put_count(out, t->index_count);
    for (size_t i = 0; i < t->index_count; i++) put_index(out, &t->indexes[i]);
    put_count(out, t->foreign_key_count);
    for (size_t i = 0; i < t->foreign_key_count; i++) put_foreign_key(out, &t->foreign_keys[i]);
    put_count(out, t->check_count);
    for (size_t i = 0; i < t->check_count; i++) {
        put_int(out, t->checks[i].object_id);
        put_text(out, t->checks[i].name);
        put_text(out, t->checks[i].sql);
        put_bool(out, t->checks[i].is_disabled);
        put_int(out, t->checks[i].column_id);
    }
}

static void load_parts(Cursor *c, Table *t) {
    t->column_count = get_count(c);
    t->columns = x_calloc(t->column_count, sizeof *t->columns);
    for (size_t i = 0; i < t->column_count; i++) get_column(c, &t->columns[i]);
    t->index_count = get_count(c);
    t->indexes = x_calloc(t->index_count, sizeof *t->indexes);
    for (size_t i = 0; i < t->index_count; i++) get_index(c, &t->indexes[i]);
    t->foreign_key_count = get_count(c);
    t->foreign_keys = x_calloc(t->foreign_key_count, sizeof *t->foreign_keys);
    for (size_t i = 0; i < t->foreign_key_count; i++) get_foreign_key(c, &t->foreign_keys[i]);
    t->check_count = get_count(c);
    t->checks = x_calloc(t->check_count, sizeof *t->checks);
    for (size_t i = 0; i < t->check_count; i++) {
        t->checks[i].object_id = get_int(c);
        t->checks[i].name = get_text(c);
        t->checks[i].sql = get_text(c);
        t->checks[i].is_disabled = get_bool(c);
        t->checks[i].column_id = get_int(c);
    }
}

Table *catalog_load_table(Str bytes) {
    Cursor c = cursor_over(bytes.p, bytes.n);
    if (cursor_u8(&c) != FORMAT) return NULL;
    int32_t object_id = get_int(&c), database_id = get_int(&c), schema_id = get_int(&c);
    TableKind kind = (TableKind)cursor_u8(&c);
    CLEANUP_FREE char *name = get_text(&c);
    Table *t = table_new(object_id, database_id, schema_id, str_from(name));
    t->kind = kind;
    t->max_column_id = get_int(&c);
    t->has_rowid_column = get_bool(&c);
    t->rowid_column = cursor_le32(&c);
    t->view_sql = get_text(&c);
    t->is_ms_shipped = get_bool(&c);
    t->is_tracked_by_cdc = get_bool(&c);
    t->create_us = get_long(&c);
    t->modify_us = get_long(&c);
    atomic_store(&t->state->has_identity, get_bool(&c));
    atomic_store(&t->state->identity, get_long(&c));
    load_parts(&c, t);
    return c.failed ? table_free(t) : t;
}

void catalog_save_database(const Database *d, Buf *out) {
    buf_u8(out, FORMAT);
    put_int(out, d->id);
    put_text(out, d->name);
    put_long(out, d->create_us);
    put_bool(out, d->is_cdc_enabled);
    put_bool(out, d->is_snapshot_on);
    put_bool(out, d->is_read_committed_snapshot_on);
    buf_le16(out, d->collation);
    put_int(out, d->compatibility_level);
    put_count(out, d->schema_count);
    for (size_t i = 0; i < d->schema_count; i++) {
        put_int(out, d->schemas[i].id);
        put_text(out, d->schemas[i].name);
        put_int(out, d->schemas[i].principal_id);
    }
    put_count(out, d->principal_count);
    for (size_t i = 0; i < d->principal_count; i++) {
        const Principal *p = &d->principals[i];
        put_int(out, p->id);
        put_text(out, p->name);
        buf_u8(out, (uint8_t)p->kind);
        put_text(out, p->login);
        put_text(out, p->default_schema);
        put_int(out, p->owner_id);
        put_bool(out, p->is_fixed);
        put_long(out, p->create_us);
        put_count(out, p->member_of_count);
        for (size_t k = 0; k < p->member_of_count; k++) put_int(out, p->member_of[k]);
    }
    put_count(out, d->grant_count);
    for (size_t i = 0; i < d->grant_count; i++) {
        put_int(out, d->grants[i].principal_id);
        buf_u8(out, (uint8_t)d->grants[i].scope);
        put_int(out, d->grants[i].id);
        put_int(out, d->grants[i].column_id);
        buf_le32(out, d->grants[i].allow);
        buf_le32(out, d->grants[i].deny);
        buf_le32(out, d->grants[i].with_option);
    }
    put_count(out, d->type_count);
    for (size_t i = 0; i < d->type_count; i++) {
        put_int(out, d->types[i].id);
        put_int(out, d->types[i].schema_id);
        put_text(out, d->types[i].name);
        put_type(out, &d->types[i].base);
        put_bool(out, d->types[i].is_nullable);
    }
}

static void load_principal(Cursor *c, Principal *p) {
    p->id = get_int(c);
    p->name = get_text(c);
    p->kind = (PrincipalKind)cursor_u8(c);
    p->login = get_text(c);
    p->default_schema = get_text(c);
    p->owner_id = get_int(c);
    p->is_fixed = get_bool(c);
    p->create_us = get_long(c);
    p->member_of_count = get_count(c);
    p->member_of = x_calloc(p->member_of_count, sizeof *p->member_of);
    for (size_t k = 0; k < p->member_of_count; k++) p->member_of[k] = get_int(c);
}

Database *catalog_load_database(Str bytes) {
    Cursor c = cursor_over(bytes.p, bytes.n);
    if (cursor_u8(&c) != FORMAT) return NULL;
    Database *d = x_calloc(1, sizeof *d);
    d->id = get_int(&c);
    d->name = get_text(&c);
    d->create_us = get_long(&c);
    d->is_cdc_enabled = get_bool(&c);
    d->is_snapshot_on = get_bool(&c);
    d->is_read_committed_snapshot_on = get_bool(&c);
    d->collation = cursor_le16(&c);
    d->compatibility_level = get_int(&c);
    d->schema_count = get_count(&c);
    d->schemas = x_calloc(d->schema_count, sizeof *d->schemas);
    for (size_t i = 0; i < d->schema_count; i++) {
        d->schemas[i].id = get_int(&c);
        d->schemas[i].name = get_text(&c);
        d->schemas[i].principal_id = get_int(&c);
    }
    d->principal_count = get_count(&c);
    d->principals = x_calloc(d->principal_count, sizeof *d->principals);
    for (size_t i = 0; i < d->principal_count; i++) load_principal(&c, &d->principals[i]);
    d->grant_count = get_count(&c);
    d->grants = x_calloc(d->grant_count, sizeof *d->grants);
    for (size_t i = 0; i < d->grant_count; i++) {
        d->grants[i].principal_id = get_int(&c);
        d->grants[i].scope = (GrantScope)cursor_u8(&c);
        d->grants[i].id = get_int(&c);
        d->grants[i].column_id = get_int(&c);
        d->grants[i].allow = cursor_le32(&c);
        d->grants[i].deny = cursor_le32(&c);
        d->grants[i].with_option = cursor_le32(&c);
    }
    d->type_count = get_count(&c);
    d->types = x_calloc(d->type_count, sizeof *d->types);
    for (size_t i = 0; i < d->type_count; i++) {
        d->types[i].id = get_int(&c);
        d->types[i].schema_id = get_int(&c);
        d->types[i].name = get_text(&c);
        d->types[i].base = get_type(&c);
        d->types[i].is_nullable = get_bool(&c);
    }
    return c.failed ? database_free(d) : d;
}

void catalog_save_login(const Login *l, Buf *out) {
    buf_u8(out, FORMAT);
    put_int(out, l->id);
    put_text(out, l->name);
    put_text(out, l->password);
    put_text(out, l->default_database);
    put_bool(out, l->is_disabled);
    buf_le32(out, l->roles);
    buf_le32(out, l->allow);
    buf_le32(out, l->deny);
    put_long(out, l->create_us);
    put_long(out, l->modify_us);
}

Login *catalog_load_login(Str bytes) {
    Cursor c = cursor_over(bytes.p, bytes.n);
    if (cursor_u8(&c) != FORMAT) return NULL;
    Login *l = x_calloc(1, sizeof *l);
    l->id = get_int(&c);
    l->name = get_text(&c);
    l->password = get_text(&c);
    l->default_database = get_text(&c);
    l->is_disabled = get_bool(&c);
    l->roles = cursor_le32(&c);
    l->is_sysadmin = l->roles & PERMISSION_ROLE_SYSADMIN;
    l->allow = cursor_le32(&c);
    l->deny = cursor_le32(&c);
    l->create_us = get_long(&c);
    l->modify_us = get_long(&c);
    return c.failed || !l->name ? login_free(l) : l;
}

bool catalog_save_row(struct sqlite3 *db, const char *sql, int64_t id, Str text, const Buf *body,
                      SqlError *e) {
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        int n = sqlite3_bind_parameter_count(st);
        if (n >= 1) (void)sqlite3_bind_int64(st, 1, id);
        if (n >= 2) (void)sqlite3_bind_text(st, 2, text.p, (int)text.n, SQLITE_STATIC);
        if (n >= 3 && body) (void)sqlite3_bind_blob(st, 3, body->p, (int)body->n, SQLITE_STATIC);
        rc = sqlite3_step(st);
    }
    (void)sqlite3_finalize(st);
    if (rc == SQLITE_DONE || rc == SQLITE_ROW) return true;
    return sql_error_set(e, 5123, 16, 1, "The catalog could not be written: %s", sqlite3_errmsg(db));
}
