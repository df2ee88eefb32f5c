/*
 * Built-in functions: one table says what each takes and gives; those whose type needs thought have a
 * handler. The SQL function behind is "ts_<name>" of functions.h's files.
 */
#include <stdlib.h>
#include <string.h>

#include "standin/bind/bind_internal.h"
#include "standin/bind/datepart.h"
#include "standin/types/collation.h"

/* Results. */
typedef enum CallResult {
    GIVES_INT,
    GIVES_BIGINT,
    GIVES_FLOAT,
    GIVES_DATE,
    GIVES_FIRST,      /* the type of the first argument */
    GIVES_TEXT,       /* varchar or nvarchar as the first argument, its length */
    GIVES_TEXT_LONG,  /* likewise, 8000 or 4000, or (max) if the argument is */
    GIVES_VARCHAR_N,  /* varchar(length) */
    GIVES_NVARCHAR_N, /* nvarchar(length) */
    GIVES_GUID,
    GIVES_DATETIME2,
    GIVES_NUMBER, /* the first argument's type; integers below int become int, text float */
} CallResult;

/* Arguments, one letter each, the last one repeats: t text or binary, u text, i int, b bigint, f float, v
 * varbinary, d date or time, # number, x as it comes. */
typedef struct CallRow {
    const char *name, *args;
    uint8_t least, most;
    CallResult gives;
    int length;
    unsigned flags;
} CallRow;

enum { ANY = BIND_ANY_COUNT };
enum {                     /* flags */
       WITH_COLLATION = 1, /* one more argument: the collation's index */
       WITH_TYPE = 2,      /* two more: typecodes of the first argument and of the result */
       NEVER_NULL = 4,
};

static const CallRow rows[] = {
    {"ABS", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"ACOS", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"ASCII", "u", 1, 1, GIVES_INT, 0, 0},
    {"ASIN", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"ATAN", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"CEILING", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"CHAR", "i", 1, 1, GIVES_VARCHAR_N, 1, 0},
    {"CHARINDEX", "uui", 2, 3, GIVES_INT, 0, WITH_COLLATION},
    {"CHECKSUM", "x", 1, ANY, GIVES_INT, 0, 0},
    {"COS", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"DATEFROMPARTS", "i", 3, 3, GIVES_DATE, 0, 0},
    {"EXP", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"FLOOR", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"ISDATE", "u", 1, 1, GIVES_INT, 0, NEVER_NULL},
    {"ISNUMERIC", "x", 1, 1, GIVES_INT, 0, WITH_TYPE | NEVER_NULL},
    {"LEFT", "ti", 2, 2, GIVES_TEXT, 0, 0},
    {"LEN", "t", 1, 1, GIVES_INT, 0, 0},
    {"LOG", "f", 1, 2, GIVES_FLOAT, 0, 0},
    {"LOG10", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"LOWER", "u", 1, 1, GIVES_TEXT, 0, 0},
    {"LTRIM", "u", 1, 1, GIVES_TEXT, 0, 0},
    {"NCHAR", "i", 1, 1, GIVES_NVARCHAR_N, 1, 0},
    {"NEWID", "", 0, 0, GIVES_GUID, 0, NEVER_NULL},
    {"PATINDEX", "uu", 2, 2, GIVES_INT, 0, WITH_COLLATION},
    {"PI", "", 0, 0, GIVES_FLOAT, 0, NEVER_NULL},
    {"POWER", "#f", 2, 2, GIVES_NUMBER, 0, WITH_TYPE},
    {"QUOTENAME", "uu", 1, 2, GIVES_NVARCHAR_N, 258, 0},
    {"REPLACE", "uuu", 3, 3, GIVES_TEXT_LONG, 0, WITH_COLLATION},
    {"REPLICATE", "ui", 2, 2, GIVES_TEXT_LONG, 0, WITH_TYPE},
    {"REVERSE", "u", 1, 1, GIVES_TEXT, 0, 0},
    {"RIGHT", "ti", 2, 2, GIVES_TEXT, 0, 0},
    {"ROUND", "#ii", 2, 3, GIVES_NUMBER, 0, WITH_TYPE},
    {"RTRIM", "u", 1, 1, GIVES_TEXT, 0, 0},
    {"SIGN", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"SIN", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"SPACE", "i", 1, 1, GIVES_VARCHAR_N, 8000, 0},
    {"SQRT", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"SQUARE", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"STR", "fii", 1, 3, GIVES_VARCHAR_N, 10, 0},
    {"STUFF", "tiit", 4, 4, GIVES_TEXT_LONG, 0, 0},
    {"SUBSTRING", "tii", 3, 3, GIVES_TEXT, 0, 0},
    {"SWITCHOFFSET", "dx", 2, 2, GIVES_FIRST, 0, WITH_TYPE},
    {"TAN", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"TRIM", "u", 1, 1, GIVES_TEXT, 0, 0},
    {"UNICODE", "u", 1, 1, GIVES_INT, 0, 0},
    {"UPPER", "u", 1, 1, GIVES_TEXT, 0, 0},
};

