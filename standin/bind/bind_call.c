/*
 * Built-in functions: one table says what each takes and gives; those whose type needs thought have a
 * handler. The SQL function behind is "ts_<name>" of functions.h's files.
 */
#include <stdlib.h>
#include <string.h>

#include "standin/bind/bind_internal.h"
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
    {"ATN2", "ff", 2, 2, GIVES_FLOAT, 0, 0},
    {"CEILING", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"CHAR", "i", 1, 1, GIVES_VARCHAR_N, 1, 0},
    {"CHARINDEX", "uui", 2, 3, GIVES_INT, 0, WITH_COLLATION},
    {"COS", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"COT", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"DATEFROMPARTS", "i", 3, 3, GIVES_DATE, 0, 0},
    {"DEGREES", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"DIFFERENCE", "uu", 2, 2, GIVES_INT, 0, 0},
    {"EXP", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"FLOOR", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"ISDATE", "u", 1, 1, GIVES_INT, 0, NEVER_NULL},
    {"ISNUMERIC", "x", 1, 1, GIVES_INT, 0, WITH_TYPE | NEVER_NULL},
    {"LEFT", "ti", 2, 2, GIVES_TEXT, 0, 0},
    {"LEN", "t", 1, 1, GIVES_INT, 0, 0},
    {"LOG", "f", 1, 2, GIVES_FLOAT, 0, 0},
    {"LOG10", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"LOWER", "u", 1, 1, GIVES_TEXT, 0, 0},
    {"LTRIM", "uu", 1, 2, GIVES_TEXT, 0, 0},
    {"NCHAR", "i", 1, 1, GIVES_NVARCHAR_N, 1, 0},
    {"NEWID", "", 0, 0, GIVES_GUID, 0, NEVER_NULL},
    {"PARSENAME", "ni", 2, 2, GIVES_NVARCHAR_N, 128, 0},
    {"PATINDEX", "uu", 2, 2, GIVES_INT, 0, WITH_COLLATION},
    {"PI", "", 0, 0, GIVES_FLOAT, 0, NEVER_NULL},
    {"POWER", "#f", 2, 2, GIVES_NUMBER, 0, WITH_TYPE},
    {"QUOTENAME", "uu", 1, 2, GIVES_NVARCHAR_N, 258, 0},
    {"RADIANS", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"REPLACE", "uuu", 3, 3, GIVES_TEXT_LONG, 0, WITH_COLLATION},
    {"REPLICATE", "ui", 2, 2, GIVES_TEXT_LONG, 0, WITH_TYPE},
    {"REVERSE", "u", 1, 1, GIVES_TEXT, 0, 0},
    {"RIGHT", "ti", 2, 2, GIVES_TEXT, 0, 0},
    {"ROUND", "#ii", 2, 3, GIVES_NUMBER, 0, WITH_TYPE},
    {"RTRIM", "uu", 1, 2, GIVES_TEXT, 0, 0},
    {"SIGN", "#", 1, 1, GIVES_NUMBER, 0, WITH_TYPE},
    {"SIN", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"SOUNDEX", "u", 1, 1, GIVES_VARCHAR_N, 5, 0},
    {"SPACE", "i", 1, 1, GIVES_VARCHAR_N, 8000, 0},
    {"SQRT", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"SQUARE", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"STR", "fii", 1, 3, GIVES_VARCHAR_N, 10, 0},
    {"STRING_ESCAPE", "nu", 2, 2, GIVES_NVARCHAR_N, -1, 0},
    {"STUFF", "tiit", 4, 4, GIVES_TEXT_LONG, 0, 0},
    {"SUBSTRING", "tii", 3, 3, GIVES_TEXT, 0, 0},
    {"SWITCHOFFSET", "dx", 2, 2, GIVES_FIRST, 0, WITH_TYPE},
    {"TAN", "f", 1, 1, GIVES_FLOAT, 0, 0},
    {"TRANSLATE", "uuu", 3, 3, GIVES_TEXT, 0, WITH_COLLATION},
    {"TRIM", "uu", 1, 2, GIVES_TEXT, 0, 0},
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

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

