#include "standin/tsql/expr_text.h"

#include <stdio.h>

#include "standin/types/convert.h"

/* How closely an operator binds. */
typedef enum Level {
    LEVEL_OR = 1,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE,
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_ATOM
} Level;

static bool write(const AstExpr *x, Level least, Buf *out);

static void quoted_name(Str name, Buf *out) {
    buf_u8(out, '[');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == ']') buf_u8(out, ']');
        buf_u8(out, (uint8_t)name.p[i]);
    }
    buf_u8(out, ']');
}

static void lower(Str s, Buf *out) {
    for (size_t i = 0; i < s.n; i++)
        buf_u8(out, (uint8_t)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] - 'A' + 'a' : s.p[i]));
}

/* ---- leaves ---- */

static bool literal(const AstExpr *x, bool is_negative, Buf *out) {
    const Type *t = &x->u.literal.type;
    const Value *v = &x->u.literal.value;
    ConvertError ignored;
    if (v->kind == VALUE_NULL) {
        buf_cstr(out, "NULL");
        return !is_negative;
    }
    switch (t->id) {
    case TYPE_INT:
    case TYPE_DECIMAL:
    case TYPE_NUMERIC:
        buf_cstr(out, is_negative ? "(-" : "(");
        if (!convert_to_text(t, *v, CONVERT_STYLE_DEFAULT, out, &ignored)) return false;
        buf_cstr(out, t->id != TYPE_INT && t->scale == 0 ? ".)" : ")"); /* past int's range: (3147483648.) */
        return true;
    case TYPE_FLOAT: buf_printf(out, "(%s%.16e)", is_negative ? "-" : "", v->v.d); return true;
    case TYPE_VARCHAR:
    case TYPE_NVARCHAR:
        buf_cstr(out, t->id == TYPE_NVARCHAR ? "N'" : "'");
        for (size_t i = 0; i < v->v.s.n; i++) {
            if (v->v.s.p[i] == '\'') buf_u8(out, '\'');
            buf_u8(out, (uint8_t)v->v.s.p[i]);
        }
        buf_u8(out, '\'');
        return !is_negative;
    case TYPE_VARBINARY:
        buf_cstr(out, "0x");
        for (size_t i = 0; i < v->v.s.n; i++) buf_printf(out, "%02X", (uint8_t)v->v.s.p[i]);
        return !is_negative;
    default: return false;
    }
}

static bool column(const AstName *n, Buf *out) {
    Str parts[] = {n->server, n->database, n->schema};
    for (size_t i = 0; i < 3; i++) {
        if (!parts[i].n) continue;
        quoted_name(parts[i], out);
        buf_u8(out, '.');
    }
    quoted_name(n->name, out);
    return true;
}

/* [nvarchar](40) */
static void type(const AstType *t, Buf *out) {
    Buf full = {0};
    type_format(&t->type, &full);
    Str name = buf_view(&full), rest = {0};
    size_t at = str_find(name, '(');
    if (at < name.n) {
        rest = str_sub(name, at, name.n - at);
        name.n = at;
    }
    quoted_name(name, out);
    if (t->has_length) buf_str(out, rest);
    buf_done(&full);
}

/* ---- operators ---- */

static const char *sign_of(AstOp op) {
    static const char *const signs[] = {
        [OP_ADD] = "+", [OP_SUB] = "-",     [OP_MUL] = "*",     [OP_DIV] = "/",
        [OP_MOD] = "%", [OP_BIT_AND] = "&", [OP_BIT_OR] = "|",  [OP_EQ] = "=",
        [OP_NE] = "<>", [OP_LT] = "<",      [OP_LE] = "<=",     [OP_BIT_XOR] = "^",
        [OP_GT] = ">",  [OP_GE] = ">=",     [OP_AND] = " AND ", [OP_OR] = " OR "};
    return op < sizeof signs / sizeof *signs ? signs[op] : NULL;
}

static Level level_of(AstOp op) {
    switch (op) {
    case OP_OR: return LEVEL_OR;
    case OP_AND: return LEVEL_AND;
    case OP_MUL:
    case OP_DIV:
    case OP_MOD: return LEVEL_PRODUCT;
    default: return op >= OP_EQ ? LEVEL_COMPARE : LEVEL_SUM;
    }
}

static bool binary(const AstExpr *x, Buf *out) {
    AstOp op = x->u.binary.op;
    Level level = level_of(op);
    const char *sign = sign_of(op);
    if (!sign || !write(x->u.binary.left, level, out)) return false;
    buf_cstr(out, sign);
    /* A chain of these needs no parentheses on the right either. */
    bool is_logical = op == OP_AND || op == OP_OR;
    return write(x->u.binary.right, is_logical ? level : (Level)(level + 1), out);
}