static int by_name(const void *key, const void *row) {
    const Str *name = key;
    const char *p = ((const CallRow *)row)->name;
    for (size_t i = 0; i < name->n; i++) {
        char c = name->p[i] >= 'a' && name->p[i] <= 'z' ? (char)(name->p[i] - 'a' + 'A') : name->p[i];
        if (c != p[i]) return (unsigned char)c < (unsigned char)p[i] ? -1 : 1;
    }
    return p[name->n] ? -1 : 0;
}

static bool is_named(const AstCall *c, const char *name) {
    return str_eq_icase(c->name.name, str_from(name));
}

/* ---- arguments ---- */

bool bindcall_wrong_count(Binder *b, const AstExpr *x, const char *name, int least, int most) {
    if (least == most)
        return sqlerror_set(b->e, 174, 1, x->line, "The %s function requires %d argument(s).", name, least);
    return sqlerror_set(b->e, 189, 1, x->line, "The %s function requires %d to %d arguments.", name, least,
                        most == ANY ? 254 : most);
}

static bool text_argument(Binder *b, Bx x, bool may_be_binary, uint32_t line, Bx *ret) {
    *ret = x;
    if (type_is_text(x.type.id) || (may_be_binary && type_is_binary(x.type.id))) return true;
    Type to = {.id = TYPE_VARCHAR, .length = 8000};
    if (x.type.id == TYPE_NULL) to.length = 1;
    return bindtype_convert(b, x, &to, MODE_EXPLICIT, line, ret);
}

static bool date_argument(Binder *b, Bx x, uint32_t line, Bx *ret) {
    *ret = x;
    if (type_is_temporal(x.type.id)) return true;
    Type to = {.id = type_is_text(x.type.id) ? TYPE_DATETIME2 : TYPE_DATETIME, .scale = 0};
    if (to.id == TYPE_DATETIME2) to.scale = 7;
    return bindtype_convert(b, x, &to, MODE_IMPLICIT, line, ret);
}

static bool number_argument(Binder *b, Bx x, uint32_t line, Bx *ret) {
    *ret = x;
    if (type_is_exact(x.type.id) || x.type.id == TYPE_FLOAT || x.type.id == TYPE_REAL) return true;
    Type to = {.id = TYPE_FLOAT};
    return bindtype_convert(b, x, &to, MODE_IMPLICIT, line, ret);
}

bool bindcall_argument(Binder *b, const AstExpr *ast, char letter, Bx *ret) {
    Bx x;
    Type to = {0};
    if (!bindexpr_value(b, ast, &x)) return false;
    switch (letter) {
    case 't': return text_argument(b, x, /* may_be_binary= */ true, ast->line, ret);
    case 'u': return text_argument(b, x, /* may_be_binary= */ false, ast->line, ret);
    case 'd': return date_argument(b, x, ast->line, ret);
    case '#': return number_argument(b, x, ast->line, ret);
    case 'i': to.id = TYPE_INT; break;
    case 'b': to.id = TYPE_BIGINT; break;
    case 'f': to.id = TYPE_FLOAT; break;
    case 'n': to = (Type){.id = TYPE_NVARCHAR, .length = 4000}; break;
    case 'v': to = (Type){.id = TYPE_VARBINARY, .length = TYPE_MAX_LENGTH}; break;
    default: *ret = x; return true;
    }
    return bindtype_convert(b, x, &to, MODE_EXPLICIT, ast->line, ret);
}

