#include <string.h>

#include "standin/tsql/parser_internal.h"

enum { PARSER_MAX_DEPTH = 200 };

void *parser_grow(Arena *a, void *items, size_t count, size_t size) {
    if (count != 0 && (count < 4 || (count & (count - 1)) != 0)) return items; /* room is a power of two */
    void *grown = arena_array(a, size, count < 4 ? 4 : count * 2);
    if (count) memcpy(grown, items, count * size);
    return grown;
}

const Token *parser_peek(const Parser *p, size_t ahead) {
    size_t last = p->count - 1;
    return &p->tokens[ahead > last - p->at ? last : p->at + ahead];
}

bool parser_is_keyword(const Parser *p, LexerKeyword keyword) {
    const Token *t = &p->tokens[p->at];
    return t->kind == TOKEN_KEYWORD && t->keyword == keyword;
}

bool parser_is_word(const Parser *p, const char *word) {
    const Token *t = &p->tokens[p->at];
    return t->kind == TOKEN_WORD && str_eq_icase(t->text, str_from(word));
}

bool parser_is_symbol(const Parser *p, unsigned symbol) {
    const Token *t = &p->tokens[p->at];
    return t->kind == TOKEN_SYMBOL && t->symbol == symbol;
}

bool parser_accept_keyword(Parser *p, LexerKeyword keyword) {
    if (!parser_is_keyword(p, keyword)) return false;
    p->at++;
    return true;
}

bool parser_accept_word(Parser *p, const char *word) {
    if (!parser_is_word(p, word)) return false;
    p->at++;
    return true;
}

bool parser_accept_symbol(Parser *p, unsigned symbol) {
    if (!parser_is_symbol(p, symbol)) return false;
    p->at++;
    return true;
}

bool parser_expect_keyword(Parser *p, LexerKeyword keyword) {
    return parser_accept_keyword(p, keyword) || parser_fail(p);
}

bool parser_expect_word(Parser *p, const char *word) {
    return parser_accept_word(p, word) || parser_fail(p);
}

bool parser_expect_symbol(Parser *p, unsigned symbol) {
    return parser_accept_symbol(p, symbol) || parser_fail(p);
}

/* At the end SQL Server names the last token of the batch. */
bool parser_fail(Parser *p) {
    const Token *t = &p->tokens[p->at];
    if (t->kind == TOKEN_END && p->at > 0) t--;
    Str near =
        t->kind == TOKEN_STRING || t->kind == TOKEN_NSTRING || t->kind == TOKEN_QUOTED ? t->value : t->text;
    int n = (int)(near.n > 128 ? 128 : near.n);
    const char *text = near.n ? near.p : "";
    if (t->kind == TOKEN_KEYWORD && p->tokens[p->at].kind != TOKEN_END)
        return sqlerror_set(p->e, 156, 1, t->line, "Incorrect syntax near the keyword '%.*s'.", n, text);
    return sqlerror_set(p->e, 102, 1, t->line, "Incorrect syntax near '%.*s'.", n, text);
}

bool parser_unsupported_statement(Parser *p, const char *what) {
    return sqlerror_set(p->e, 40510, 1, parser_peek(p, 0)->line,
                        "Statement '%s' is not supported in this version of SQL Server.", what);
}

bool parser_unsupported(Parser *p, const char *what) {
    return sqlerror_set(p->e, 40517, 1, parser_peek(p, 0)->line,
                        "Keyword or statement option '%s' is not supported in this version of SQL Server.",
                        what);
}

bool parser_enter(Parser *p) {
    if (p->depth >= PARSER_MAX_DEPTH)
        return sqlerror_set(
            p->e, 191, 1, parser_peek(p, 0)->line,
            "Some part of your SQL statement is nested too deeply. Rewrite the query or break "
            "it up into smaller queries.");
    p->depth++;
    return true;
}

void parser_leave(Parser *p) {
    p->depth--;
}

bool parser_at_name(const Parser *p) {
    TokenKind kind = p->tokens[p->at].kind;
    return kind == TOKEN_WORD || kind == TOKEN_QUOTED;
}

bool parser_one_name(Parser *p, Str *ret) {
    if (!parser_at_name(p)) return parser_fail(p);
    *ret = p->tokens[p->at++].value;
    return true;
}

/* Up to four parts; inner ones may be missing ("db..t"). */
bool parser_dotted_name(Parser *p, AstName *ret) {
    Str parts[4] = {{0}};
    size_t count = 0;
    uint32_t line = parser_peek(p, 0)->line;
    for (;;) {
        if (count == 4)
            return sqlerror_set(
                p->e, 117, 1, line,
                "The object name '%.*s' contains more than the maximum number of prefixes. The "
                "maximum is 3.",
                STR_ARG(parts[0]));
        if (count > 0 && parser_is_symbol(p, '.')) {
            parts[count++] = (Str){0};
        } else if (!parser_one_name(p, &parts[count++])) {
            return false;
        }
        if (!parser_is_symbol(p, '.')) break;
        /* t.* leaves the point to the caller */
        const Token *after = parser_peek(p, 1);
        if (after->kind == TOKEN_SYMBOL && after->symbol == '*') break;
        p->at++;
    }
    *ret = (AstName){.line = line, .name = parts[count - 1]};
    if (count > 1) ret->schema = parts[count - 2];
    if (count > 2) ret->database = parts[count - 3];
    if (count > 3) ret->server = parts[count - 4];
    return true;
}

