#include "sqlserver/sql_text.h"

#include "base/mem.h"
#include "record/hierarchy.h"
#include "record/lsn.h"
#include "sqlserver/key_text.h"
#include "sqlserver/sqlvariant.h"

static void quoted(Str text, char quote, Buf *sql) {
    for (size_t i = 0; i < text.n; i++) {
        buf_u8(sql, (uint8_t)text.p[i]);
        if (text.p[i] == quote) buf_u8(sql, (uint8_t)quote);
    }
}

void sql_text_name(Str name, Buf *sql) {
    buf_u8(sql, '[');
    quoted(name, ']', sql);
    buf_u8(sql, ']');
}

void sql_text_object(Str schema, Str name, Buf *sql) {
    sql_text_name(schema, sql);
    buf_u8(sql, '.');
    sql_text_name(name, sql);
}

void sql_text_literal(Str text, Buf *sql) {
    buf_cstr(sql, "N'");
    quoted(text, '\'', sql);
    buf_u8(sql, '\'');
}

Column sql_text_meta_column(int meta) {
    switch (meta) {
    case SQL_TEXT_META_LSN:
        return (Column){.name = STR_LIT("__$start_lsn"), .type = SQLTYPE_BINARY, .length = LSN_BYTES};
    case SQL_TEXT_META_SEQVAL:
        return (Column){.name = STR_LIT("__$seqval"), .type = SQLTYPE_BINARY, .length = LSN_BYTES};
    case SQL_TEXT_META_OPERATION: return (Column){.name = STR_LIT("__$operation"), .type = SQLTYPE_INT};
    case SQL_TEXT_META_COMMAND: return (Column){.name = STR_LIT("__$command_id"), .type = SQLTYPE_INT};
    default: return (Column){.name = STR_LIT("__$update_mask"), .type = SQLTYPE_VARBINARY, .length = 128};
    }
}

void sql_text_value(const Column *c, Buf *sql) {
    CLEANUP(buf_done) Buf name = {0};
    sql_text_name(c->name, &name);
    switch (c->type) {
    case SQLTYPE_HIERARCHYID:
        buf_printf(sql, "CAST(" STR_FMT " AS varbinary(%d)) AS ", STR_ARG(buf_view(&name)),
                   HIERARCHY_MAX_BYTES);
        break;
    case SQLTYPE_GEOGRAPHY:
    case SQLTYPE_GEOMETRY:
    case SQLTYPE_CLR:
        buf_printf(sql, "CAST(" STR_FMT " AS varbinary(max)) AS ", STR_ARG(buf_view(&name)));
        break;
    case SQLTYPE_SQL_VARIANT:
        sqlvariant_select(buf_view(&name), sql);
        buf_cstr(sql, " AS ");
        break;
    default: break;
    }
    buf_str(sql, buf_view(&name));
}

/* A column that isn't in the table any more. */
static void gone_value(const Column *c, Buf *sql) {
    buf_cstr(sql, "CAST(NULL AS ");
    switch (c->type) {
    case SQLTYPE_GEOGRAPHY:
    case SQLTYPE_GEOMETRY:
    case SQLTYPE_HIERARCHYID:
    case SQLTYPE_CLR: buf_cstr(sql, "varbinary(max)"); break;
    case SQLTYPE_SQL_VARIANT: buf_cstr(sql, "nvarchar(max)"); break;
    default: column_type_format(c, sql);
    }
    buf_cstr(sql, ") AS ");
    sql_text_name(c->name, sql);
}

/* ---- chunks ---- */

static void compare(const Column *c, const char *operator, Buf * sql) {
    sql_text_name(c->name, sql);
    buf_cstr(sql, operator);
    key_text_marker(c, sql);
}

/* k1 > ? OR (k1 = ? AND (k2 > ? OR …)) */
static void above_from(const Column *key, size_t count, Buf *sql) {
    compare(&key[0], " > ", sql);
    if (count == 1) return;
    buf_cstr(sql, " OR (");
    compare(&key[0], " = ", sql);
    buf_cstr(sql, " AND (");
    above_from(key + 1, count - 1, sql);
    buf_cstr(sql, "))");
}

void sql_text_above(const Column *key, size_t count, Buf *sql) {
    if (count > 1) {
        compare(&key[0], " >= ", sql);
        buf_cstr(sql, " AND (");
    }
    above_from(key, count, sql);
    if (count > 1) buf_cstr(sql, ")");
}

/* One leading, two for each column but the last, one for that. */
size_t sql_text_key_params(size_t count) {
    return count == 1 ? 1 : 2 * count;
}

size_t sql_text_key_param(size_t i, size_t count) {
    if (count == 1 || i == 0) return 0;
    return (i - 1) / 2;
}

void sql_text_equal(const Column *key, size_t count, Buf *sql) {
    for (size_t i = 0; i < count; i++) {
        if (i) buf_cstr(sql, " AND ");
        compare(&key[i], " = ", sql);
    }
}

