/* The catalog's objects themselves: building, copying, freeing them, and looking inside one. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "standin/store/catalog.h"

#define GROW(array, count) ((array) = x_reallocarray((array), (count) + 1, sizeof *(array)))

static char *copy_text(const char *s) {
    return s ? x_strdup(s) : NULL;
}

static int32_t *copy_ids(const int32_t *ids, size_t count) {
    int32_t *copy = x_reallocarray(NULL, count, sizeof *ids);
    if (count) memcpy(copy, ids, count * sizeof *ids);
    return copy;
}

/* ---- building */

Table *table_new(int32_t object_id, int32_t database_id, int32_t schema_id, Str name) {
    Table *t = x_calloc(1, sizeof *t);
    t->object_id = object_id;
    t->database_id = database_id;
    t->schema_id = schema_id;
    t->kind = TABLE_USER;
    t->name = str_dup(name);
    t->sql_name = x_asprintf("t%d", object_id);
    t->create_us = t->modify_us = clock_wall_us();
    t->state = x_calloc(1, sizeof *t->state);
    t->state->reference_count = 1;
    return t;
}

Column *table_add_column(Table *t, Str name, const Type *type, bool is_nullable) {
    GROW(t->columns, t->column_count);
    Column *c = &t->columns[t->column_count++];
    *c = (Column){.id = ++t->max_column_id, .name = str_dup(name), .type = *type, .is_nullable = is_nullable};
    return c;
}

Index *table_add_index(Table *t, Str name) {
    int32_t id = 1;
    for (size_t i = 0; i < t->index_count; i++)
        if (t->indexes[i].id > id) id = t->indexes[i].id;
    GROW(t->indexes, t->index_count);
    Index *x = &t->indexes[t->index_count++];
    *x = (Index){.id = id + 1, .name = str_dup(name)};
    return x;
}

ForeignKey *table_add_foreign_key(Table *t, Str name, size_t count) {
    GROW(t->foreign_keys, t->foreign_key_count);
    ForeignKey *k = &t->foreign_keys[t->foreign_key_count++];
    *k = (ForeignKey){.name = str_dup(name),
                      .count = count,
                      .columns = x_calloc(count, sizeof *k->columns),
                      .referenced_columns = x_calloc(count, sizeof *k->referenced_columns)};
    return k;
}

Check *table_add_check(Table *t, Str name, Str sql) {
    GROW(t->checks, t->check_count);
    Check *c = &t->checks[t->check_count++];
    *c = (Check){.name = str_dup(name), .sql = str_dup(sql)};
    return c;
}

/* ---- freeing */

static void column_done(Column *c) {
    free(c->name);
    free(c->default_sql);
    free(c->default_name);
    free(c->computed_sql);
}

static void index_done(Index *x) {
    free(x->name);
    free(x->columns);
    free(x->filter);
    free(x->filter_sql);
}

static void foreign_key_done(ForeignKey *k) {
    free(k->name);
    free(k->columns);
    free(k->referenced_columns);
}

static void check_done(Check *c) {
    free(c->name);
    free(c->sql);
}

Table *table_free(Table *t) {
    if (!t) return NULL;
    for (size_t i = 0; i < t->column_count; i++) column_done(&t->columns[i]);
    for (size_t i = 0; i < t->index_count; i++) index_done(&t->indexes[i]);
    for (size_t i = 0; i < t->foreign_key_count; i++) foreign_key_done(&t->foreign_keys[i]);
    for (size_t i = 0; i < t->check_count; i++) check_done(&t->checks[i]);
    free(t->columns);
    free(t->indexes);
    free(t->foreign_keys);
    free(t->checks);
    free(t->name);
    free(t->sql_name);
    free(t->view_sql);
    if (t->state && atomic_fetch_sub(&t->state->reference_count, 1) == 1) free(t->state);
    free(t);
    return NULL;
}

/* ---- editing a copy */

