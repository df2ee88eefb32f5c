/*
 * SQL Server stores expressions in a form of its own: names in brackets, constants in parentheses, IN and
 * BETWEEN taken apart. So a small set of tokens covers most checks that people write; the first token beyond
 * it makes the whole expression unknown. What a comparison means hangs on the column's type in the target, so
 * the last column seen decides how a constant behind it is written.
 */
#include "cli/tsql_expr.h"

#include <ctype.h>
#include <string.h>

#include "postgres/pgname.h"

static const char WHY_LOCAL[] = "local time of the server: the same only if TimeZone is SQL Server's";
static const char WHY_TEXT[] = "SQL Server compares these texts without regard to case, PostgreSQL does not";
static const char WHY_ORDER[] = "texts sort by another collation in PostgreSQL";
static const char WHY_SEQUENTIAL[] = "the values don't ascend as newsequentialid()'s";
static const char WHY_UNKNOWN[] = "no sure counterpart: to be translated by hand";

/* ---- constants ---- */

static bool is_digits(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!isdigit((unsigned char)s.p[i])) return false;
    return s.n > 0;
}

/* A number: sign, digits, at most one point. */
static bool is_number(Str s) {
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) s = str_sub(s, 1, s.n);
    size_t point = str_find(s, '.');
    Str whole = str_sub(s, 0, point), part = str_sub(s, point + 1, s.n);
    return (whole.n == 0 || is_digits(whole)) && (part.n == 0 || is_digits(part)) && whole.n + part.n > 0;
}

static bool matches(Str s, const char *pattern) { /* 9 stands for a digit, x for a hex digit */
    size_t n = strlen(pattern);
    if (s.n != n) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool ok = pattern[i] == '9'   ? isdigit(c)
                  : pattern[i] == 'x' ? isxdigit(c)
                                      : c == (unsigned char)pattern[i];
        if (!ok) return false;
    }
    return true;
}

/* A date that every language setting of SQL Server reads alike: with dashes only behind a T, or without any.
 */
static bool is_iso(Str s, PgKind kind) {
    if (kind == PGKIND_TIME) return matches(s, "99:99:99") || matches(s, "99:99");
    return matches(s, "99999999") || matches(s, "9999-99-99T99:99:99") ||
           (kind == PGKIND_DATE && matches(s, "9999-99-99"));
}

static bool is_numeric(PgKind k) {
    return k == PGKIND_INT2 || k == PGKIND_INT4 || k == PGKIND_INT8 || k == PGKIND_NUMERIC ||
           k == PGKIND_FLOAT4 || k == PGKIND_FLOAT8;
}

/* Write the number for a value of that kind; false where it means something else there. */
static bool put_number(Str number, PgKind kind, Buf *out) {
    if (kind == PGKIND_BOOL) {
        bool is_one = str_eq_c(number, "1");
        if (!is_one && !str_eq_c(number, "0")) return false;
        buf_cstr(out, is_one ? "true" : "false");
        return true;
    }
    if (!is_numeric(kind)) return false;
    buf_str(out, number);
    return true;
}