/* ---- results ---- */

static Type text_like(const Bx *x, bool is_long) {
    if (type_is_binary(x->type.id))
        return (Type){.id = TYPE_VARBINARY, .length = is_long ? 8000 : x->type.length};
    Type t = {.id = type_is_unicode(x->type.id) ? TYPE_NVARCHAR : TYPE_VARCHAR,
              .length = x->type.length,
              .collation = x->type.collation};
    bool is_lob = x->type.id == TYPE_TEXT || x->type.id == TYPE_NTEXT || x->type.id == TYPE_XML;
    if (is_lob) t.length = TYPE_MAX_LENGTH;
    if (is_long && t.length != TYPE_MAX_LENGTH) t.length = t.id == TYPE_NVARCHAR ? 4000 : 8000;
    return t;
}

static Type number_like(const Bx *x) {
    Type t = x->type;
    if (t.id == TYPE_BIT || t.id == TYPE_TINYINT || t.id == TYPE_SMALLINT) t.id = TYPE_INT;
    if (t.id == TYPE_REAL || t.id == TYPE_NULL) t.id = TYPE_FLOAT;
    if (t.id == TYPE_SMALLMONEY) t.id = TYPE_MONEY;
    return t;
}

static Type result_type(const CallRow *row, const Bx *args, size_t count) {
    switch (row->gives) {
    case GIVES_INT: return (Type){.id = TYPE_INT};
    case GIVES_BIGINT: return (Type){.id = TYPE_BIGINT};
    case GIVES_FLOAT: return (Type){.id = TYPE_FLOAT};
    case GIVES_DATE: return (Type){.id = TYPE_DATE};
    case GIVES_FIRST: return args[0].type;
    case GIVES_TEXT: return text_like(&args[0], /* is_long= */ false);
    case GIVES_TEXT_LONG: return text_like(&args[0], /* is_long= */ true);
    case GIVES_VARCHAR_N: return (Type){.id = TYPE_VARCHAR, .length = row->length};
    case GIVES_NVARCHAR_N: return (Type){.id = TYPE_NVARCHAR, .length = row->length};
    case GIVES_GUID: return (Type){.id = TYPE_UNIQUEIDENTIFIER};
    case GIVES_DATETIME2: return (Type){.id = TYPE_DATETIME2, .scale = 7};
    case GIVES_NUMBER: return count ? number_like(&args[0]) : (Type){.id = TYPE_FLOAT};
    }
    return (Type){.id = TYPE_INT};
}

/* FLOOR and CEILING of a decimal have no digits behind the point. */
static void narrow_number(const CallRow *row, Type *t) {
    if (t->id != TYPE_DECIMAL && t->id != TYPE_NUMERIC) return;
    if (strcmp(row->name, "FLOOR") == 0 || strcmp(row->name, "CEILING") == 0) t->scale = 0;
}