#define REMOVE_AT(array, count, at)                                                                          \
    do {                                                                                                     \
        memmove(&(array)[at], &(array)[(at) + 1], ((count) - (at)-1) * sizeof *(array));                     \
        (count)--;                                                                                           \
    } while (0)

void table_drop_column(Table *t, int32_t column_id) {
    size_t at = table_column_index(t, column_id);
    if (at == t->column_count) return;
    column_done(&t->columns[at]);
    REMOVE_AT(t->columns, t->column_count, at);
    if (t->has_rowid_column && t->rowid_column > at) t->rowid_column--;
}

void table_drop_index(Table *t, int32_t index_id) {
    for (size_t i = 0; i < t->index_count; i++)
        if (t->indexes[i].id == index_id) {
            index_done(&t->indexes[i]);
            REMOVE_AT(t->indexes, t->index_count, i);
            return;
        }
}

bool table_drop_constraint(Table *t, int32_t object_id) {
    for (size_t i = 0; i < t->foreign_key_count; i++)
        if (t->foreign_keys[i].object_id == object_id) {
            foreign_key_done(&t->foreign_keys[i]);
            REMOVE_AT(t->foreign_keys, t->foreign_key_count, i);
            return true;
        }
    for (size_t i = 0; i < t->check_count; i++)
        if (t->checks[i].object_id == object_id) {
            check_done(&t->checks[i]);
            REMOVE_AT(t->checks, t->check_count, i);
            return true;
        }
    for (size_t i = 0; i < t->column_count; i++)
        if (t->columns[i].default_object_id == object_id && object_id) {
            Column *c = &t->columns[i];
            free(c->default_sql);
            free(c->default_name);
            c->default_sql = c->default_name = NULL;
            c->default_object_id = 0;
            return true;
        }
    return false;
}

Table *table_copy(const Table *t) {
    Table *n = x_malloc(sizeof *n);
    *n = *t;
    n->name = x_strdup(t->name);
    n->sql_name = x_strdup(t->sql_name);
    n->view_sql = copy_text(t->view_sql);
    n->columns = x_reallocarray(NULL, t->column_count, sizeof *n->columns);
    for (size_t i = 0; i < t->column_count; i++) {
        Column *c = &n->columns[i];
        *c = t->columns[i];
        c->name = x_strdup(c->name);
        c->default_sql = copy_text(c->default_sql);
        c->default_name = copy_text(c->default_name);
        c->computed_sql = copy_text(c->computed_sql);
    }
    n->indexes = x_reallocarray(NULL, t->index_count, sizeof *n->indexes);
    for (size_t i = 0; i < t->index_count; i++) {
        Index *x = &n->indexes[i];
        *x = t->indexes[i];
        x->name = x_strdup(x->name);
        x->columns = x_reallocarray(NULL, x->column_count, sizeof *x->columns);
        memcpy(x->columns, t->indexes[i].columns, x->column_count * sizeof *x->columns);
        x->filter = copy_text(x->filter);
        x->filter_sql = copy_text(x->filter_sql);
    }
    n->foreign_keys = x_reallocarray(NULL, t->foreign_key_count, sizeof *n->foreign_keys);
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        ForeignKey *k = &n->foreign_keys[i];
        *k = t->foreign_keys[i];
        k->name = x_strdup(k->name);
        k->columns = copy_ids(k->columns, k->count);
        k->referenced_columns = copy_ids(k->referenced_columns, k->count);
    }
    n->checks = x_reallocarray(NULL, t->check_count, sizeof *n->checks);
    for (size_t i = 0; i < t->check_count; i++) {
        n->checks[i] = t->checks[i];
        n->checks[i].name = x_strdup(t->checks[i].name);
        n->checks[i].sql = x_strdup(t->checks[i].sql);
    }
    (void)atomic_fetch_add(&n->state->reference_count, 1);
    return n;
}

/* ---- databases */