/* quoted: with its quotes, as T-SQL writes it; standard SQL does, too. */
static bool put_text(Str quoted, PgKind kind, Buf *out) {
    Str inner = str_sub(quoted, 1, quoted.n - 2);
    bool is_temporal =
        kind == PGKIND_DATE || kind == PGKIND_TIME || kind == PGKIND_TIMESTAMP || kind == PGKIND_TIMESTAMPTZ;
    if (is_temporal && !is_iso(inner, kind)) return false;
    if (kind == PGKIND_UUID && !matches(inner, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")) return false;
    if (!is_temporal && kind != PGKIND_TEXT && kind != PGKIND_UUID) return false;
    buf_str(out, quoted);
    return true;
}

/* Length of the text constant that s begins with, its N left out of *ret; 0 = it doesn't. */
static size_t text_constant(Str s, Str *ret) {
    size_t from = s.n > 1 && (s.p[0] == 'N' || s.p[0] == 'n') && s.p[1] == '\'' ? 1 : 0;
    if (from >= s.n || s.p[from] != '\'') return 0;
    for (size_t i = from + 1; i < s.n; i++) {
        if (s.p[i] != '\'') continue;
        if (i + 1 < s.n && s.p[i + 1] == '\'') i++;
        else {
            *ret = str_sub(s, from, i + 1 - from);
            return i + 1;
        }
    }
    return 0;
}

/* ---- defaults ---- */

/* Without the parentheses around all of it. */
static Str bare(Str s) {
    for (;;) {
        s = str_trim(s);
        if (s.n < 2 || s.p[0] != '(' || s.p[s.n - 1] != ')') return s;
        int depth = 0;
        for (size_t i = 0; i + 1 < s.n; i++) {
            Str unused;
            size_t text = text_constant(str_sub(s, i, s.n), &unused);
            if (text) i += text - 1;
            else if (s.p[i] == '(') depth++;
            else if (s.p[i] == ')' && --depth == 0) return s;
        }
        s = str_sub(s, 1, s.n - 2);
    }
}

typedef struct Call {
    const char *name;
    PgKind kind;
    const char *sql;
    TsqlTrust trust;
    const char *why;
} Call;

static const Call calls[] = {
    {"newid()", PGKIND_UUID, "gen_random_uuid()", TSQL_CERTAIN, NULL},
    {"newsequentialid()", PGKIND_UUID, "gen_random_uuid()", TSQL_CERTAIN, WHY_SEQUENTIAL},
    {"getutcdate()", PGKIND_TIMESTAMP, "(clock_timestamp() AT TIME ZONE 'UTC')", TSQL_CERTAIN, NULL},
    {"sysutcdatetime()", PGKIND_TIMESTAMP, "(clock_timestamp() AT TIME ZONE 'UTC')", TSQL_CERTAIN, NULL},
    {"sysdatetimeoffset()", PGKIND_TIMESTAMPTZ, "clock_timestamp()", TSQL_CERTAIN, NULL},
    {"getdate()", PGKIND_TIMESTAMP, "localtimestamp", TSQL_LIKELY, WHY_LOCAL},
    {"sysdatetime()", PGKIND_TIMESTAMP, "localtimestamp", TSQL_LIKELY, WHY_LOCAL},
    {"getdate()", PGKIND_DATE, "current_date", TSQL_LIKELY, WHY_LOCAL},
    {"sysdatetime()", PGKIND_DATE, "current_date", TSQL_LIKELY, WHY_LOCAL},
};

TsqlTrust tsql_expr_default(Str definition, PgKind kind, Buf *out, const char **ret_why) {
    Str s = bare(definition), text;
    *ret_why = NULL;
    if (str_eq_icase(s, STR_LIT("NULL"))) return TSQL_CERTAIN;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (calls[i].kind != kind || !str_eq_icase(s, str_from(calls[i].name))) continue;
        buf_cstr(out, calls[i].sql);
        *ret_why = calls[i].why;
        return calls[i].trust;
    }
    if (is_number(s) && put_number(s, kind, out)) return TSQL_CERTAIN;
    if (text_constant(s, &text) == s.n && s.n > 0 && put_text(text, kind, out)) return TSQL_CERTAIN;
    *ret_why = WHY_UNKNOWN;
    return TSQL_UNKNOWN;
}

/* ---- conditions ---- */

typedef struct Parse {
    TsqlFind *find;
    const void *arg;
    Buf *out;
    TsqlTrust trust;
    const char *why;
    bool has_column;   /* of this comparison: a column has come, */
    bool has_constant; /*   a constant before any column */
    TsqlColumn column; /* the last one */
} Parse;

static void doubt(Parse *p, const char *why) {
    if (p->trust != TSQL_CERTAIN) return;
    p->trust = TSQL_LIKELY;
    p->why = why;
}

/* "[name]" at the start of s, "]]" being one bracket; its length, 0 = it doesn't end. */
static size_t take_name(Parse *p, Str s) {
    char name[4 * 128 + 1];
    size_t n = 0;
    for (size_t i = 1; i < s.n && n < sizeof name; i++) {
        if (s.p[i] == ']' && (i + 1 == s.n || s.p[i + 1] != ']')) {
            bool is_second = p->has_column;
            PgKind before = p->column.kind;
            if (!p->find(p->arg, (Str){name, n}, &p->column)) return 0;
            if (is_second && before != p->column.kind) return 0;
            if (p->has_constant && !is_numeric(p->column.kind)) return 0;
            p->has_column = true;
            pgname_quote(p->out, p->column.name);
            return i + 1;
        }
        if (s.p[i] == ']') i++;
        name[n++] = s.p[i];
    }
    return 0;
}

static size_t take_number(Parse *p, Str s) {
    size_t n = 0;
    while (n < s.n && (isdigit((unsigned char)s.p[n]) || s.p[n] == '.')) n++;
    if (n < s.n && (isalpha((unsigned char)s.p[n]) || s.p[n] == '_')) return 0; /* 1e3, 0x1f */
    Str number = str_sub(s, 0, n);
    if (!is_number(number)) return 0;
    if (p->has_column) return put_number(number, p->column.kind, p->out) ? n : 0;
    p->has_constant = true;
    buf_str(p->out, number);
    return n;
}

static size_t take_text(Parse *p, Str s) {
    Str text;
    size_t n = text_constant(s, &text);
    if (!n || !p->has_column || !put_text(text, p->column.kind, p->out)) return 0;
    if (p->column.kind == PGKIND_TEXT && p->column.is_case_blind) doubt(p, WHY_TEXT);
    return n;
}

static size_t take_word(Parse *p, Str s) {
    static const char *const words[] = {"AND", "OR", "NOT", "IS", "NULL"};
    size_t n = 0;
    while (n < s.n && isalpha((unsigned char)s.p[n])) n++;
    Str word = str_sub(s, 0, n);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_eq_icase(word, str_from(words[i]))) continue;
        if (i < 2) p->has_column = p->has_constant = false;
        buf_printf(p->out, " %s ", words[i]);
        return n;
    }
    return 0;
}