static const char *sql_name(Binder *b, const char *name) {
    char *out = arena_printf(b->a, "ts_%s($)", name);
    for (char *p = out; *p; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
    return out;
}

static bool table_call(Binder *b, const AstExpr *x, const CallRow *row, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (c->arg_count < row->least || (row->most != ANY && c->arg_count > row->most))
        return bindcall_wrong_count(b, x, row->name, row->least, row->most);
    size_t count = c->arg_count, letters = strlen(row->args);
    Bx *args = ARENA_ARRAY(b->a, Bx, count + 1);
    const Sql **sql = ARENA_ARRAY(b->a, const Sql *, count + 4);
    *ret = (Bx){0};
    for (size_t i = 0; i < count; i++) {
        if (!bindcall_argument(b, c->args[i], row->args[i < letters ? i : letters - 1], &args[i]))
            return false;
        sql[i] = args[i].sql;
        ret->is_nullable |= args[i].is_nullable;
    }
    ret->type = result_type(row, args, count);
    narrow_number(row, &ret->type);
    if (count) ret->rank = args[0].rank;
    size_t total = count;
    if (row->flags & WITH_COLLATION) {
        Type t = args[count > 1 && args[1].rank > args[0].rank ? 1 : 0].type;
        uint16_t collation = t.collation ? t.collation : b->host->default_collation;
        sql[total++] = sql_printf(b, "%d", collation);
    }
    if (row->flags & WITH_TYPE) {
        sql[total++] = bindtype_code(b, &args[0].type);
        sql[total++] = bindtype_code(b, &ret->type);
    }
    ret->sql = sql_format(b, sql_name(b, row->name), sql, total);
    ret->is_nullable = !(row->flags & NEVER_NULL);
    return true;
}

/* ---- functions with types of their own ---- */

static bool exactly(Binder *b, const AstExpr *x, int n) {
    if (x->u.call.arg_count == (size_t)n) return true;
    return bindcall_wrong_count(b, x, arena_printf(b->a, "%.*s", STR_ARG(x->u.call.name.name)), n, n);
}

static bool isnull(Binder *b, const AstExpr *x, Bx *ret) {
    Bx first, second;
    if (!exactly(b, x, 2) || !bindexpr_value(b, x->u.call.args[0], &first) ||
        !bindexpr_value(b, x->u.call.args[1], &second))
        return false;
    Type t = first.type.id == TYPE_NULL ? second.type : first.type;
    if (t.id == TYPE_NULL) t.id = TYPE_INT;
    if (!bindtype_convert(b, second, &t, MODE_IMPLICIT, x->line, &second)) return false;
    if (first.type.id == TYPE_NULL) {
        *ret = second;
        return true;
    }
    *ret = (Bx){.type = t, .is_nullable = second.is_nullable && first.is_nullable, .rank = first.rank};
    ret->sql = SQL_OF(b, "ifnull(@,@)", first.sql, second.sql);
    return true;
}

static bool coalesce(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (c->arg_count < 2) return sqlerror_set(b->e, 102, 1, x->line, "Incorrect syntax near ')'.");
    Bx *args = ARENA_ARRAY(b->a, Bx, c->arg_count), **all = ARENA_ARRAY(b->a, Bx *, c->arg_count);
    const Sql **sql = ARENA_ARRAY(b->a, const Sql *, c->arg_count);
    *ret = (Bx){.is_nullable = true};
    for (size_t i = 0; i < c->arg_count; i++) {
        if (!bindexpr_value(b, c->args[i], &args[i])) return false;
        all[i] = &args[i];
    }
    if (!bindtype_common(b, all, c->arg_count, x->line, &ret->type)) return false;
    if (ret->type.id == TYPE_NULL)
        return sqlerror_set(
            b->e, 4127, 1, x->line,
            "At least one of the arguments to COALESCE must be an expression that is not the NULL "
            "constant.");
    for (size_t i = 0; i < c->arg_count; i++) {
        sql[i] = args[i].sql;
        ret->is_nullable &= args[i].is_nullable;
        if (args[i].rank > ret->rank) ret->rank = args[i].rank;
    }
    ret->sql = sql_format(b, "coalesce($)", sql, c->arg_count);
    return true;
}

static bool nullif(Binder *b, const AstExpr *x, Bx *ret) {
    Bx first, second;
    const Sql *same;
    if (!exactly(b, x, 2) || !bindexpr_value(b, x->u.call.args[0], &first) ||
        !bindexpr_value(b, x->u.call.args[1], &second) ||
        !bindtype_compare(b, OP_EQ, first, second, x->line, &same))
        return false;
    *ret = (Bx){.type = first.type, .is_nullable = true, .rank = first.rank};
    ret->sql = SQL_OF(b, "(CASE WHEN @ THEN NULL ELSE @ END)", same, first.sql);
    return true;
}

/* IIF's values, CHOOSE's too, are a CASE's. */
static bool iif(Binder *b, const AstExpr *x, Bx *ret) {
    const Sql *condition;
    Bx yes, no, *both[] = {&yes, &no};
    if (!exactly(b, x, 3) || !bindexpr_condition(b, x->u.call.args[0], &condition) ||
        !bindexpr_value(b, x->u.call.args[1], &yes) || !bindexpr_value(b, x->u.call.args[2], &no))
        return false;
    *ret = (Bx){.is_nullable = yes.is_nullable || no.is_nullable,
                .rank = yes.rank > no.rank ? yes.rank : no.rank};
    if (!bindtype_common(b, both, 2, x->line, &ret->type)) return false;
    if (ret->type.id == TYPE_NULL)
        return sqlerror_set(
            b->e, 8133, 1, x->line,
            "At least one of the result expressions in a CASE specification must be an expression "
            "other than the NULL constant.");
    ret->sql = SQL_OF(b, "(CASE WHEN @ THEN @ ELSE @ END)", condition, yes.sql, no.sql);
    return true;
}

static bool choose(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (c->arg_count < 2) return bindcall_wrong_count(b, x, "choose", 2, ANY);
    size_t count = c->arg_count - 1;
    Bx index, *values = ARENA_ARRAY(b->a, Bx, count), **all = ARENA_ARRAY(b->a, Bx *, count);
    if (!bindcall_argument(b, c->args[0], 'i', &index)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!bindexpr_value(b, c->args[i + 1], &values[i])) return false;
        all[i] = &values[i];
    }
    *ret = (Bx){.is_nullable = true};
    if (!bindtype_common(b, all, count, x->line, &ret->type)) return false;
    const Sql *body = SQL_OF(b, "CASE @", index.sql);
    for (size_t i = 0; i < count; i++)
        body = SQL_OF(b, "@ WHEN @ THEN @", body, sql_printf(b, "%zu", i + 1), values[i].sql);
    ret->sql = SQL_OF(b, "(@ END)", body);
    return true;
}

