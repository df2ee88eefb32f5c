/*
 * The whole text is cut into an array of tokens first: the parser may then look ahead as far as it likes, and
 * errors in a quotation are found before anything else, as SQL Server finds them.
 */
#include "standin/tsql/lexer.h"

#include <string.h>

#include "standin/types/wtf8.h"

enum { LEXER_MAX_NAME_UNITS = 128, LEXER_LONGEST_KEYWORD = 17 };

typedef struct Lexer {
    const char *p, *end;
    uint32_t line;
    bool quoted_identifier, at_line_start;
    Arena *a;
    SqlError *e;
    Token *tokens;
    size_t count, cap;
} Lexer;

#define LEXER_NAME(word) #word,
static const char *const keyword_names[] = {"", LEXER_KEYWORDS(LEXER_NAME)};
#undef LEXER_NAME

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

LexerKeyword lexer_keyword(Str word) {
    if (word.n < 2 || word.n > LEXER_LONGEST_KEYWORD) return KW_NONE;
    char name[LEXER_LONGEST_KEYWORD + 1] = {0};
    for (size_t i = 0; i < word.n; i++) name[i] = upper(word.p[i]);
    int low = KW_NONE + 1, high = KW_COUNT - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        int order = strcmp(name, keyword_names[middle]);
        if (order == 0) return (LexerKeyword)middle;
        if (order < 0) high = middle - 1;
        else low = middle + 1;
    }
    return KW_NONE;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static bool is_hex(char c) {
    return is_digit(c) || (upper(c) >= 'A' && upper(c) <= 'F');
}
/* Any byte of a character beyond ASCII may be part of a name. */
static bool is_name_start(char c) {
    return (upper(c) >= 'A' && upper(c) <= 'Z') || c == '_' || c == '#' || (unsigned char)c >= 0x80;
}
static bool is_name_part(char c) {
    return is_name_start(c) || is_digit(c) || c == '@' || c == '$';
}

static char peek(const Lexer *l, size_t ahead) {
    return (size_t)(l->end - l->p) > ahead ? l->p[ahead] : '\0';
}

static bool is_at_end(const Lexer *l) {
    return l->p == l->end;
}

static Token *add(Lexer *l, TokenKind kind, const char *from, uint32_t line) {
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        Token *grown = ARENA_ARRAY(l->a, Token, cap);
        if (l->count) memcpy(grown, l->tokens, l->count * sizeof *grown);
        l->tokens = grown;
        l->cap = cap;
    }
    Token *t = &l->tokens[l->count++];
    *t = (Token){.kind = kind,
                 .line = line,
                 .starts_line = l->at_line_start,
                 .text = {from, (size_t)(l->p - from)},
                 .value = {from, (size_t)(l->p - from)}};
    l->at_line_start = false;
    return t;
}

/* Comments nest. */
static bool skip_comment(Lexer *l) {
    uint32_t line = l->line;
    size_t depth = 1;
    l->p += 2;
    while (depth > 0) {
        if (is_at_end(l)) return sqlerror_set(l->e, 113, 1, line, "Missing end comment mark '*/'.");
        if (*l->p == '\n') l->line++;
        if (*l->p == '/' && peek(l, 1) == '*') {
            depth++;
            l->p++;
        } else if (*l->p == '*' && peek(l, 1) == '/') {
            depth--;
            l->p++;
        }
        l->p++;
    }
    return true;
}

static bool is_blank(const Lexer *l) {
    unsigned char c = (unsigned char)*l->p;
    return c <= ' ' || (c == 0xC2 && (unsigned char)peek(l, 1) == 0xA0) ||
           (c == 0xEF && (unsigned char)peek(l, 1) == 0xBB && (unsigned char)peek(l, 2) == 0xBF);
}

static bool skip_blanks(Lexer *l) {
    while (!is_at_end(l)) {
        if (*l->p == '\n') {
            l->line++;
            l->at_line_start = true;
            l->p++;
        } else if (is_blank(l)) {
            unsigned char c = (unsigned char)*l->p;
            l->p += c == 0xC2 ? 2 : c == 0xEF ? 3 : 1;
        } else if (*l->p == '-' && peek(l, 1) == '-') {
            while (!is_at_end(l) && *l->p != '\n') l->p++;
        } else if (*l->p == '/' && peek(l, 1) == '*') {
            if (!skip_comment(l)) return false;
        } else {
            return true;
        }
    }
    return true;
}