static size_t take_operator(Parse *p, Str s) {
    static const char *const operators[] = {"<>", "!=", "<=", ">=", "=", "<", ">"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        size_t n = strlen(operators[i]);
        if (s.n < n || memcmp(s.p, operators[i], n) != 0) continue;
        bool is_order = operators[i][0] != '=' && strcmp(operators[i], "<>") != 0 && operators[i][0] != '!';
        bool is_text = p->has_column && p->column.kind == PGKIND_TEXT;
        if (is_text && is_order) doubt(p, WHY_ORDER);
        if (is_text && p->column.is_case_blind) doubt(p, WHY_TEXT);
        buf_printf(p->out, " %s ", operators[i][0] == '!' ? "<>" : operators[i]);
        return n;
    }
    bool is_sum = s.p[0] == '+' || s.p[0] == '-' || s.p[0] == '*';
    if (!is_sum || (p->has_column && !is_numeric(p->column.kind))) return 0;
    buf_u8(p->out, (uint8_t)s.p[0]);
    return 1;
}

static size_t take_token(Parse *p, Str s) {
    char c = s.p[0];
    if (c == '(' || c == ')') {
        buf_u8(p->out, (uint8_t)c);
        return 1;
    }
    if (isspace((unsigned char)c)) return 1;
    if (c == '[') return take_name(p, s);
    if (isdigit((unsigned char)c) || c == '.') return take_number(p, s);
    if (c == '\'' || ((c == 'N' || c == 'n') && s.n > 1 && s.p[1] == '\'')) return take_text(p, s);
    if (isalpha((unsigned char)c)) return take_word(p, s);
    return take_operator(p, s);
}

TsqlTrust tsql_expr_condition(Str definition, TsqlFind *find, const void *arg, Buf *out,
                              const char **ret_why) {
    size_t before = out->n;
    Parse p = {.find = find, .arg = arg, .out = out, .trust = TSQL_CERTAIN};
    for (Str rest = definition; rest.n > 0;) {
        size_t n = take_token(&p, rest);
        if (n == 0) {
            out->n = before;
            *ret_why = WHY_UNKNOWN;
            return TSQL_UNKNOWN;
        }
        rest = str_sub(rest, n, rest.n);
    }
    *ret_why = p.why;
    return p.trust;
}