static bool concat(Binder *b, const AstExpr *x, bool has_separator, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (c->arg_count < (has_separator ? 3u : 2u))
        return bindcall_wrong_count(b, x, has_separator ? "concat_ws" : "concat", 2, ANY);
    const Sql **sql = ARENA_ARRAY(b->a, const Sql *, c->arg_count);
    bool is_unicode = false, is_max = false;
    int32_t length = 0;
    for (size_t i = 0; i < c->arg_count; i++) {
        Bx arg, text;
        if (!bindexpr_value(b, c->args[i], &arg)) return false;
        if (!text_argument(b, arg, /* may_be_binary= */ false, x->line, &text)) return false;
        bool is_text = type_is_text(arg.type.id);
        is_unicode |= type_is_unicode(text.type.id);
        is_max |= text.type.length == TYPE_MAX_LENGTH;
        length += is_text ? text.type.length : 48;
        sql[i] = text.sql;
    }
    int32_t most = is_unicode ? 4000 : 8000;
    *ret = (Bx){.type = {.id = is_unicode ? TYPE_NVARCHAR : TYPE_VARCHAR,
                         .length = is_max          ? TYPE_MAX_LENGTH
                                   : length > most ? most
                                                   : length}};
    ret->sql = sql_format(b, has_separator ? "ts_concat_ws($)" : "ts_concat($)", sql, c->arg_count);
    return true;
}

static bool datalength(Binder *b, const AstExpr *x, Bx *ret) {
    Bx arg;
    if (!exactly(b, x, 1) || !bindexpr_value(b, x->u.call.args[0], &arg)) return false;
    bool is_big = arg.type.length == TYPE_MAX_LENGTH;
    *ret = (Bx){.type = {.id = is_big ? TYPE_BIGINT : TYPE_INT}, .is_nullable = arg.is_nullable};
    Type t = arg.type;
    if (type_is_text(t.id) && t.collation == 0) t.collation = b->host->default_collation;
    ret->sql = SQL_OF(b, "ts_datalength(@,@)", arg.sql, bindtype_code(b, &t));
    return true;
}

/* ---- dates ---- */