bool parser_name_list(Parser *p, Str **ret, size_t *ret_count) {
    if (!parser_expect_symbol(p, '(')) return false;
    do {
        Str name;
        if (!parser_one_name(p, &name)) return false;
        PARSER_PUSH(p, *ret, *ret_count, name);
    } while (parser_accept_symbol(p, ','));
    return parser_expect_symbol(p, ')');
}

bool parser_integer(Parser *p, int64_t *ret) {
    bool is_negative = parser_accept_symbol(p, '-');
    if (!is_negative) (void)parser_accept_symbol(p, '+');
    const Token *t = parser_peek(p, 0);
    if (t->kind != TOKEN_INTEGER) return parser_fail(p);
    Err ignored = {0};
    if (!str_to_i64(t->text, 0, INT64_MAX, ret, &ignored)) return parser_fail(p);
    if (is_negative) *ret = -*ret;
    p->at++;
    return true;
}

/* ---- types ---- */

static bool length_of(Parser *p, AstType *t, Str name) {
    if (parser_accept_word(p, "max")) {
        if (t->type.id != TYPE_VARCHAR && t->type.id != TYPE_NVARCHAR && t->type.id != TYPE_VARBINARY)
            return parser_fail(p);
        t->type.length = TYPE_MAX_LENGTH;
        return true;
    }
    int64_t n;
    int32_t most = type_is_unicode(t->type.id) ? 4000 : 8000;
    if (!parser_integer(p, &n)) return false;
    if (n < 1)
        return sqlerror_set(p->e, 1001, 1, t->line,
                            "Line %u: Length or precision specification %d is invalid.", t->line, (int)n);
    if (n > 8000 || (n > most && !p->column.n))
        return sqlerror_set(p->e, 131, 2, t->line,
                            "The size (%lld) given to the %s '%.*s' exceeds the maximum allowed for any data "
                            "type (8000).",
                            (long long)n, p->column.n ? "column" : "type",
                            STR_ARG(p->column.n ? p->column : name));
    if (n > most)
        return sqlerror_set(p->e, 2717, 2, t->line,
                            "The size (%lld) given to the column '%.*s' exceeds the maximum allowed (%d).",
                            (long long)n, STR_ARG(p->column), most);
    t->type.length = (int32_t)n;
    return true;
}

static size_t ordinal(const Parser *p) {
    return p->ordinal ? p->ordinal : 1;
}

static bool too_precise(Parser *p, const AstType *t, int64_t precision, int most) {
    return sqlerror_set(
        p->e, 2750, 1, t->line,
        "Column, parameter, or variable #%zu: Specified column precision %lld is greater than the "
        "maximum precision of %d.",
        ordinal(p), (long long)precision, most);
}

static bool precision_of(Parser *p, AstType *t) {
    int64_t precision, scale = 0;
    if (!parser_integer(p, &precision)) return false;
    if (parser_accept_symbol(p, ',') && !parser_integer(p, &scale)) return false;
    if (precision < 1)
        return sqlerror_set(p->e, 1001, 1, t->line,
                            "Line %u: Length or precision specification %d is invalid.", t->line,
                            (int)precision);
    if (precision > 38) return too_precise(p, t, precision, 38);
    if (scale < 0 || scale > precision)
        return sqlerror_set(
            p->e, 2751, 1, t->line,
            "Column, parameter, or variable #%zu: Specified column scale %lld is greater than the "
            "specified precision of %lld.",
            ordinal(p), (long long)scale, (long long)precision);
    t->type.precision = (uint8_t)precision;
    t->type.scale = (uint8_t)scale;
    return true;
}

static bool scale_of(Parser *p, AstType *t) {
    int64_t scale;
    if (!parser_integer(p, &scale)) return false;
    if (scale < 0 || scale > 7)
        return sqlerror_set(p->e, 1002, 1, t->line, "Line %u: Specified scale %d is invalid.", t->line,
                            (int)scale);
    t->type.scale = (uint8_t)scale;
    return true;
}

