/* view_information.c - INFORMATION_SCHEMA as SQL Server fills it (catalog = database, its own type names). */
#include "standin/system/view_information.h"

#include "standin/builtin/odbc_type.h"
#include "standin/builtin/view_row.h"
#include "standin/exec/proc.h"
#include "standin/types/collation.h"

enum { LOB_BYTES = INT32_MAX, LOB_UNITS = INT32_MAX / 2 };

/* The three-part name of a thing that lies in schema_id. */
static void name_of(ViewRow *r, const Database *d, int32_t schema_id, const char *name) {
    const Schema *schema = database_schema_by_id(d, schema_id);
    view_row_text(r, d->name);
    view_row_text(r, schema ? schema->name : NULL);
    view_row_text(r, name);
}

typedef void EachTable(ViewRow *r, Session *s, const Database *d, const Table *t);

static void each_table(Session *s, int32_t database_id, ViewRow *r, EachTable *row) {
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    SessionTables at = {0};
    for (const Table *t; d && (t = session_next_table(s, database_id, &at)) != NULL;)
        if (t->kind != TABLE_PROCEDURE) row(r, s, d, t);
}

/* ---- SCHEMATA, TABLES */

static const SysColumn SCHEMATA_COLUMNS[] = {
    VIEW_NAME_N("CATALOG_NAME"),
    VIEW_NAME("SCHEMA_NAME"),
    VIEW_NAME_N("SCHEMA_OWNER"),
    VIEW_VARCHAR("DEFAULT_CHARACTER_SET_CATALOG", 6),
    VIEW_VARCHAR("DEFAULT_CHARACTER_SET_SCHEMA", 3),
    VIEW_NAME_N("DEFAULT_CHARACTER_SET_NAME"),
};

static bool fill_schemata(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                          Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(SCHEMATA_COLUMNS));
    const Database *d = catalog_database_by_id(session_catalog(s), database_id);
    for (size_t i = 0; d && i < d->schema_count; i++) {
        const Principal *owner = database_principal_by_id(d, d->schemas[i].principal_id);
        view_row_text(&r, d->name);
        view_row_text(&r, d->schemas[i].name);
        view_row_text(&r, owner ? owner->name : NULL);
        view_row_nulls(&r, 2);
        view_row_text(&r, "iso_1");
        view_row_end(&r);
    }
    return true;
}

static const SysColumn TABLE_COLUMNS[] = {VIEW_NAME_N("TABLE_CATALOG"), VIEW_NAME_N("TABLE_SCHEMA"),
                                          VIEW_NAME("TABLE_NAME"), VIEW_VARCHAR("TABLE_TYPE", 10)};

static void table_row(ViewRow *r, Session *s, const Database *d, const Table *t) {
    (void)s;
    name_of(r, d, t->schema_id, view_table_name(t));
    view_row_text(r, t->kind == TABLE_VIEW ? "VIEW" : "BASE TABLE");
    view_row_end(r);
}

static bool fill_tables(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                        Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(TABLE_COLUMNS));
    each_table(s, database_id, &r, table_row);
    return true;
}

/* ---- COLUMNS */

static const SysColumn COLUMN_COLUMNS[] = {
    VIEW_NAME_N("TABLE_CATALOG"),
    VIEW_NAME_N("TABLE_SCHEMA"),
    VIEW_NAME("TABLE_NAME"),
    VIEW_NAME_N("COLUMN_NAME"),
    VIEW_INT_N("ORDINAL_POSITION"),
    VIEW_NVARCHAR("COLUMN_DEFAULT", 4000),
    VIEW_VARCHAR("IS_NULLABLE", 3),
    VIEW_NAME_N("DATA_TYPE"),
    VIEW_INT_N("CHARACTER_MAXIMUM_LENGTH"),
    VIEW_INT_N("CHARACTER_OCTET_LENGTH"),
    VIEW_TINYINT_N("NUMERIC_PRECISION"),
    VIEW_SMALLINT_N("NUMERIC_PRECISION_RADIX"),
    VIEW_INT_N("NUMERIC_SCALE"),
    VIEW_SMALLINT_N("DATETIME_PRECISION"),
    VIEW_NAME_N("CHARACTER_SET_CATALOG"),
    VIEW_NAME_N("CHARACTER_SET_SCHEMA"),
    VIEW_NAME_N("CHARACTER_SET_NAME"),
    VIEW_NAME_N("COLLATION_CATALOG"),
    VIEW_NAME_N("COLLATION_SCHEMA"),
    VIEW_NAME_N("COLLATION_NAME"),
    VIEW_NAME_N("DOMAIN_CATALOG"),
    VIEW_NAME_N("DOMAIN_SCHEMA"),
    VIEW_NAME_N("DOMAIN_NAME"),
};