static bool part_of(Binder *b, const AstExpr *x, DatePart *ret) {
    *ret = datepart_by_name(x->u.call.datepart);
    if (*ret != DATEPART_NONE) return true;
    return sqlerror_set(b->e, 155, 1, x->line, "'%.*s' is not a recognized %.*s option.",
                        STR_ARG(x->u.call.datepart), STR_ARG(x->u.call.name.name));
}

static bool dateadd(Binder *b, const AstExpr *x, Bx *ret) {
    DatePart part;
    Bx n, date;
    if (!part_of(b, x, &part) || !exactly(b, x, 2) || !bindcall_argument(b, x->u.call.args[0], 'i', &n) ||
        !bindexpr_value(b, x->u.call.args[1], &date))
        return false;
    if (!type_is_temporal(date.type.id)) { /* text and numbers become datetime */
        Type datetime = {.id = TYPE_DATETIME};
        if (!bindtype_convert(b, date, &datetime, MODE_IMPLICIT, x->line, &date)) return false;
    }
    *ret = (Bx){.type = date.type, .is_nullable = n.is_nullable || date.is_nullable};
    ret->sql = SQL_OF(b, "ts_dateadd(@,@,@,@)", sql_printf(b, "%d", part), n.sql, date.sql,
                      bindtype_code(b, &date.type));
    return true;
}

static bool datediff(Binder *b, const AstExpr *x, bool is_big, Bx *ret) {
    DatePart part;
    Bx from, to;
    if (!part_of(b, x, &part) || !exactly(b, x, 2) || !bindcall_argument(b, x->u.call.args[0], 'd', &from) ||
        !bindcall_argument(b, x->u.call.args[1], 'd', &to))
        return false;
    *ret = (Bx){.type = {.id = is_big ? TYPE_BIGINT : TYPE_INT},
                .is_nullable = from.is_nullable || to.is_nullable};
    ret->sql =
        SQL_OF(b, "ts_datediff(@,@,@,@,@,@)", sql_printf(b, "%d", part), from.sql, to.sql,
               bindtype_code(b, &from.type), bindtype_code(b, &to.type), sql_text(b, is_big ? "1" : "0"));
    return true;
}

static bool datepart(Binder *b, const AstExpr *x, DatePart part, bool is_name, Bx *ret) {
    Bx date;
    if (!exactly(b, x, 1) || !bindcall_argument(b, x->u.call.args[0], 'd', &date)) return false;
    bool is_wrong = (part == DATEPART_TZOFFSET && date.type.id != TYPE_DATETIMEOFFSET &&
                     date.type.id != TYPE_DATETIME2) ||
                    (date.type.id == TYPE_DATE && part >= DATEPART_HOUR) ||
                    (date.type.id == TYPE_TIME && part < DATEPART_HOUR);
    if (is_wrong)
        return sqlerror_set(b->e, 9810, 1, x->line,
                            "The datepart %s is not supported by date function %s for data type %s.",
                            datepart_name(part), is_name ? "datename" : "datepart", type_name(date.type.id));
    *ret = (Bx){.is_nullable = date.is_nullable};
    ret->type = is_name ? (Type){.id = TYPE_NVARCHAR, .length = 30} : (Type){.id = TYPE_INT};
    ret->sql = SQL_OF(b, is_name ? "ts_datename(@,@,@)" : "ts_datepart(@,@,@)", sql_printf(b, "%d", part),
                      date.sql, bindtype_code(b, &date.type));
    return true;
}

static bool eomonth(Binder *b, const AstExpr *x, Bx *ret) {
    Bx date, months = bindtype_constant(b, (Type){.id = TYPE_INT}, VALUE_OF_INT(0));
    if (x->u.call.arg_count < 1 || x->u.call.arg_count > 2)
        return bindcall_wrong_count(b, x, "eomonth", 1, 2);
    if (!bindcall_argument(b, x->u.call.args[0], 'd', &date)) return false;
    if (x->u.call.arg_count == 2 && !bindcall_argument(b, x->u.call.args[1], 'i', &months)) return false;
    *ret = (Bx){.type = {.id = TYPE_DATE}, .is_nullable = true};
    ret->sql = SQL_OF(b, "ts_eomonth(@,@,@)", date.sql, bindtype_code(b, &date.type), months.sql);
    return true;
}