Schema *database_add_schema(Database *d, Str name, int32_t principal_id) {
    int32_t id = CATALOG_FIRST_USER_SCHEMA;
    for (size_t i = 0; i < d->schema_count; i++)
        if (d->schemas[i].id >= id) id = d->schemas[i].id + 1;
    GROW(d->schemas, d->schema_count);
    Schema *s = &d->schemas[d->schema_count++];
    *s = (Schema){.id = id, .name = str_dup(name), .principal_id = principal_id};
    return s;
}

Principal *database_add_principal(Database *d, Str name, PrincipalKind kind) {
    int32_t id = CATALOG_FIRST_USER_PRINCIPAL;
    for (size_t i = 0; i < d->principal_count; i++)
        if (d->principals[i].id >= id && d->principals[i].id < CATALOG_PRINCIPAL_DB_OWNER)
            id = d->principals[i].id + 1;
    GROW(d->principals, d->principal_count);
    Principal *p = &d->principals[d->principal_count++];
    *p = (Principal){.id = id, .name = str_dup(name), .kind = kind, .create_us = clock_wall_us()};
    return p;
}

Grant *database_add_grant(Database *d, int32_t principal_id, GrantScope scope, int32_t id,
                          int32_t column_id) {
    for (size_t i = 0; i < d->grant_count; i++) {
        Grant *g = &d->grants[i];
        if (g->principal_id == principal_id && g->scope == scope && g->id == id && g->column_id == column_id)
            return g;
    }
    GROW(d->grants, d->grant_count);
    Grant *g = &d->grants[d->grant_count++];
    *g = (Grant){.principal_id = principal_id, .scope = scope, .id = id, .column_id = column_id};
    return g;
}

Login *login_copy(const Login *l) {
    Login *n = x_malloc(sizeof *n);
    *n = *l;
    n->name = x_strdup(l->name);
    n->password = x_strdup(l->password ? l->password : "");
    n->default_database = x_strdup(l->default_database ? l->default_database : "");
    return n;
}

Login *login_free(Login *l) {
    if (!l) return NULL;
    free(l->name);
    free(l->password);
    free(l->default_database);
    free(l);
    return NULL;
}

UserType *database_add_type(Database *d, int32_t schema_id, Str name, const Type *base, bool is_nullable) {
    int32_t id = CATALOG_FIRST_USER_TYPE;
    for (size_t i = 0; i < d->type_count; i++)
        if (d->types[i].id >= id) id = d->types[i].id + 1;
    GROW(d->types, d->type_count);
    UserType *t = &d->types[d->type_count++];
    *t = (UserType){
        .id = id, .schema_id = schema_id, .name = str_dup(name), .base = *base, .is_nullable = is_nullable};
    return t;
}

void database_drop_type(Database *d, int32_t id) {
    for (size_t i = 0; i < d->type_count; i++)
        if (d->types[i].id == id) {
            free(d->types[i].name);
            REMOVE_AT(d->types, d->type_count, i);
            return;
        }
}

void database_drop_schema(Database *d, int32_t id) {
    for (size_t i = 0; i < d->schema_count; i++)
        if (d->schemas[i].id == id) {
            free(d->schemas[i].name);
            REMOVE_AT(d->schemas, d->schema_count, i);
            return;
        }
}

static void principal_done(Principal *p) {
    free(p->name);
    free(p->login);
    free(p->default_schema);
    free(p->member_of);
}

void database_drop_principal(Database *d, int32_t id) {
    for (size_t i = 0; i < d->principal_count; i++)
        if (d->principals[i].id == id) {
            principal_done(&d->principals[i]);
            REMOVE_AT(d->principals, d->principal_count, i);
            break;
        }
    size_t kept = 0;
    for (size_t i = 0; i < d->grant_count; i++)
        if (d->grants[i].principal_id != id) d->grants[kept++] = d->grants[i];
    d->grant_count = kept;
}

void principal_set_member(Principal *p, int32_t role_id, bool is_member) {
    for (size_t i = 0; i < p->member_of_count; i++)
        if (p->member_of[i] == role_id) {
            if (!is_member) REMOVE_AT(p->member_of, p->member_of_count, i);
            return;
        }
    if (!is_member) return;
    GROW(p->member_of, p->member_of_count);
    p->member_of[p->member_of_count++] = role_id;
}