Str bindcall_lower(Binder *b, Str s) {
    char *out = arena_bytes(b->a, s.n + 1);
    for (size_t i = 0; i < s.n; i++) out[i] = lower(s.p[i]);
    return (Str){out, s.n};
}

bool bindcall_wrong_count(Binder *b, const AstExpr *x, const char *name, int least, int most) {
    Str shown = bindcall_lower(b, str_from(name));
    if (least == most)
        return sqlerror_set(b->e, 174, 1, x->line, "The %.*s function requires %d argument(s).",
                            STR_ARG(shown), least);
    return sqlerror_set(b->e, 189, 1, x->line, "The %.*s function requires %d to %d arguments.",
                        STR_ARG(shown), least, most == ANY ? 254 : most);
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

static bool convert_argument(Binder *b, Bx x, char letter, uint32_t line, Bx *ret) {
    Type to = {0};
    switch (letter) {
    case 't': return text_argument(b, x, /* may_be_binary= */ true, line, ret);
    case 'u': return text_argument(b, x, /* may_be_binary= */ false, line, ret);
    case 'd': return date_argument(b, x, line, ret);
    case '#': return number_argument(b, x, line, ret);
    case 'i': to.id = TYPE_INT; break;
    case 'b': to.id = TYPE_BIGINT; break;
    case 'f': to.id = TYPE_FLOAT; break;
    case 'n': to = (Type){.id = TYPE_NVARCHAR, .length = 4000}; break;
    case 'v': to = (Type){.id = TYPE_VARBINARY, .length = TYPE_MAX_LENGTH}; break;
    default: *ret = x; return true;
    }
    return bindtype_convert(b, x, &to, MODE_EXPLICIT, line, ret);
}

bool bindcall_argument(Binder *b, const AstExpr *ast, char letter, Bx *ret) {
    Bx x;
    return bindexpr_value(b, ast, &x) && convert_argument(b, x, letter, ast->line, ret);
}

/* text, ntext and image are known to few functions, xml, variants and CLR types to none that want a letter.
 */
static bool is_argument(const Bx *x, const char *function, char letter) {
    TypeId id = x->type.id;
    if (letter == 'x') return true;
    if (id == TYPE_SQL_VARIANT || id == TYPE_XML || type_is_clr(id)) return false;
    if (id != TYPE_TEXT && id != TYPE_NTEXT && id != TYPE_IMAGE) return true;
    static const char *const knowing[] = {"CHARINDEX", "PATINDEX", "SUBSTRING"};
    for (size_t i = 0; i < sizeof knowing / sizeof *knowing; i++)
        if (strcmp(function, knowing[i]) == 0) return true;
    return letter != 't' && letter != 'u';
}

bool bindcall_argument_of(Binder *b, const AstExpr *call, const char *name, size_t i, char letter, Bx *ret) {
    const AstExpr *ast = call->u.call.args[i];
    Bx x;
    if (!bindexpr_value(b, ast, &x)) return false;
    if (is_argument(&x, name, letter)) return convert_argument(b, x, letter, ast->line, ret);
    Str lower = bindcall_lower(b, str_from(name));
    return sqlerror_set(b->e, 8116, 1, ast->line,
                        "Argument data type %s is invalid for argument %zu of %.*s function.",
                        type_name(x.type.id), i + 1, STR_ARG(lower));
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

/* FLOOR and CEILING of a decimal have no digits behind the point, DEGREES and RADIANS 18. */
static void narrow_number(const CallRow *row, Type *t) {
    if (t->id != TYPE_DECIMAL && t->id != TYPE_NUMERIC) return;
    if (strcmp(row->name, "DEGREES") == 0 || strcmp(row->name, "RADIANS") == 0)
        *t = (Type){.id = t->id, .precision = 38, .scale = 18};
    if (strcmp(row->name, "FLOOR") == 0 || strcmp(row->name, "CEILING") == 0) t->scale = 0;
}

static const char *sql_name(Binder *b, const char *name) {
    char *out = arena_printf(b->a, "ts_%s($)", name);
    for (char *p = out; *p; p++) *p = lower(*p);
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
        if (!bindcall_argument_of(b, x, row->name, i, row->args[i < letters ? i : letters - 1], &args[i]))
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

/* GREATEST and LEAST: NULLs don't count; the type is that of the highest precedence. */
static bool greatest(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (c->arg_count < 1) return bindcall_wrong_count(b, x, "greatest", 1, ANY);
    Bx *args = ARENA_ARRAY(b->a, Bx, c->arg_count), **all = ARENA_ARRAY(b->a, Bx *, c->arg_count);
    const Sql **sql = ARENA_ARRAY(b->a, const Sql *, c->arg_count + 2);
    *ret = (Bx){.is_nullable = true};
    for (size_t i = 0; i < c->arg_count; i++) {
        if (!bindexpr_value(b, c->args[i], &args[i])) return false;
        all[i] = &args[i];
    }
    if (!bindtype_common(b, all, c->arg_count, x->line, &ret->type)) return false;
    if (ret->type.id == TYPE_NULL) ret->type.id = TYPE_INT;
    uint16_t collation = ret->type.collation ? ret->type.collation : b->host->default_collation;
    sql[0] = sql_text(b, is_named(c, "GREATEST") ? "1" : "-1");
    sql[1] = sql_printf(b, "%d", collation);
    for (size_t i = 0; i < c->arg_count; i++) sql[i + 2] = args[i].sql;
    ret->sql = sql_format(b, "ts_extreme($)", sql, c->arg_count + 2);
    return true;
}

static const Sql *checksum_part(Binder *b, const Bx *x, bool is_binary) {
    if (is_binary || !type_is_text(x->type.id)) return x->sql;
    uint16_t collation = x->type.collation ? x->type.collation : b->host->default_collation;
    return SQL_OF(b, "ts_sort_key(@,@)", x->sql, sql_printf(b, "%d", collation));
}

/* CHECKSUM: texts that the collation takes as equal give the same number; BINARY_CHECKSUM: bytes. (*) is all
 * columns. */
static bool checksum(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    bool is_binary = is_named(c, "BINARY_CHECKSUM");
    const Sql **sql = NULL;
    size_t count = 0;
    for (size_t i = 0; c->is_star && b->scope && i < b->scope->source_count; i++)
        for (size_t k = 0; k < b->scope->sources[i]->column_count; k++) {
            const SourceColumn *column = &b->scope->sources[i]->columns[k];
            Bx value = {.sql = column->sql, .type = column->type};
            BIND_PUSH(b, sql, count, checksum_part(b, &value, is_binary));
        }
    for (size_t i = 0; i < c->arg_count; i++) {
        Bx value;
        if (!bindexpr_value(b, c->args[i], &value)) return false;
        BIND_PUSH(b, sql, count, checksum_part(b, &value, is_binary));
    }
    if (count == 0) return bindcall_wrong_count(b, x, is_binary ? "binary_checksum" : "checksum", 1, ANY);
    *ret = (Bx){.type = {.id = TYPE_INT}, .is_nullable = true};
    ret->sql = sql_format(b, "ts_checksum($)", sql, count);
    return true;
}

static bool hashbytes(Binder *b, const AstExpr *x, Bx *ret) {
    Bx algorithm, input;
    if (!exactly(b, x, 2) || !bindcall_argument(b, x->u.call.args[0], 'u', &algorithm) ||
        !bindcall_argument(b, x->u.call.args[1], 't', &input))
        return false;
    Type t = input.type;
    if (type_is_text(t.id) && t.collation == 0) t.collation = b->host->default_collation;
    *ret = (Bx){.type = {.id = TYPE_VARBINARY, .length = 8000}, .is_nullable = true};
    ret->sql = SQL_OF(b, "ts_hashbytes(@,@,@)", algorithm.sql, input.sql, bindtype_code(b, &t));
    return true;
}

/* (format, value, …): each value with its type */
static bool formatmessage(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (c->arg_count < 1) return bindcall_wrong_count(b, x, "formatmessage", 1, ANY);
    const Sql **sql = ARENA_ARRAY(b->a, const Sql *, 2 * c->arg_count);
    Bx arg;
    if (!bindcall_argument(b, c->args[0], 'n', &arg)) return false;
    sql[0] = arg.sql;
    for (size_t i = 1; i < c->arg_count; i++) {
        if (!bindexpr_value(b, c->args[i], &arg)) return false;
        sql[2 * i - 1] = arg.sql;
        sql[2 * i] = bindtype_code(b, &arg.type);
    }
    *ret = (Bx){.type = {.id = TYPE_NVARCHAR, .length = 2047}, .is_nullable = true};
    ret->sql = sql_format(b, "ts_formatmessage($)", sql, 2 * c->arg_count - 1);
    return true;
}

static bool newsequentialid(Binder *b, const AstExpr *x, Bx *ret) {
    if (!b->in_default)
        return sqlerror_set(
            b->e, 302, 0, x->line,
            "The newsequentialid() built-in function can only be used in a DEFAULT expression for a column "
            "of "
            "type 'uniqueidentifier' in a CREATE TABLE or ALTER TABLE statement. It cannot be combined with "
            "other operators to form a complex scalar expression.");
    *ret = (Bx){.type = {.id = TYPE_UNIQUEIDENTIFIER}, .sql = sql_text(b, "ts_newsequentialid()")};
    return exactly(b, x, 0);
}

/* Without a seed one number for the whole statement. */
static bool rand_call(Binder *b, const AstExpr *x, Bx *ret) {
    Bx seed;
    *ret = (Bx){.type = {.id = TYPE_FLOAT}, .sql = sql_text(b, "ts_rand()")};
    if (x->u.call.arg_count == 0) return true;
    if (!exactly(b, x, 1) || !bindcall_argument(b, x->u.call.args[0], 'i', &seed)) return false;
    ret->is_nullable = seed.is_nullable;
    ret->sql = SQL_OF(b, "ts_rand(@)", seed.sql);
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
static bool unknown(Binder *b, const AstExpr *x) {
    const AstName *name = &x->u.call.name;
    if (name->schema.n) {
        if (bindname_is_method(b, name)) return false;
        Str text = bindfrom_display(b, name);
        if (str_eq_icase(name->schema, STR_LIT("sys")))
            return sqlerror_set(b->e, 208, 1, x->line, "Invalid object name '%.*s'.", STR_ARG(text));
        return sqlerror_set(
            b->e, 4121, 1, x->line,
            "Cannot find either column \"%.*s\" or the user-defined function or aggregate \"%.*s\", or "
            "the name is ambiguous.",
            STR_ARG(name->schema), STR_ARG(text));
    }
    if (bindcall_is_unbuilt(b, name->name, x->line)) return false;
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
static const struct {
    const char *name;
    Handler *handler;
} handlers[] = {
    {"ISNULL", isnull},
    {"COALESCE", coalesce},
    {"NULLIF", nullif},
    {"IIF", iif},
    {"CHOOSE", choose},
    {"GREATEST", greatest},
    {"LEAST", greatest},
    {"CHECKSUM", checksum},
    {"BINARY_CHECKSUM", checksum},
    {"HASHBYTES", hashbytes},
    {"FORMATMESSAGE", formatmessage},
    {"NEWSEQUENTIALID", newsequentialid},
    {"RAND", rand_call},
    {"CONCAT", concat_plain},
    {"CONCAT_WS", concat_ws},
    {"DATALENGTH", datalength},
};

static bool builtin(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    bool found;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (is_named(c, handlers[i].name)) return handlers[i].handler(b, x, ret);
    if (!binddate_call(b, x, ret, &found)) return false;
    if (found) return true;
    if (!bindsession_call(b, x, ret, &found)) return false;
    if (found) return true;
    const CallRow *row = bsearch(&c->name.name, rows, sizeof rows / sizeof *rows, sizeof *rows, by_name);
    return row ? table_call(b, x, row, ret) : unknown(b, x);
}

bool bindcall_value(Binder *b, const AstExpr *x, Bx *ret) {
    const AstCall *c = &x->u.call;
    if (c->over) return bindwindow_value(b, x, ret);
    if (bindaggregate_is(x)) return bindaggregate_value(b, x, ret);
    bool takes_star = is_named(c, "CHECKSUM") || is_named(c, "BINARY_CHECKSUM");
    if (c->is_star && !takes_star) return sqlerror_set(b->e, 102, 1, x->line, "Incorrect syntax near '*'.");
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