/* The offset is minutes or '+hh:mm'. */
static bool todatetimeoffset(Binder *b, const AstExpr *x, Bx *ret) {
    Bx date, offset;
    if (!exactly(b, x, 2) || !bindcall_argument(b, x->u.call.args[0], 'd', &date) ||
        !bindexpr_value(b, x->u.call.args[1], &offset))
        return false;
    Type t = {.id = TYPE_DATETIMEOFFSET, .scale = date.type.id == TYPE_DATETIME ? 3 : date.type.scale};
    *ret = (Bx){.type = t, .is_nullable = date.is_nullable || offset.is_nullable};
    ret->sql = SQL_OF(b, "ts_todatetimeoffset(@,@,@,@)", date.sql, offset.sql, bindtype_code(b, &date.type),
                      bindtype_code(b, &t));
    return true;
}

/* ---- functions of the host ---- */

static bool host_call(Binder *b, const AstExpr *x, const BindScalar *f, Bx *ret) {
    const AstCall *c = &x->u.call;
    Str text = bindfrom_display(b, &c->name);
    if (c->arg_count > f->parameter_count)
        return sqlerror_set(b->e, 8144, 3, x->line,
                            "Procedure or function %.*s has too many arguments specified.", STR_ARG(text));
    if (c->arg_count < f->required_count)
        return sqlerror_set(
            b->e, 313, 3, x->line,
            "An insufficient number of arguments were supplied for the procedure or function %.*s.",
            STR_ARG(text));
    const Sql **sql = ARENA_ARRAY(b->a, const Sql *, f->parameter_count + 1);
    for (size_t i = 0; i < f->parameter_count; i++) {
        Bx arg = bindtype_null(b);
        bool is_given = i < c->arg_count && c->args[i]->kind != EXPR_DEFAULT;
        if (is_given && !bindexpr_value(b, c->args[i], &arg)) return false;
        if (f->parameters[i].id != TYPE_NULL &&
            !bindtype_convert(b, arg, &f->parameters[i], MODE_IMPLICIT, x->line, &arg))
            return false;
        sql[i] = arg.sql;
    }
    *ret = (Bx){.type = f->result, .is_nullable = true};
    ret->sql = sql_format(b, arena_printf(b->a, "%s($)", f->sqlite_name), sql, f->parameter_count);
    return true;
}

/* SQL Server has them, this server not yet: said by name. */
static const char *const unbuilt[] = {
    "FORMAT",          "HASHBYTES",     "STRING_SPLIT", "OPENJSON",        "JSON_VALUE",    "JSON_QUERY",
    "COMPRESS",        "DECOMPRESS",    "RAND",         "NEWSEQUENTIALID", "PARSENAME",     "DATETRUNC",
    "TRANSLATE",       "SOUNDEX",       "GREATEST",     "LEAST",           "STRING_ESCAPE", "DATE_BUCKET",
    "BINARY_CHECKSUM", "TIMEFROMPARTS", "GROUPING"};

static bool unknown(Binder *b, const AstExpr *x) {
    const AstName *name = &x->u.call.name;
    if (name->schema.n) {
        Str text = bindfrom_display(b, name);
        if (str_eq_icase(name->schema, STR_LIT("sys")))
            return sqlerror_set(b->e, 208, 1, x->line, "Invalid object name '%.*s'.", STR_ARG(text));
        return sqlerror_set(
            b->e, 4121, 1, x->line,
            "Cannot find either column \"%.*s\" or the user-defined function or aggregate \"%.*s\", or "
            "the name is ambiguous.",
            STR_ARG(name->schema), STR_ARG(text));
    }
    for (size_t i = 0; i < sizeof unbuilt / sizeof *unbuilt; i++)
        if (str_eq_icase(name->name, str_from(unbuilt[i])))
            return sqlerror_set(
                b->e, 40517, 1, x->line,
                "Keyword or statement option '%s' is not supported in this version of SQL Server.",
                unbuilt[i]);
    static const char *const windows[] = {"ROW_NUMBER",  "RANK",      "DENSE_RANK",   "NTILE",
                                          "LAG",         "LEAD",      "PERCENT_RANK", "CUME_DIST",
                                          "FIRST_VALUE", "LAST_VALUE"};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        if (str_eq_icase(name->name, str_from(windows[i])))
            return sqlerror_set(b->e, 10753, 1, x->line, "The function '%.*s' must have an OVER clause.",
                                STR_ARG(name->name));
    return sqlerror_set(b->e, 195, 10, x->line, "'%.*s' is not a recognized built-in function name.",
                        STR_ARG(name->name));
}

