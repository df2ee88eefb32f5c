#include "standin/store/table_sql.h"

#include "standin/types/collation.h"
#include "standin/types/variant.h"

static bool is_integer_form(const Type *t) {
    switch (t->id) {
    case TYPE_BIT:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_MONEY:
    case TYPE_SMALLMONEY:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_DATETIME:
    case TYPE_DATETIME2:
    case TYPE_SMALLDATETIME: return true;
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return t->precision <= 18;
    default: return false;
    }
}

void tablesql_choose_rowid(Table *t) {
    const Index *key = table_primary_key(t);
    t->has_rowid_column = false;
    if (!key || key->key_count != 1 || key->columns[0].is_descending) return;
    size_t at = table_column_index(t, key->columns[0].column_id);
    const Column *c = &t->columns[at];
    bool is_int = c->type.id == TYPE_INT || c->type.id == TYPE_BIGINT || c->type.id == TYPE_SMALLINT ||
                  c->type.id == TYPE_TINYINT;
    if (!is_int || c->is_nullable || c->is_computed) return;
    t->has_rowid_column = true;
    t->rowid_column = at;
}

bool tablesql_is_rowid_index(const Table *t, const Index *x) {
    return t->has_rowid_column && x->is_primary_key && x->key_count == 1 &&
           x->columns[0].column_id == t->columns[t->rowid_column].id;
}

const char *tablesql_schema(const Table *t) {
    return t->kind == TABLE_TEMP || t->kind == TABLE_VARIABLE ? "temp." : "";
}

void tablesql_column(const Table *t, size_t at, Buf *out) {
    const Column *c = &t->columns[at];
    buf_printf(out, "c%d ", c->id);
    if (t->has_rowid_column && t->rowid_column == at) buf_cstr(out, "INTEGER PRIMARY KEY");
    else if (type_is_text(c->type.id))
        buf_printf(out, "TEXT COLLATE \"%s\"", collation_get(c->type.collation)->name);
    else if (c->type.id == TYPE_SQL_VARIANT) buf_cstr(out, "TEXT COLLATE \"" VARIANT_COLLATION "\"");
    else buf_cstr(out, is_integer_form(&c->type) ? "INTEGER" : "BLOB");
}

void tablesql_create_table(const Table *t, Buf *out) {
    buf_printf(out, "CREATE TABLE %s(", t->sql_name);
    for (size_t i = 0; i < t->column_count; i++) {
        if (i) buf_cstr(out, ", ");
        tablesql_column(t, i, out);
    }
    buf_cstr(out, ");");
}

void tablesql_index_columns(const Table *t, const Index *x, Buf *out) {
    (void)t;
    for (size_t i = 0; i < x->key_count; i++)
        buf_printf(out, "%sc%d%s", i ? ", " : "", x->columns[i].column_id,
                   x->columns[i].is_descending ? " DESC" : "");
}

void tablesql_create_index(const Table *t, const Index *x, Buf *out) {
    if (tablesql_is_rowid_index(t, x)) return;
    buf_printf(out, "CREATE %sINDEX %si%d_%d ON t%d(", x->is_unique ? "UNIQUE " : "", tablesql_schema(t),
               t->object_id, x->id, t->object_id);
    tablesql_index_columns(t, x, out);
    buf_cstr(out, ")");
    if (x->filter_sql) buf_printf(out, " WHERE %s", x->filter_sql);
    buf_cstr(out, ";");
}

void tablesql_drop_index(const Table *t, const Index *x, Buf *out) {
    if (tablesql_is_rowid_index(t, x)) return;
    buf_printf(out, "DROP INDEX IF EXISTS %si%d_%d;", tablesql_schema(t), t->object_id, x->id);
}