static bool unary(const AstExpr *x, Buf *out) {
    const AstExpr *operand = x->u.unary.operand;
    switch (x->u.unary.op) {
    case OP_NEGATE:
        if (operand->kind == EXPR_LITERAL) return literal(operand, /* is_negative= */ true, out);
        buf_u8(out, '-');
        return write(operand, LEVEL_ATOM, out);
    case OP_PLUS: return write(operand, LEVEL_ATOM, out);
    case OP_BIT_NOT: buf_u8(out, '~'); return write(operand, LEVEL_ATOM, out);
    default: buf_cstr(out, "NOT "); return write(operand, LEVEL_COMPARE, out);
    }
}

/* x IN (a, b) is [x]=b OR [x]=a; with NOT, the negation of that. */
static bool in_list(const AstExpr *x, Buf *out) {
    if (x->u.in.query) return false;
    if (x->u.in.is_not) buf_cstr(out, "NOT (");
    for (size_t i = x->u.in.count; i-- > 0;) {
        if (!write(x->u.in.operand, LEVEL_SUM, out)) return false;
        buf_u8(out, '=');
        if (!write(x->u.in.list[i], LEVEL_SUM, out)) return false;
        if (i) buf_cstr(out, " OR ");
    }
    if (x->u.in.is_not) buf_u8(out, ')');
    return true;
}

static bool between(const AstExpr *x, Buf *out) {
    if (x->u.between.is_not) buf_cstr(out, "NOT (");
    if (!write(x->u.between.operand, LEVEL_SUM, out)) return false;
    buf_cstr(out, ">=");
    if (!write(x->u.between.low, LEVEL_SUM, out)) return false;
    buf_cstr(out, " AND ");
    if (!write(x->u.between.operand, LEVEL_SUM, out)) return false;
    buf_cstr(out, "<=");
    if (!write(x->u.between.high, LEVEL_SUM, out)) return false;
    if (x->u.between.is_not) buf_u8(out, ')');
    return true;
}

static bool like(const AstExpr *x, Buf *out) {
    if (x->u.like.is_not) buf_cstr(out, "NOT ");
    if (!write(x->u.like.operand, LEVEL_SUM, out)) return false;
    buf_cstr(out, " like ");
    if (!write(x->u.like.pattern, LEVEL_SUM, out)) return false;
    if (!x->u.like.escape) return true;
    buf_cstr(out, " escape ");
    return write(x->u.like.escape, LEVEL_SUM, out);
}

/* ---- CASE, CAST, calls ---- */

static bool case_expr(const AstExpr *x, Buf *out) {
    buf_cstr(out, "case ");
    if (x->u.case_.operand) {
        if (!write(x->u.case_.operand, LEVEL_OR, out)) return false;
        buf_u8(out, ' ');
    }
    for (size_t i = 0; i < x->u.case_.count; i++) {
        buf_cstr(out, "when ");
        if (!write(x->u.case_.whens[i].when, LEVEL_OR, out)) return false;
        buf_cstr(out, " then ");
        if (!write(x->u.case_.whens[i].then, LEVEL_OR, out)) return false;
        buf_u8(out, ' ');
    }
    if (x->u.case_.otherwise) {
        buf_cstr(out, "else ");
        if (!write(x->u.case_.otherwise, LEVEL_OR, out)) return false;
        buf_u8(out, ' ');
    }
    buf_cstr(out, "end");
    return true;
}

static bool cast(const AstExpr *x, Buf *out) {
    if (x->u.cast.is_parse) return false;
    buf_cstr(out, x->u.cast.is_try ? "TRY_CONVERT(" : "CONVERT(");
    type(&x->u.cast.to, out);
    buf_u8(out, ',');
    if (!write(x->u.cast.operand, LEVEL_OR, out)) return false;
    if (x->u.cast.style) {
        buf_u8(out, ',');
        if (!write(x->u.cast.style, LEVEL_OR, out)) return false;
    }
    buf_u8(out, ')');
    return true;
}

/* COALESCE(a, b) is case when [a] IS NOT NULL then [a] else [b] end. */
static bool coalesce(const AstCall *c, Buf *out) {
    buf_cstr(out, "case ");
    for (size_t i = 0; i + 1 < c->arg_count; i++) {
        buf_cstr(out, "when ");
        if (!write(c->args[i], LEVEL_SUM, out)) return false;
        buf_cstr(out, " IS NOT NULL then ");
        if (!write(c->args[i], LEVEL_OR, out)) return false;
        buf_u8(out, ' ');
    }
    buf_cstr(out, "else ");
    if (!write(c->args[c->arg_count - 1], LEVEL_OR, out)) return false;
    buf_cstr(out, " end");
    return true;
}