/* The content between l->p and the closing quote, doubled ones undone. */
static bool quoted(Lexer *l, char close, Str *ret) {
    const char *from = l->p;
    uint32_t line = l->line;
    size_t doubled = 0;
    for (;;) {
        const char *hit = l->p == l->end ? NULL : memchr(l->p, close, (size_t)(l->end - l->p));
        if (!hit) {
            Str rest = {from, (size_t)(l->end - from)};
            return sqlerror_set(l->e, 105, 1, line,
                                "Unclosed quotation mark after the character string '%.*s'.",
                                (int)(rest.n > 250 ? 250 : rest.n), rest.n ? rest.p : "");
        }
        for (const char *p = l->p; p < hit; p++) l->line += *p == '\n';
        l->p = hit + 1;
        if (is_at_end(l) || *l->p != close) break;
        doubled++;
        l->p++;
    }
    size_t n = (size_t)(l->p - 1 - from);
    *ret = (Str){from, n};
    if (doubled == 0) return true;
    char *out = arena_bytes(l->a, n - doubled);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        out[at++] = from[i];
        if (from[i] == close) i++;
    }
    *ret = (Str){out, at};
    return true;
}

static bool check_name(Lexer *l, Str name, uint32_t line) {
    if (name.n <= LEXER_MAX_NAME_UNITS || wtf8_units(name) <= LEXER_MAX_NAME_UNITS) return true;
    return sqlerror_set(l->e, 103, 4, line,
                        "The identifier that starts with '%.*s' is too long. Maximum length is 128.", 128,
                        name.p);
}

static bool quoted_token(Lexer *l, TokenKind kind, const char *from, char close) {
    uint32_t line = l->line;
    Str value;
    if (!quoted(l, close, &value)) return false;
    if (kind == TOKEN_QUOTED) {
        if (!check_name(l, value, line)) return false;
        if (value.n == 0)
            return sqlerror_set(l->e, 1038, 4, line,
                                "An object or column name is missing or empty. For SELECT INTO statements, "
                                "verify each column has a name. For other statements, look for empty alias "
                                "names. Aliases defined as \"\" or [] are not allowed. Change the alias to a "
                                "valid name.");
    }
    add(l, kind, from, line)->value = value;
    return true;
}

static uint8_t hex_value(char c) {
    return (uint8_t)(is_digit(c) ? c - '0' : upper(c) - 'A' + 10);
}

/* 0x and any number of digits; an odd number gets a zero in front. A backslash at a line's end goes on. */
static void binary(Lexer *l) {
    const char *from = l->p;
    l->p += 2;
    const char *digits = l->p;
    while (!is_at_end(l) && is_hex(*l->p)) l->p++;
    size_t n = (size_t)(l->p - digits);
    uint8_t *bytes = (uint8_t *)arena_bytes(l->a, n / 2 + 1);
    size_t at = 0, i = 0;
    if (n % 2) bytes[at++] = hex_value(digits[i++]);
    for (; i < n; i += 2) bytes[at++] = (uint8_t)(hex_value(digits[i]) << 4 | hex_value(digits[i + 1]));
    add(l, TOKEN_BINARY, from, l->line)->value = (Str){(const char *)bytes, at};
}

static void number(Lexer *l) {
    const char *from = l->p;
    TokenKind kind = TOKEN_INTEGER;
    while (!is_at_end(l) && is_digit(*l->p)) l->p++;
    if (peek(l, 0) == '.') {
        kind = TOKEN_DECIMAL;
        l->p++;
        while (!is_at_end(l) && is_digit(*l->p)) l->p++;
    }
    if (upper(peek(l, 0)) == 'E') { /* "1e" alone is 1e0, as there */
        kind = TOKEN_FLOAT;
        l->p++;
        if (peek(l, 0) == '+' || peek(l, 0) == '-') l->p++;
        while (!is_at_end(l) && is_digit(*l->p)) l->p++;
    }
    (void)add(l, kind, from, l->line);
}

