#include "sqlserver/extras.h"

#include <stdlib.h>

#include "base/mem.h"

/* Every query gives schema, table and name first; rows that agree in them are one thing's columns. */
typedef struct Query {
    ExtraKind kind;
    const char *sql;
    void (*take)(Extra *x, ExtraColumn *column, const OdbcCells *t, size_t row);
} Query;

static bool flag(const OdbcCells *t, size_t row, size_t column) {
    return odbc_cell_int(t, row, column, 0) != 0;
}

static void take_identity(Extra *x, ExtraColumn *column, const OdbcCells *t, size_t row) {
    column->name = x->name;
    x->seed = odbc_cell(t, row, 3);
    x->increment = odbc_cell(t, row, 4);
    x->last = odbc_cell(t, row, 5);
}

static void take_default(Extra *x, ExtraColumn *column, const OdbcCells *t, size_t row) {
    column->name = odbc_cell(t, row, 3);
    x->definition = odbc_cell(t, row, 4);
}

static void take_check(Extra *x, ExtraColumn *column, const OdbcCells *t, size_t row) {
    (void)column;
    x->definition = odbc_cell(t, row, 3);
    x->is_disabled = flag(t, row, 4);
    x->is_not_trusted = flag(t, row, 5);
}

static void take_index(Extra *x, ExtraColumn *column, const OdbcCells *t, size_t row) {
    x->type = odbc_cell(t, row, 3);
    x->is_unique = flag(t, row, 4);
    x->is_primary_key = flag(t, row, 5);
    x->is_constraint = flag(t, row, 6);
    x->is_disabled = flag(t, row, 7);
    x->definition = odbc_cell(t, row, 8);
    column->name = odbc_cell(t, row, 9);
    column->is_descending = flag(t, row, 10);
    column->is_included = flag(t, row, 11);
}

static void take_foreign_key(Extra *x, ExtraColumn *column, const OdbcCells *t, size_t row) {
    x->parent_schema = odbc_cell(t, row, 3);
    x->parent_table = odbc_cell(t, row, 4);
    column->name = odbc_cell(t, row, 5);
    column->parent = odbc_cell(t, row, 6);
    x->on_delete = (ExtraAction)odbc_cell_int(t, row, 7, 0);
    x->on_update = (ExtraAction)odbc_cell_int(t, row, 8, 0);
    x->is_disabled = flag(t, row, 9);
    x->is_not_trusted = flag(t, row, 10);
}

/* The values of an identity are sql_variant. */
static const Query QUERIES[] = {
    {EXTRA_IDENTITY,
     "SELECT SCHEMA_NAME(t.schema_id), t.name, i.name, CONVERT(varchar(50), i.seed_value), "
     "CONVERT(varchar(50), i.increment_value), CONVERT(varchar(50), i.last_value) "
     "FROM sys.identity_columns i JOIN sys.tables t ON t.object_id = i.object_id ORDER BY 1, 2, 3",
     take_identity},
    {EXTRA_DEFAULT,
     "SELECT SCHEMA_NAME(t.schema_id), t.name, d.name, c.name, d.definition FROM sys.default_constraints d "
     "JOIN sys.tables t ON t.object_id = d.parent_object_id "
     "JOIN sys.columns c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id "
     "ORDER BY 1, 2, 3",
     take_default},
    {EXTRA_INDEX,
     "SELECT SCHEMA_NAME(t.schema_id), t.name, i.name, i.type_desc, i.is_unique, i.is_primary_key, "
     "i.is_unique_constraint, i.is_disabled, i.filter_definition, c.name, k.is_descending_key, "
     "k.is_included_column FROM sys.indexes i JOIN sys.tables t ON t.object_id = i.object_id "
     "JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id "
     "JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id "
     "WHERE i.is_hypothetical = 0 AND i.name IS NOT NULL "
     "ORDER BY 1, 2, i.index_id, k.is_included_column, k.key_ordinal, k.index_column_id",
     take_index},
    {EXTRA_CHECK,
     "SELECT SCHEMA_NAME(t.schema_id), t.name, k.name, k.definition, k.is_disabled, k.is_not_trusted "
     "FROM sys.check_constraints k JOIN sys.tables t ON t.object_id = k.parent_object_id ORDER BY 1, 2, 3",
     take_check},
    {EXTRA_FOREIGN_KEY,
     "SELECT SCHEMA_NAME(t.schema_id), t.name, f.name, SCHEMA_NAME(p.schema_id), p.name, c.name, r.name, "
     "f.delete_referential_action, f.update_referential_action, f.is_disabled, f.is_not_trusted "
     "FROM sys.foreign_keys f JOIN sys.tables t ON t.object_id = f.parent_object_id "
     "JOIN sys.tables p ON p.object_id = f.referenced_object_id "
     "JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id "
     "JOIN sys.columns c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id "
     "JOIN sys.columns r ON r.object_id = k.referenced_object_id AND r.column_id = k.referenced_column_id "
     "ORDER BY 1, 2, 3, k.constraint_column_id",
     take_foreign_key},
};

static const char COLLATION_SQL[] =
    "SELECT SCHEMA_NAME(t.schema_id), t.name, c.name FROM sys.columns c JOIN sys.tables t "
    "ON t.object_id = c.object_id WHERE c.collation_name LIKE '%[_]CI[_]%'";

static bool is_same(const OdbcCells *t, size_t a, size_t b) {
    for (size_t i = 0; i < 3; i++)
        if (!str_eq(odbc_cell(t, a, i), odbc_cell(t, b, i))) return false;
    return true;
}

static void take_rows(const Query *q, const OdbcCells *t, Arena *arena, Extras *x) {
    for (size_t from = 0, to; from < t->rows; from = to) {
        for (to = from + 1; to < t->rows && is_same(t, from, to);) to++;
        Extra *extra = &x->all[x->count++];
        *extra = (Extra){.kind = q->kind,
                         .schema = odbc_cell(t, from, 0),
                         .table = odbc_cell(t, from, 1),
                         .name = odbc_cell(t, from, 2),
                         .column_count = q->kind == EXTRA_CHECK ? 0 : to - from};
        extra->columns = ARENA_ARRAY(arena, ExtraColumn, to - from);
        for (size_t row = from; row < to; row++) {
            extra->columns[row - from] = (ExtraColumn){0};
            q->take(extra, &extra->columns[row - from], t, row);
        }
    }
}

bool extras_load(Odbc *odbc, Arena *arena, Extras *ret, Err *e) {
    enum { COUNT = sizeof QUERIES / sizeof *QUERIES };
    OdbcCells cells[COUNT], collations;
    size_t rows = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (!odbc_cells(odbc, arena, QUERIES[i].sql, NULL, 0, &cells[i], e))
            return err_wrap(e, "reading indexes and constraints");
        rows += cells[i].rows;
    }
    if (!odbc_cells(odbc, arena, COLLATION_SQL, NULL, 0, &collations, e))
        return err_wrap(e, "reading collations");
    Extras x = {.all = ARENA_ARRAY(arena, Extra, rows + 1),
                .case_blind = collations.cells,
                .case_blind_count = collations.rows};
    for (size_t i = 0; i < COUNT; i++) take_rows(&QUERIES[i], &cells[i], arena, &x);
    *ret = x;
    return true;
}

bool extras_is_case_blind(const Extras *x, Str schema, Str table, Str column) {
    for (size_t i = 0; i < x->case_blind_count; i++) {
        const Str *c = &x->case_blind[3 * i];
        if (str_eq(c[0], schema) && str_eq(c[1], table) && str_eq(c[2], column)) return true;
    }
    return false;
}