/* CHARACTER_MAXIMUM_LENGTH and CHARACTER_OCTET_LENGTH: characters and bytes; -1 for (max). */
static void length_values(ViewRow *r, const Type *t) {
    if (t->id == TYPE_SQL_VARIANT) {
        view_row_zeros(r, 2);
        return;
    }
    if (t->id == TYPE_ROWVERSION || !(type_is_text(t->id) || type_is_binary(t->id) || type_is_clr(t->id))) {
        view_row_nulls(r, 2);
        return;
    }
    bool is_unicode = type_is_unicode(t->id);
    int64_t length = t->length;
    if (t->id == TYPE_NTEXT || t->id == TYPE_TEXT || t->id == TYPE_IMAGE)
        length = is_unicode ? LOB_UNITS : LOB_BYTES;
    if (t->id == TYPE_XML) length = -1;
    if (type_is_clr(t->id)) length = type_max_length_bytes(t);
    view_row_int(r, length);
    view_row_int(r, length > 0 && is_unicode ? length * 2 : length);
}

/* NUMERIC_PRECISION, its radix, NUMERIC_SCALE, DATETIME_PRECISION. */
static void number_values(ViewRow *r, const Type *t) {
    if (type_is_temporal(t->id)) {
        view_row_nulls(r, 3);
        view_row_int(r, type_sys_scale(t));
        return;
    }
    bool is_float = t->id == TYPE_FLOAT || t->id == TYPE_REAL;
    if (t->id == TYPE_BIT || !(type_is_exact(t->id) || is_float)) {
        view_row_nulls(r, 4);
        return;
    }
    view_row_int(r, type_sys_precision(t));
    view_row_int(r, is_float ? 2 : 10);
    if (is_float) view_row_null(r);
    else view_row_int(r, type_sys_scale(t));
    view_row_null(r);
}

/* Character set, collation, and the alias type as a domain. */
static void character_set_values(ViewRow *r, const Type *t, const Database *d, const UserType *alias) {
    bool is_text = type_is_text(t->id) && t->id != TYPE_XML;
    view_row_nulls(r, 2);
    view_row_text(r, !is_text ? NULL : type_is_unicode(t->id) ? "UNICODE" : "iso_1");
    view_row_nulls(r, 2);
    view_row_text(r, is_text ? collation_get(t->collation ? t->collation : d->collation)->name : NULL);
    if (!alias) {
        view_row_nulls(r, 3);
        return;
    }
    const Schema *schema = database_schema_by_id(d, alias->schema_id);
    view_row_text(r, d->name);
    view_row_text(r, schema ? schema->name : NULL);
    view_row_text(r, alias->name);
}

static void column_rows(ViewRow *r, Session *s, const Database *d, const Table *t) {
    (void)s;
    for (size_t i = 0; i < t->column_count; i++) {
        const Column *c = &t->columns[i];
        name_of(r, d, t->schema_id, view_table_name(t));
        view_row_text(r, c->name);
        view_row_int(r, (int64_t)i + 1);
        view_row_text(r, c->default_sql);
        view_row_text(r, c->is_nullable ? "YES" : "NO");
        view_row_text(r, type_name(c->type.id));
        length_values(r, &c->type);
        number_values(r, &c->type);
        character_set_values(r, &c->type, d,
                             c->user_type_id ? database_type_by_id(d, c->user_type_id) : NULL);
        view_row_end(r);
    }
}

static bool fill_columns(Session *s, int32_t database_id, const Value *args, size_t arg_count, SysRows *rows,
                         Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(COLUMN_COLUMNS));
    each_table(s, database_id, &r, column_rows);
    return true;
}

/* ---- constraints */

static const SysColumn TABLE_CONSTRAINT_COLUMNS[] = {
    VIEW_NAME_N("CONSTRAINT_CATALOG"),     VIEW_NAME_N("CONSTRAINT_SCHEMA"),
    VIEW_NAME("CONSTRAINT_NAME"),          VIEW_NAME_N("TABLE_CATALOG"),
    VIEW_NAME_N("TABLE_SCHEMA"),           VIEW_NAME_N("TABLE_NAME"),
    VIEW_VARCHAR("CONSTRAINT_TYPE", 11),   VIEW_VARCHAR("IS_DEFERRABLE", 2),
    VIEW_VARCHAR("INITIALLY_DEFERRED", 2),
};

static bool is_key(const Index *i) {
    return i->is_primary_key || i->is_unique_constraint;
}

static void constraint_row(ViewRow *r, const Database *d, const Table *t, const char *name,
                           const char *type) {
    name_of(r, d, t->schema_id, name);
    name_of(r, d, t->schema_id, view_table_name(t));
    view_row_text(r, type);
    view_row_text(r, "NO");
    view_row_text(r, "NO");
    view_row_end(r);
}

static void table_constraint_rows(ViewRow *r, Session *s, const Database *d, const Table *t) {
    (void)s;
    for (size_t i = 0; i < t->index_count; i++) {
        const Index *x = &t->indexes[i];
        if (is_key(x)) constraint_row(r, d, t, x->name, x->is_primary_key ? "PRIMARY KEY" : "UNIQUE");
    }
    for (size_t i = 0; i < t->foreign_key_count; i++)
        constraint_row(r, d, t, t->foreign_keys[i].name, "FOREIGN KEY");
    for (size_t i = 0; i < t->check_count; i++) constraint_row(r, d, t, t->checks[i].name, "CHECK");
}