typedef bool Handler(Binder *b, const AstExpr *x, Bx *ret);

static bool concat_plain(Binder *b, const AstExpr *x, Bx *ret) {
    return concat(b, x, false, ret);
}
static bool concat_ws(Binder *b, const AstExpr *x, Bx *ret) {
    return concat(b, x, true, ret);
}
static bool datediff_int(Binder *b, const AstExpr *x, Bx *ret) {
    return datediff(b, x, false, ret);
}
static bool datediff_big(Binder *b, const AstExpr *x, Bx *ret) {
    return datediff(b, x, true, ret);
}
static bool year(Binder *b, const AstExpr *x, Bx *ret) {
    return datepart(b, x, DATEPART_YEAR, false, ret);
}
static bool month(Binder *b, const AstExpr *x, Bx *ret) {
    return datepart(b, x, DATEPART_MONTH, false, ret);
}
static bool day(Binder *b, const AstExpr *x, Bx *ret) {
    return datepart(b, x, DATEPART_DAY, false, ret);
}

static bool datepart_int(Binder *b, const AstExpr *x, Bx *ret) {
    DatePart part;
    return part_of(b, x, &part) && datepart(b, x, part, false, ret);
}

static bool datename(Binder *b, const AstExpr *x, Bx *ret) {
    DatePart part;
    return part_of(b, x, &part) && datepart(b, x, part, true, ret);
}

static const struct {
    const char *name;
    Handler *handler;
} handlers[] = {
    {"ISNULL", isnull},
    {"COALESCE", coalesce},
    {"NULLIF", nullif},
    {"IIF", iif},
    {"CHOOSE", choose},
    {"CONCAT", concat_plain},
    {"CONCAT_WS", concat_ws},
    {"DATALENGTH", datalength},
    {"DATEADD", dateadd},
    {"DATEDIFF", datediff_int},
    {"DATEDIFF_BIG", datediff_big},
    {"DATEPART", datepart_int},
    {"DATENAME", datename},
    {"YEAR", year},
    {"MONTH", month},
    {"DAY", day},
    {"EOMONTH", eomonth},
    {"TODATETIMEOFFSET", todatetimeoffset},
};

static bool builtin(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    bool found;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (is_named(c, handlers[i].name)) return handlers[i].handler(b, x, ret);
    if (!bindsession_call(b, x, ret, &found)) return false;
    if (found) return true;
    const CallRow *row = bsearch(&c->name.name, rows, sizeof rows / sizeof *rows, sizeof *rows, by_name);
    return row ? table_call(b, x, row, ret) : unknown(b, x);
}

bool bindcall_value(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (c->over) return bindwindow_value(b, x, ret);
    if (bindaggregate_is(x)) return bindaggregate_value(b, x, ret);
    if (c->is_star) return sqlerror_set(b->e, 102, 1, x->line, "Incorrect syntax near '*'.");
    b->e->number = 0;
    const BindScalar *f =
        b->host->scalar ? b->host->scalar(b->host->data, b->database_id, &c->name, b->a, b->e) : NULL;
    if (f) return host_call(b, x, f, ret);
    if (b->e->number != 0) {
        if (b->e->line == 0) b->e->line = x->line;
        return false;
    }
    return c->name.schema.n ? unknown(b, x) : builtin(b, x, ret);
}