static void money(Lexer *l) {
    const char *from = l->p++;
    if (peek(l, 0) == '-' || peek(l, 0) == '+') l->p++;
    while (!is_at_end(l) && (is_digit(*l->p) || *l->p == '.')) l->p++;
    Token *t = add(l, TOKEN_MONEY, from, l->line);
    t->value = str_sub(t->text, 1, t->text.n - 1);
}

static bool word(Lexer *l) {
    const char *from = l->p;
    while (!is_at_end(l) && is_name_part(*l->p)) l->p++;
    Str text = {from, (size_t)(l->p - from)};
    if (!check_name(l, text, l->line)) return false;
    LexerKeyword keyword = lexer_keyword(text);
    add(l, keyword == KW_NONE ? TOKEN_WORD : TOKEN_KEYWORD, from, l->line)->keyword = keyword;
    return true;
}

static bool variable(Lexer *l) {
    const char *from = l->p;
    bool is_global = peek(l, 1) == '@';
    l->p += is_global ? 2 : 1;
    while (!is_at_end(l) && is_name_part(*l->p)) l->p++;
    Str text = {from, (size_t)(l->p - from)};
    if (!check_name(l, text, l->line)) return false;
    (void)add(l, is_global ? TOKEN_GLOBAL : TOKEN_VARIABLE, from, l->line);
    return true;
}

static bool is_pair(char a, char b) {
    switch (a) {
    case '<': return b == '=' || b == '>';
    case '>': return b == '=';
    case '!': return b == '=' || b == '<' || b == '>';
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '&':
    case '|':
    case '^': return b == '=';
    case ':': return b == ':';
    default: return false;
    }
}

static bool symbol(Lexer *l) {
    const char *from = l->p;
    char c = *l->p++;
    if (is_pair(c, peek(l, 0))) {
        l->p++;
        add(l, TOKEN_SYMBOL, from, l->line)->symbol = LEXER_PAIR(c, from[1]);
        return true;
    }
    if (!strchr("()+-*/%&|^~=<>,.;:", c))
        return sqlerror_set(l->e, 102, 1, l->line, "Incorrect syntax near '%c'.", c);
    add(l, TOKEN_SYMBOL, from, l->line)->symbol = (uint16_t)c;
    return true;
}

static bool next(Lexer *l) {
    const char *from = l->p;
    char c = *l->p, c1 = peek(l, 1);
    if (c == '\'') {
        l->p++;
        return quoted_token(l, TOKEN_STRING, from, '\'');
    }
    if (upper(c) == 'N' && c1 == '\'') {
        l->p += 2;
        return quoted_token(l, TOKEN_NSTRING, from, '\'');
    }
    if (c == '[') {
        l->p++;
        return quoted_token(l, TOKEN_QUOTED, from, ']');
    }
    if (c == '"') {
        l->p++;
        return quoted_token(l, l->quoted_identifier ? TOKEN_QUOTED : TOKEN_STRING, from, '"');
    }
    if (c == '0' && upper(c1) == 'X') return binary(l), true;
    if (is_digit(c) || (c == '.' && is_digit(c1))) return number(l), true;
    if (c == '$' && is_name_start(c1)) return word(l); /* $action, $identity */
    if (c == '$') return money(l), true;
    if (c == '@') return variable(l);
    if (is_name_start(c)) return word(l);
    return symbol(l);
}

bool lexer_tokens(Str text, bool quoted_identifier, Arena *a, Token **ret, size_t *ret_count, SqlError *e) {
    const char *start = text.n ? text.p : "";
    Lexer l = {.p = start,
               .end = start + text.n,
               .line = 1,
               .quoted_identifier = quoted_identifier,
               .at_line_start = true,
               .a = a,
               .e = e};
    for (;;) {
        if (!skip_blanks(&l)) return false;
        if (is_at_end(&l)) break;
        if (!next(&l)) return false;
    }
    (void)add(&l, TOKEN_END, l.p, l.line);
    *ret = l.tokens;
    *ret_count = l.count;
    return true;
}