void sql_text_chunk(const SqlTextChunk *t, Buf *sql) {
    buf_cstr(sql, "SELECT ");
    if (t->top) buf_printf(sql, "TOP (%llu) ", (unsigned long long)t->top);
    for (size_t i = 0; i < t->count; i++) {
        const Column *c = &t->columns[t->order[i]];
        if (i) buf_cstr(sql, ", ");
        if (t->is_gone && t->is_gone[t->order[i]]) gone_value(c, sql);
        else sql_text_value(c, sql);
    }
    buf_cstr(sql, " FROM ");
    /* a line comment at its end must not take the rest along; so with the filter's */
    if (t->select) buf_printf(sql, "(%s\n) AS [millrace]", t->select);
    else sql_text_object(t->schema, t->table, sql);
    if (t->hint) buf_printf(sql, " %s", t->hint);
    if (t->filter.n) buf_printf(sql, " WHERE (" STR_FMT "\n)", STR_ARG(t->filter));
    if (t->has_lower) {
        buf_cstr(sql, t->filter.n ? " AND " : " WHERE ");
        sql_text_above(t->key, t->key_count, sql);
    }
    for (size_t i = 0; i < t->key_count; i++) {
        buf_cstr(sql, i ? ", " : " ORDER BY ");
        sql_text_name(t->key[i].name, sql);
    }
}

/* ---- pages ---- */

typedef struct PageParams {
    SqlTextPageParam *list;
    size_t count;
} PageParams;

static void page_param(PageParams *p, const char *before, SqlTextPageParam what, Buf *sql) {
    buf_cstr(sql, before);
    buf_cstr(sql, what == SQL_TEXT_PAGE_COMMAND || what == SQL_TEXT_PAGE_OPERATION ? "CAST(? AS int)"
                                                                                   : "CAST(? AS binary(10))");
    p->list[p->count++] = what;
}

/* The changes of one transaction behind (command, seqval, operation), as a range of the clustered index: a
 * condition over later transactions, too, would read a large transaction from its start for each of its
 * pages. */
static void page_inside(const SqlTextPage *t, PageParams *p, Buf *sql) {
    page_param(p, " WHERE [__$start_lsn] = ", SQL_TEXT_PAGE_LSN, sql);
    if (!t->has_command) {
        page_param(p, " AND [__$seqval] >= ", SQL_TEXT_PAGE_SEQVAL, sql);
        buf_cstr(sql, " AND (");
    } else if (t->has_no_command_yet) {
        buf_cstr(sql, " AND ([__$command_id] IS NOT NULL OR ");
    } else {
        page_param(p, " AND [__$command_id] >= ", SQL_TEXT_PAGE_COMMAND, sql);
        page_param(p, " AND ([__$command_id] > ", SQL_TEXT_PAGE_COMMAND, sql);
        buf_cstr(sql, " OR ");
    }
    page_param(p, "[__$seqval] > ", SQL_TEXT_PAGE_SEQVAL, sql);
    page_param(p, " OR ([__$seqval] = ", SQL_TEXT_PAGE_SEQVAL, sql);
    page_param(p, " AND [__$operation] > ", SQL_TEXT_PAGE_OPERATION, sql);
    buf_cstr(sql, "))");
}

static void page_behind(PageParams *p, Buf *sql) {
    page_param(p, " WHERE [__$start_lsn] > ", SQL_TEXT_PAGE_LSN, sql);
    page_param(p, " AND [__$start_lsn] <= ", SQL_TEXT_PAGE_TO, sql);
}

/* The function wants a range that the instance holds, and gives before images only when asked to. */
static void page_from(const SqlTextPage *t, PageParams *p, Buf *sql) {
    CLEANUP(buf_done) Buf name = {0};
    buf_cstr(&name, t->uses_function ? "fn_cdc_get_all_changes_" : "");
    buf_str(&name, t->instance);
    buf_cstr(&name, t->uses_function ? "" : "_CT");
    buf_cstr(sql, " FROM [cdc].");
    sql_text_name(buf_view(&name), sql);
    if (!t->uses_function) return;
    page_param(p, " (", t->is_inside ? SQL_TEXT_PAGE_LSN : SQL_TEXT_PAGE_NEXT_LSN, sql);
    page_param(p, ", ", t->is_inside ? SQL_TEXT_PAGE_LSN : SQL_TEXT_PAGE_TO, sql);
    buf_cstr(sql, t->reads_before ? ", N'all update old')" : ", N'all')");
}

static void put_skipped(const SqlTextPage *t, Buf *sql) {
    unsigned skipped = t->skipped | (t->reads_before ? 0u : 1u << 3), count = 0;
    for (unsigned operation = 1; operation <= 4; operation++) count += skipped >> operation & 1;
    if (count == 0) return;
    buf_cstr(sql, count == 1 ? " AND [__$operation] <> " : " AND [__$operation] NOT IN (");
    const char *between = "";
    for (unsigned operation = 1; operation <= 4; operation++) {
        if (!(skipped >> operation & 1)) continue;
        buf_printf(sql, "%s%u", between, operation);
        between = ", ";
    }
    if (count > 1) buf_cstr(sql, ")");
}

size_t sql_text_page(const SqlTextPage *t, Buf *sql,
                     SqlTextPageParam params[static SQL_TEXT_PAGE_MAX_PARAMS]) {
    PageParams p = {.list = params};
    buf_printf(sql, "SELECT TOP (%llu) ", (unsigned long long)t->top);
    for (size_t i = 0; i < t->count; i++) {
        if (i) buf_cstr(sql, ", ");
        sql_text_value(&t->columns[t->order[i]], sql);
    }
    page_from(t, &p, sql);
    if (t->is_inside) page_inside(t, &p, sql);
    else page_behind(&p, sql);
    put_skipped(t, sql);
    buf_cstr(sql, t->has_command ? " ORDER BY [__$start_lsn], [__$command_id], [__$seqval], [__$operation]"
                                 : " ORDER BY [__$start_lsn], [__$seqval], [__$operation]");
    buf_cstr(sql, "; SELECT start_lsn FROM cdc.change_tables WHERE capture_instance = ");
    sql_text_literal(t->instance, sql);
    return p.count;
}