/* What stands in the parentheses means something else in each family. */
static bool type_arguments(Parser *p, AstType *t, Str name) {
    t->has_length = true;
    bool ok;
    int64_t digits;
    switch (t->type.id) {
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_NCHAR:
    case TYPE_NVARCHAR:
    case TYPE_BINARY:
    case TYPE_VARBINARY: ok = length_of(p, t, name); break;
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: ok = precision_of(p, t); break;
    case TYPE_TIME:
    case TYPE_DATETIME2:
    case TYPE_DATETIMEOFFSET: ok = scale_of(p, t); break;
    case TYPE_FLOAT: /* float(1…24) is real */
        ok = parser_integer(p, &digits);
        if (ok && digits > 53) return too_precise(p, t, digits, 53);
        if (ok && digits < 1) return parser_fail(p);
        if (ok && digits <= 24) t->type.id = TYPE_REAL;
        break;
    case TYPE_XML: return parser_unsupported(p, "xml (schema collection)");
    default:
        return sqlerror_set(
            p->e, 2716, 1, t->line,
            "Column, parameter, or variable #%zu: Cannot specify a column width on data type %.*s.",
            ordinal(p), STR_ARG(name));
    }
    return ok && parser_expect_symbol(p, ')');
}

static void type_defaults(Type *t) {
    switch (t->id) {
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_NCHAR:
    case TYPE_NVARCHAR:
    case TYPE_BINARY:
    case TYPE_VARBINARY:
        if (t->length == 0) t->length = 1;
        break;
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: t->precision = 18; break;
    case TYPE_TIME:
    case TYPE_DATETIME2:
    case TYPE_DATETIMEOFFSET: t->scale = 7; break;
    case TYPE_ROWVERSION: t->length = 8; break;
    default: break;
    }
}

/* Names of several words: "double precision", "national character varying", "char varying". */
static bool type_words(Parser *p, Str *ret) {
    const Token *t = parser_peek(p, 0);
    if (t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED && t->kind != TOKEN_KEYWORD) return parser_fail(p);
    if (parser_accept_keyword(p, KW_DOUBLE)) {
        if (!parser_expect_word(p, "precision")) return false;
        *ret = STR_LIT("float");
        return true;
    }
    bool is_national = parser_accept_keyword(p, KW_NATIONAL);
    if (!is_national && t->kind == TOKEN_KEYWORD) return parser_fail(p);
    if (!parser_one_name(p, ret)) return false;
    bool is_char = str_eq_icase(*ret, STR_LIT("char")) || str_eq_icase(*ret, STR_LIT("character"));
    bool is_varying = parser_accept_keyword(p, KW_VARYING);
    if (is_national && str_eq_icase(*ret, STR_LIT("text"))) *ret = STR_LIT("ntext");
    else if (is_national) *ret = is_varying ? STR_LIT("nvarchar") : STR_LIT("nchar");
    else if (is_varying && str_eq_icase(*ret, STR_LIT("binary"))) *ret = STR_LIT("varbinary");
    else if (is_varying) *ret = is_char ? STR_LIT("varchar") : STR_LIT("nvarchar");
    return true;
}

/* [schema.]name; "sys." is the system types' own. */
static bool type_dotted_name(Parser *p, AstName *ret) {
    *ret = (AstName){.line = parser_peek(p, 0)->line};
    if (!type_words(p, &ret->name)) return false;
    if (!parser_accept_symbol(p, '.')) return true;
    ret->schema = ret->name;
    return parser_one_name(p, &ret->name);
}

bool parser_declared_type(Parser *p, AstType *ret) {
    *ret = (AstType){.line = parser_peek(p, 0)->line};
    AstName name;
    if (!type_dotted_name(p, &name)) return false;
    bool is_system = name.schema.n == 0 || str_eq_icase(name.schema, STR_LIT("sys"));
    Type *t = &ret->type;
    t->id = is_system ? type_by_name(name.name) : TYPE_NULL;
    if (t->id == TYPE_NULL) {
        ret->alias = name;
        return true;
    }
    t->is_sysname = str_eq_icase(name.name, STR_LIT("sysname"));
    if (t->is_sysname) t->length = 128;
    type_defaults(t);
    return !parser_accept_symbol(p, '(') || type_arguments(p, ret, name.name);
}

bool parser_type(Parser *p, AstType *ret) {
    if (!parser_declared_type(p, ret)) return false;
    return ret->type.id != TYPE_NULL ||
           sqlerror_set(p->e, 2715, 6, ret->line,
                        "Column, parameter, or variable #1: Cannot find data type %.*s.",
                        STR_ARG(ret->alias.name));
}

Str parser_text_since(const Parser *p, size_t from) {
    if (p->at == from) return (Str){0};
    const char *start = p->tokens[from].text.p;
    Str last = p->tokens[p->at - 1].text;
    return (Str){start, (size_t)(last.p + last.n - start)};
}

Str parser_upper(Parser *p, Str s) {
    char *out = arena_bytes(p->a, s.n);
    for (size_t i = 0; i < s.n; i++)
        out[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - 'a' + 'A') : s.p[i];
    return (Str){out, s.n};
}