/* Words that are calls without parentheses. */
static const char *niladic(Str name) {
    static const struct {
        const char *word, *call;
    } words[] = {{"CURRENT_TIMESTAMP", "getdate()"},
                 {"CURRENT_USER", "user_name()"},
                 {"SESSION_USER", "user_name()"},
                 {"USER", "user_name()"},
                 {"SYSTEM_USER", "suser_sname()"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq_icase(name, str_from(words[i].word))) return words[i].call;
    return NULL;
}

static bool call(const AstExpr *x, Buf *out) {
    const AstCall *c = &x->u.call;
    const char *word = c->arg_count || c->name.schema.n ? NULL : niladic(c->name.name);
    if (c->is_star || c->is_distinct || c->over || c->within_count) return false;
    if (word) return buf_cstr(out, word), true;
    if (c->arg_count > 1 && !c->name.schema.n && str_eq_icase(c->name.name, STR_LIT("COALESCE")))
        return coalesce(c, out);
    if (c->name.schema.n) (void)column(&c->name, out);
    else lower(c->name.name, out);
    buf_u8(out, '(');
    if (c->datepart.n) {
        lower(c->datepart, out);
        buf_u8(out, ',');
    }
    for (size_t i = 0; i < c->arg_count; i++) {
        if (i) buf_u8(out, ',');
        if (!write(c->args[i], LEVEL_OR, out)) return false;
    }
    buf_u8(out, ')');
    return true;
}

/* ---- any ---- */

/* A minus next to another would begin a comment: a negation stands in parentheses after any operator. */
static Level unary_level(const AstExpr *x) {
    if (x->u.unary.op == OP_NOT) return LEVEL_NOT;
    bool is_number = x->u.unary.operand->kind == EXPR_LITERAL;
    return x->u.unary.op == OP_NEGATE && !is_number ? LEVEL_SUM : LEVEL_ATOM;
}

static Level own_level(const AstExpr *x) {
    switch (x->kind) {
    case EXPR_BINARY: return level_of(x->u.binary.op);
    case EXPR_UNARY: return unary_level(x);
    case EXPR_IN: return x->u.in.is_not ? LEVEL_NOT : x->u.in.count > 1 ? LEVEL_OR : LEVEL_COMPARE;
    case EXPR_BETWEEN: return x->u.between.is_not ? LEVEL_NOT : LEVEL_AND;
    case EXPR_LIKE: return x->u.like.is_not ? LEVEL_NOT : LEVEL_COMPARE;
    case EXPR_IS_NULL: return LEVEL_COMPARE;
    default: return LEVEL_ATOM;
    }
}

static bool bare(const AstExpr *x, Buf *out) {
    switch (x->kind) {
    case EXPR_LITERAL: return literal(x, /* is_negative= */ false, out);
    case EXPR_COLUMN: return column(&x->u.column, out);
    case EXPR_UNARY: return unary(x, out);
    case EXPR_BINARY: return binary(x, out);
    case EXPR_IS_NULL:
        if (!write(x->u.is_null.operand, LEVEL_SUM, out)) return false;
        buf_cstr(out, x->u.is_null.is_not ? " IS NOT NULL" : " IS NULL");
        return true;
    case EXPR_IN: return in_list(x, out);
    case EXPR_BETWEEN: return between(x, out);
    case EXPR_LIKE: return like(x, out);
    case EXPR_CASE: return case_expr(x, out);
    case EXPR_CAST: return cast(x, out);
    case EXPR_CALL: return call(x, out);
    case EXPR_COLLATE:
        if (!write(x->u.collate.operand, LEVEL_ATOM, out)) return false;
        buf_printf(out, " collate " STR_FMT, STR_ARG(x->u.collate.collation));
        return true;
    default: return false;
    }
}

/* In parentheses where it binds less closely than what is around it. */
static bool write(const AstExpr *x, Level least, Buf *out) {
    bool is_loose = own_level(x) < least;
    if (is_loose) buf_u8(out, '(');
    if (!bare(x, out)) return false;
    if (is_loose) buf_u8(out, ')');
    return true;
}

bool exprtext_write(const AstExpr *x, Buf *out) {
    return write(x, LEVEL_OR, out);
}