static bool fill_table_constraints(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                   SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(TABLE_CONSTRAINT_COLUMNS));
    each_table(s, database_id, &r, table_constraint_rows);
    return true;
}

static const SysColumn KEY_COLUMN_COLUMNS[] = {
    VIEW_NAME_N("CONSTRAINT_CATALOG"), VIEW_NAME_N("CONSTRAINT_SCHEMA"), VIEW_NAME("CONSTRAINT_NAME"),
    VIEW_NAME_N("TABLE_CATALOG"),      VIEW_NAME_N("TABLE_SCHEMA"),      VIEW_NAME("TABLE_NAME"),
    VIEW_NAME_N("COLUMN_NAME"),        VIEW_INT("ORDINAL_POSITION"),
};

static void key_column_row(ViewRow *r, const Database *d, const Table *t, const char *constraint,
                           int32_t column_id, size_t ordinal) {
    const Column *c = table_column_by_id(t, column_id);
    name_of(r, d, t->schema_id, constraint);
    name_of(r, d, t->schema_id, view_table_name(t));
    view_row_text(r, c ? c->name : NULL);
    view_row_int(r, (int64_t)ordinal);
    view_row_end(r);
}

static void key_column_rows(ViewRow *r, Session *s, const Database *d, const Table *t) {
    (void)s;
    for (size_t i = 0; i < t->index_count; i++) {
        const Index *x = &t->indexes[i];
        for (size_t k = 0; is_key(x) && k < x->key_count; k++)
            key_column_row(r, d, t, x->name, x->columns[k].column_id, k + 1);
    }
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const ForeignKey *f = &t->foreign_keys[i];
        for (size_t k = 0; k < f->count; k++) key_column_row(r, d, t, f->name, f->columns[k], k + 1);
    }
}

static bool fill_key_column_usage(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                                  SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(KEY_COLUMN_COLUMNS));
    each_table(s, database_id, &r, key_column_rows);
    return true;
}

static const SysColumn REFERENTIAL_COLUMNS[] = {
    VIEW_NAME_N("CONSTRAINT_CATALOG"),
    VIEW_NAME_N("CONSTRAINT_SCHEMA"),
    VIEW_NAME("CONSTRAINT_NAME"),
    VIEW_NAME_N("UNIQUE_CONSTRAINT_CATALOG"),
    VIEW_NAME_N("UNIQUE_CONSTRAINT_SCHEMA"),
    VIEW_NAME_N("UNIQUE_CONSTRAINT_NAME"),
    VIEW_VARCHAR("MATCH_OPTION", 7),
    VIEW_VARCHAR("UPDATE_RULE", 11),
    VIEW_VARCHAR("DELETE_RULE", 11),
};

static const char *const RULE_NAMES[] = {"NO ACTION", "CASCADE", "SET NULL",
                                         "SET DEFAULT"}; /* by KeyAction */

static void referential_rows(ViewRow *r, Session *s, const Database *d, const Table *t) {
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const ForeignKey *f = &t->foreign_keys[i];
        const Table *to = catalog_table_by_id(session_catalog(s), f->referenced_id);
        const Index *key = to ? table_primary_key(to) : NULL;
        name_of(r, d, t->schema_id, f->name);
        if (key) name_of(r, d, to->schema_id, key->name);
        else view_row_nulls(r, 3);
        view_row_text(r, "SIMPLE");
        view_row_text(r, RULE_NAMES[f->on_update]);
        view_row_text(r, RULE_NAMES[f->on_delete]);
        view_row_end(r);
    }
}

static bool fill_referential(Session *s, int32_t database_id, const Value *args, size_t arg_count,
                             SysRows *rows, Arena *arena, SqlError *e) {
    (void)args, (void)arg_count, (void)arena, (void)e;
    ViewRow r = view_row_start(rows, VIEW_COUNT(REFERENTIAL_COLUMNS));
    each_table(s, database_id, &r, referential_rows);
    return true;
}

static const SysTable TABLES[] = {
    VIEW_TABLE("INFORMATION_SCHEMA", "SCHEMATA", SCHEMATA_COLUMNS, fill_schemata),
    VIEW_TABLE("INFORMATION_SCHEMA", "TABLES", TABLE_COLUMNS, fill_tables),
    VIEW_TABLE("INFORMATION_SCHEMA", "COLUMNS", COLUMN_COLUMNS, fill_columns),
    VIEW_TABLE("INFORMATION_SCHEMA", "TABLE_CONSTRAINTS", TABLE_CONSTRAINT_COLUMNS, fill_table_constraints),
    VIEW_TABLE("INFORMATION_SCHEMA", "KEY_COLUMN_USAGE", KEY_COLUMN_COLUMNS, fill_key_column_usage),
    VIEW_TABLE("INFORMATION_SCHEMA", "REFERENTIAL_CONSTRAINTS", REFERENTIAL_COLUMNS, fill_referential),
};

void view_information_add(SysRegistry *r) {
    sysregistry_add_tables(r, TABLES, VIEW_COUNT(TABLES));
}