Database *database_copy(const Database *d) {
    Database *n = x_malloc(sizeof *n);
    *n = *d;
    n->name = x_strdup(d->name);
    n->schemas = x_reallocarray(NULL, d->schema_count, sizeof *n->schemas);
    for (size_t i = 0; i < d->schema_count; i++) {
        n->schemas[i] = d->schemas[i];
        n->schemas[i].name = x_strdup(d->schemas[i].name);
    }
    n->principals = x_reallocarray(NULL, d->principal_count, sizeof *n->principals);
    for (size_t i = 0; i < d->principal_count; i++) {
        Principal *p = &n->principals[i];
        *p = d->principals[i];
        p->name = x_strdup(p->name);
        p->login = copy_text(p->login);
        p->default_schema = copy_text(p->default_schema);
        p->member_of = copy_ids(p->member_of, p->member_of_count);
    }
    n->grants = x_reallocarray(NULL, d->grant_count, sizeof *n->grants);
    if (d->grant_count) memcpy(n->grants, d->grants, d->grant_count * sizeof *n->grants);
    n->types = x_reallocarray(NULL, d->type_count, sizeof *n->types);
    for (size_t i = 0; i < d->type_count; i++) {
        n->types[i] = d->types[i];
        n->types[i].name = x_strdup(d->types[i].name);
    }
    return n;
}

Database *database_free(Database *d) {
    if (!d) return NULL;
    for (size_t i = 0; i < d->schema_count; i++) free(d->schemas[i].name);
    for (size_t i = 0; i < d->principal_count; i++) principal_done(&d->principals[i]);
    for (size_t i = 0; i < d->type_count; i++) free(d->types[i].name);
    free(d->types);
    free(d->schemas);
    free(d->principals);
    free(d->grants);
    free(d->name);
    free(d);
    return NULL;
}

/* ---- looking inside */

static bool same_name(const char *have, Str want) {
    return str_eq_icase(str_from(have), want);
}

#define FIND(array, count, condition)                                                                        \
    for (size_t i = 0; i < (count); i++)                                                                     \
        if (condition) return &(array)[i];                                                                   \
    return NULL

const Schema *database_schema(const Database *d, Str name) {
    FIND(d->schemas, d->schema_count, same_name(d->schemas[i].name, name));
}

const Schema *database_schema_by_id(const Database *d, int32_t id) {
    FIND(d->schemas, d->schema_count, d->schemas[i].id == id);
}

const UserType *database_type(const Database *d, int32_t schema_id, Str name) {
    FIND(d->types, d->type_count, d->types[i].schema_id == schema_id && same_name(d->types[i].name, name));
}

const UserType *database_type_by_id(const Database *d, int32_t id) {
    FIND(d->types, d->type_count, d->types[i].id == id);
}

const Principal *database_principal(const Database *d, Str name) {
    FIND(d->principals, d->principal_count, same_name(d->principals[i].name, name));
}

const Principal *database_principal_by_id(const Database *d, int32_t id) {
    FIND(d->principals, d->principal_count, d->principals[i].id == id);
}

const Column *table_column(const Table *t, Str name) {
    FIND(t->columns, t->column_count, same_name(t->columns[i].name, name));
}

const Column *table_column_by_id(const Table *t, int32_t id) {
    FIND(t->columns, t->column_count, t->columns[i].id == id);
}

size_t table_column_index(const Table *t, int32_t id) {
    size_t i = 0;
    while (i < t->column_count && t->columns[i].id != id) i++;
    return i;
}

const Index *table_index(const Table *t, Str name) {
    FIND(t->indexes, t->index_count, same_name(t->indexes[i].name, name));
}

const Index *table_primary_key(const Table *t) {
    FIND(t->indexes, t->index_count, t->indexes[i].is_primary_key);
}

const Column *table_identity(const Table *t) {
    FIND(t->columns, t->column_count, t->columns[i].is_identity);
}
