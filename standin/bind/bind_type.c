/*
 * T-SQL's type rules: what is converted to what, the types of arithmetic, comparison and common types.
 * A constant is converted here and now; when that fails, the call stays in the SQL and fails when it runs,
 * which is when SQL Server reports it.
 */
#include <stdio.h>
#include <string.h>

#include "standin/bind/bind_internal.h"
#include "standin/bind/typecode.h"
#include "standin/types/collation.h"
#include "standin/types/convert.h"
#include "standin/types/decimal.h"
#include "standin/types/variant.h"
#include "standin/types/wtf8.h"

/* ---- constants ---- */

Bx bindtype_constant(Binder *b, Type type, Value v) {
    return (Bx){.sql = sql_value(b, &type, v),
                .type = type,
                .is_nullable = v.kind == VALUE_NULL,
                .is_constant = true,
                .value = v};
}

Bx bindtype_null(Binder *b) {
    return bindtype_constant(b, (Type){.id = TYPE_NULL}, (Value){0});
}

const Sql *bindtype_code(Binder *b, const Type *t) {
    return sql_printf(b, "%lld", (long long)typecode_of(t));
}

static uint16_t collation_of(const Binder *b, const Type *t) {
    return t->collation ? t->collation : b->host->default_collation;
}

void bindtype_settle(const Binder *b, Type *t) {
    if (type_is_text(t->id)) t->collation = collation_of(b, t);
}

const char *bindtype_collate(Binder *b, const Type *t) {
    if (t->id == TYPE_SQL_VARIANT) return " COLLATE \"" VARIANT_COLLATION "\"";
    if (!type_is_text(t->id)) return "";
    return arena_printf(b->a, " COLLATE \"%s\"", collation_get(collation_of(b, t))->name);
}

const Sql *bindtype_sortable(Binder *b, const Bx *x) {
    if (x->type.id == TYPE_DATETIMEOFFSET) return SQL_OF(b, "substr(@,1,8)", x->sql);
    const char *collate = bindtype_collate(b, &x->type);
    return *collate ? SQL_OF(b, "@@", x->sql, sql_text(b, collate)) : x->sql;
}

/* ---- conversion ---- */

static bool is_small_decimal(const Type *t) {
    return (t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC) && t->precision <= 18;
}

static bool is_decimal(TypeId id) {
    return id == TYPE_DECIMAL || id == TYPE_NUMERIC;
}

static int integer_digits(TypeId id) {
    switch (id) {
    case TYPE_BIT: return 1;
    case TYPE_TINYINT: return 3;
    case TYPE_SMALLINT: return 5;
    case TYPE_INT: return 10;
    default: return 19;
    }
}

static bool fits_length(const Type *from, const Type *to) {
    return to->length == TYPE_MAX_LENGTH || (from->length != TYPE_MAX_LENGTH && from->length <= to->length);
}

/* varchar's characters are a subset of nvarchar's; n bytes of it are at most n units. */
static bool is_same_text(const Type *from, const Type *to) {
    bool is_old = from->id == TYPE_TEXT || from->id == TYPE_NTEXT || from->id == TYPE_XML;
    bool to_old = to->id == TYPE_TEXT || to->id == TYPE_NTEXT || to->id == TYPE_XML;
    if (is_old || to_old) return from->id == to->id;
    if (type_is_unicode(from->id) && !type_is_unicode(to->id)) return false;
    bool is_bytes = !type_is_unicode(from->id) && !type_is_unicode(to->id);
    if (is_bytes && collation_get(from->collation)->code_page != collation_get(to->collation)->code_page)
        return false;
    bool is_fixed = to->id == TYPE_CHAR || to->id == TYPE_NCHAR;
    if (is_fixed) return from->id == to->id && from->length == to->length;
    return fits_length(from, to);
}

bool bindtype_is_same_form(const Type *from, const Type *to) {
    if (from->id == TYPE_NULL) return true;
    if (type_is_text(from->id) && type_is_text(to->id)) return is_same_text(from, to);
    if (type_is_integer(from->id) && type_is_integer(to->id))
        return integer_digits(from->id) <= integer_digits(to->id);
    if (type_is_integer(from->id) && is_small_decimal(to))
        return to->scale == 0 && integer_digits(from->id) <= to->precision;
    if (is_decimal(from->id) && is_decimal(to->id))
        return from->scale == to->scale && from->precision <= to->precision &&
               is_small_decimal(from) == is_small_decimal(to);
    if (type_is_binary(from->id) && to->id == TYPE_VARBINARY) return fits_length(from, to);
    if (from->id == TYPE_REAL && to->id == TYPE_FLOAT) return true;
    if (from->id != to->id) return false;
    if (from->id == TYPE_BINARY) return from->length == to->length;
    return from->scale <= to->scale;
}

static bool check_rule(Binder *b, const Type *from, const Type *to, BindMode mode, uint32_t line) {
    if (from->id == TYPE_NULL) return true;
    bool is_explicit = mode == MODE_EXPLICIT;
    if (convert_is_allowed(from, to, is_explicit)) return true;
    ConvertError e;
    convert_refuse(from, to, is_explicit, &e);
    return sqlerror_from_convert(b->e, &e, line);
}

/* Fold, if it succeeds. */
static bool fold(Binder *b, const Convert *c, const Bx *x, Bx *ret) {
    ConvertError e;
    Value v;
    if (!x->is_constant || !convert_value(c, x->value, b->a, &v, &e)) return false;
    *ret = bindtype_constant(b, c->to, v);
    ret->rank = x->rank;
    return true;
}

/* ---- undeclared parameters (sp_describe_undeclared_parameters, "Parameter Selection Algorithm") ---- */

/* Of a family only one type is considered where deduction is general. */
static Type considered(const Type *t) {
    switch (t->id) {
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return (Type){.id = TYPE_NUMERIC, .precision = 38, .scale = 19};
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_TEXT:
        return (Type){.id = TYPE_VARCHAR, .length = t->length == TYPE_MAX_LENGTH ? TYPE_MAX_LENGTH : 8000};
    case TYPE_NCHAR:
    case TYPE_NVARCHAR:
    case TYPE_NTEXT:
        return (Type){.id = TYPE_NVARCHAR, .length = t->length == TYPE_MAX_LENGTH ? TYPE_MAX_LENGTH : 4000};
    case TYPE_BINARY:
    case TYPE_VARBINARY:
    case TYPE_ROWVERSION:
    case TYPE_IMAGE:
        return (Type){.id = TYPE_VARBINARY, .length = t->length == TYPE_MAX_LENGTH ? TYPE_MAX_LENGTH : 8000};
    case TYPE_TIME:
    case TYPE_DATETIME2:
    case TYPE_DATETIMEOFFSET: return (Type){.id = t->id, .scale = 7};
    default: return *t;
    }
}

void bindtype_deduce(Binder *b, Bx *x, const Type *type, bool is_exact) {
    if (x->undeclared.n == 0 || type->id == TYPE_NULL) return;
    Type as = is_exact ? *type : considered(type);
    b->host->deduce(b->host->data, x->undeclared, &as);
    x->undeclared = (Str){0};
}

/* Each operand tells the other's type; false: neither does. */
static bool deduce_from_each_other(Binder *b, Bx *left, Bx *right, bool is_exact, uint32_t line) {
    if (left->undeclared.n > 0 && right->undeclared.n > 0)
        return sqlerror_set(b->e, 11503, 1, line,
                            "The parameter type cannot be deduced because a single expression contains two "
                            "untyped parameters, '%.*s' and '%.*s'.",
                            STR_ARG(left->undeclared), STR_ARG(right->undeclared));
    bindtype_deduce(b, left, &right->type, is_exact);
    bindtype_deduce(b, right, &left->type, is_exact);
    return true;
}

static void keep_collation(const Bx *x, Type *to) {
    if (type_is_text(to->id) && type_is_text(x->type.id) && to->collation == 0)
        to->collation = x->type.collation;
}

/* A variant keeps its text's collation: by name from here on. */
static void settle_collation(Binder *b, const Type *to, Bx *x) {
    if (to->id == TYPE_SQL_VARIANT && type_is_text(x->type.id)) x->type.collation = collation_of(b, &x->type);
}

/* The style of a conversion that names none: text becomes a date in SET DATEFORMAT's order. */
static int date_style(const Binder *b, const Type *from, const Type *to) {
    bool is_read = type_is_text(from->id) && type_is_temporal(to->id);
    return is_read && b->host->date_style ? b->host->date_style : CONVERT_STYLE_DEFAULT;
}

bool bindtype_convert(Binder *b, Bx x, const Type *to, BindMode mode, uint32_t line, Bx *ret) {
    Type target = *to;
    Type shortest = *to; /* a function's parameter says no more than the family */
    if (to->length == TYPE_MAX_LENGTH) shortest.length = 1;
    bindtype_deduce(b, &x, mode == MODE_ASSIGN ? to : &shortest, mode == MODE_ASSIGN);
    settle_collation(b, to, &x);
    if (!check_rule(b, &x.type, to, mode, line)) return false;
    if (mode != MODE_ASSIGN) keep_collation(&x, &target);
    bindtype_settle(b, &target);
    if (bindtype_is_same_form(&x.type, &target)) {
        *ret = x;
        ret->type = target;
        if (x.is_constant) ret->sql = sql_value(b, &target, x.value);
        return true;
    }
    Convert c = {.from = x.type, .to = target, .style = date_style(b, &x.type, &target)};
    if (fold(b, &c, &x, ret)) return true;
    *ret = (Bx){
        .sql = SQL_OF(b, "ts_convert(@,@,@@)", x.sql, bindtype_code(b, &x.type), bindtype_code(b, &target),
                      c.style == CONVERT_STYLE_DEFAULT ? sql_text(b, "") : sql_printf(b, ",%d", c.style)),
        .type = target,
        .is_nullable = x.is_nullable,
        .rank = x.rank};
    return true;
}

bool bindtype_assign(Binder *b, Bx x, const BindRelation *r, size_t column, uint32_t line, Bx *ret) {
    const BindColumn *c = &r->columns[column];
    bindtype_deduce(b, &x, &c->type, /* is_exact= */ true);
    settle_collation(b, &c->type, &x);
    if (!check_rule(b, &x.type, &c->type, MODE_ASSIGN, line)) return false;
    if (date_style(b, &x.type, &c->type) != CONVERT_STYLE_DEFAULT &&
        !bindtype_convert(b, x, &c->type, MODE_ASSIGN, line, &x))
        return false;
    if (bindtype_is_same_form(&x.type, &c->type)) {
        *ret = x;
        ret->type = c->type;
        if (x.is_constant) ret->sql = sql_value(b, &c->type, x.value);
        return true;
    }
    Convert convert = {.from = x.type, .to = c->type, .style = CONVERT_STYLE_DEFAULT, .is_assignment = true};
    if (fold(b, &convert, &x, ret)) return true;
    Str table = str_from(
        arena_printf(b->a, "%.*s.%.*s.%.*s", STR_ARG(r->database), STR_ARG(r->schema), STR_ARG(r->name)));
    *ret = (Bx){.sql = SQL_OF(b, "ts_assign(@,@,@,@,@)", x.sql, bindtype_code(b, &x.type),
                              bindtype_code(b, &c->type), sql_quoted(b, table), sql_quoted(b, c->name)),
                .type = c->type,
                .is_nullable = x.is_nullable};
    return true;
}

/* The value is shown as far as the column would have taken it. */
void bindtype_truncated(SqlError *e, const Type *to, Value v, const char *table, Str column) {
    Str text = v.kind == VALUE_TEXT ? v.v.s : (Str){0};
    Arena a = {0};
    if (text.n && to->length > 0 && type_is_text(to->id))
        text = type_is_unicode(to->id)
                   ? wtf8_prefix(text, (size_t)to->length, &a)
                   : collation_prefix(collation_get(to->collation), text, (size_t)to->length);
    if (text.n > 100) text = wtf8_prefix(text, 100, &a);
    (void)snprintf(
        e->text, sizeof e->text,
        "String or binary data would be truncated in table '%s', column '%.*s'. Truncated value: '%.*s'.",
        table, STR_ARG(column), STR_ARG(text));
    arena_done(&a);
}

/* CAST's default length is 30 where a declaration's is 1. */
static Type cast_type(const AstType *t) {
    Type to = t->type;
    bool takes_length = type_is_text(to.id) || type_is_binary(to.id);
    if (takes_length && !t->has_length && !to.is_sysname && to.length == 1) to.length = 30;
    return to;
}

bool bindtype_cast(Binder *b, const AstExpr *x, Bx operand, Bx *ret) {
    Type to = cast_type(&x->u.cast.to);
    bindtype_deduce(b, &operand, &to, /* is_exact= */ true);
    if (!check_rule(b, &operand.type, &to, MODE_EXPLICIT, x->line)) return false;
    keep_collation(&operand, &to);
    bindtype_settle(b, &to);
    settle_collation(b, &to, &operand);
    int style = date_style(b, &operand.type, &to);
    const Sql *style_sql = sql_printf(b, "%d", style);
    bool is_style_known = true;
    if (x->u.cast.style) {
        Bx s;
        Type int_type = {.id = TYPE_INT};
        if (!bindexpr_value(b, x->u.cast.style, &s) ||
            !bindtype_convert(b, s, &int_type, MODE_IMPLICIT, x->line, &s))
            return false;
        style_sql = s.sql;
        is_style_known = s.is_constant && s.value.kind == VALUE_INT;
        if (is_style_known) style = (int)s.value.v.i;
    }
    bool is_plain = style == CONVERT_STYLE_DEFAULT && is_style_known;
    bool is_try = x->u.cast.is_try;
    Convert c = {.from = operand.type, .to = to, .style = style};
    if (is_style_known && fold(b, &c, &operand, ret)) return true;
    *ret = (Bx){.type = to, .is_nullable = operand.is_nullable || is_try, .rank = operand.rank};
    if (is_plain && bindtype_is_same_form(&operand.type, &to)) {
        ret->sql = operand.sql;
        return true;
    }
    ret->sql = SQL_OF(b, is_try ? "ts_try_convert(@,@,@,@)" : "ts_convert(@,@,@,@)", operand.sql,
                      bindtype_code(b, &operand.type), bindtype_code(b, &to), style_sql);
    return true;
}

/* ---- common types ---- */

static Type as_common(const Type *t) {
    return t->id == TYPE_ROWVERSION ? (Type){.id = TYPE_BINARY, .length = 8} : *t;
}

/* Two implicit collations make a value without one: an error where it stands in the select list (451, and 457
 * where UNION ALL would have to convert it); two explicit ones and comparisons are 468 at once. */
static bool refuse_collations(Binder *b, BxRank rank, uint16_t x, uint16_t y, const char *what,
                              uint32_t line) {
    const char *first = collation_get(x)->name, *second = collation_get(y)->name;
    bool is_value = strcmp(what, "add") == 0 || strcmp(what, "CASE") == 0;
    if (is_value && b->set_operator) what = b->set_operator;
    if (rank == RANK_EXPLICIT || !is_value || b->item == 0)
        return sqlerror_set(
            b->e, 468, 9, line,
            "Cannot resolve the collation conflict between \"%s\" and \"%s\" in the %s operation.", first,
            second, what);
    if (strcmp(what, "UNION ALL") == 0)
        return sqlerror_set(
            b->e, 457, 1, line,
            "Implicit conversion of varchar value to varchar cannot be performed because the "
            "collation of the value is unresolved due to a collation conflict between \"%s\" and "
            "\"%s\" in UNION ALL operator.",
            first, second);
    return sqlerror_set(
        b->e, 451, 1, line,
        "Cannot resolve collation conflict between \"%s\" and \"%s\" in %s operator occurring in "
        "SELECT statement column %zu.",
        first, second, what, b->item);
}

static bool merge_collation(Binder *b, const Bx *x, const Bx *y, const char *what, uint32_t line, Type *t,
                            BxRank *ret_rank) {
    *ret_rank = x->rank >= y->rank ? x->rank : y->rank;
    if (!type_is_text(t->id)) return true;
    bool has_x = type_is_text(x->type.id), has_y = type_is_text(y->type.id);
    if (!has_x || !has_y) {
        t->collation = has_x ? x->type.collation : has_y ? y->type.collation : 0;
        return true;
    }
    uint16_t cx = collation_of(b, &x->type), cy = collation_of(b, &y->type);
    if (x->rank == y->rank && x->rank != RANK_COERCIBLE && cx != cy)
        return refuse_collations(b, x->rank, cx, cy, what, line);
    t->collation = x->rank >= y->rank ? x->type.collation : y->type.collation;
    return true;
}

bool bindtype_text_collation(Binder *b, const Bx *x, const Bx *y, const char *what, uint32_t line,
                             Type *ret) {
    BxRank rank;
    *ret = (Type){.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH};
    if (!merge_collation(b, x, y, what, line, ret, &rank)) return false;
    bindtype_settle(b, ret);
    return true;
}

bool bindtype_common(Binder *b, Bx **items, size_t count, uint32_t line, Type *ret) {
    Type t = {.id = TYPE_NULL};
    Bx merged = bindtype_null(b);
    for (size_t i = 0; i < count; i++) {
        Type next = as_common(&items[i]->type);
        if (next.id == TYPE_NULL) continue;
        Type joined = t.id == TYPE_NULL ? next : convert_common_type(&t, &next);
        BxRank rank;
        merged.type = t;
        if (!merge_collation(b, &merged, items[i], "CASE", line, &joined, &rank)) return false;
        merged.rank = rank;
        t = joined;
    }
    for (size_t i = 0; t.id != TYPE_NULL && i < count; i++)
        if (!bindtype_convert(b, *items[i], &t, MODE_IMPLICIT, line, items[i])) return false;
    *ret = t;
    return true;
}

/* A shorter constant compares as padded with zeros. */
static void pad_binary(Binder *b, const Bx *fixed, Bx *x) {
    if (fixed->type.id != TYPE_BINARY && fixed->type.id != TYPE_ROWVERSION) return;
    if (!x->is_constant || x->value.kind != VALUE_BLOB) return;
    size_t n = (size_t)fixed->type.length, have = x->value.v.s.n;
    if (have >= n) return;
    char *bytes = arena_bytes(b->a, n);
    memset(bytes, 0, n);
    if (have) memcpy(bytes, x->value.v.s.p, have);
    *x = bindtype_constant(b, (Type){.id = TYPE_BINARY, .length = fixed->type.length},
                           VALUE_OF_BLOB(((Str){bytes, n})));
}

/* A constant that loses nothing as the other side's type is compared as that: the column stays as it is
 * stored, and an index can serve it. */
static void fit_constant(Binder *b, const Bx *other, Bx *x) {
    if (!x->is_constant || other->is_constant || x->value.kind == VALUE_NULL) return;
    if (!type_is_exact(x->type.id) || !type_is_exact(other->type.id) || other->type.id == TYPE_BIT) return;
    Convert there = {.from = x->type, .to = other->type, .style = CONVERT_STYLE_DEFAULT};
    Convert back = {.from = other->type, .to = x->type, .style = CONVERT_STYLE_DEFAULT};
    ConvertError e;
    Value v, again;
    if (!convert_value(&there, x->value, b->a, &v, &e) || !convert_value(&back, v, b->a, &again, &e)) return;
    if (convert_compare(&x->type, x->value, again) == 0) *x = bindtype_constant(b, other->type, v);
}

bool bindtype_unify(Binder *b, Bx *left, Bx *right, uint32_t line, const char *what,
                    const char **ret_collate) {
    *ret_collate = "";
    bool is_equality = str_eq_c(str_from(what), "equal to") || str_eq_c(str_from(what), "not equal to");
    if (!deduce_from_each_other(b, left, right, is_equality, line)) return false;
    Type l = as_common(&left->type), r = as_common(&right->type);
    if (l.id == TYPE_NULL || r.id == TYPE_NULL) return true;
    if (!bindcomparable_operator(b, &l, &r, what, line)) return false;
    fit_constant(b, left, right);
    fit_constant(b, right, left);
    l = as_common(&left->type);
    r = as_common(&right->type);
    Type t = convert_common_type(&l, &r);
    BxRank rank;
    if (!merge_collation(b, left, right, what, line, &t, &rank)) return false;
    bool is_text = type_is_text(l.id) && type_is_text(r.id);
    bool is_binary = type_is_binary(l.id) && type_is_binary(r.id);
    if (is_binary) {
        pad_binary(b, left, right);
        pad_binary(b, right, left);
    } else if (!is_text) { /* texts compare as they are, whatever their lengths */
        if (!bindtype_convert(b, *left, &t, MODE_IMPLICIT, line, left) ||
            !bindtype_convert(b, *right, &t, MODE_IMPLICIT, line, right))
            return false;
    }
    *ret_collate = bindtype_collate(b, &t);
    if (t.id == TYPE_DATETIMEOFFSET) {
        left->sql = SQL_OF(b, "substr(@,1,8)", left->sql);
        right->sql = SQL_OF(b, "substr(@,1,8)", right->sql);
    }
    return true;
}

static const char *const compare_names[] = {[OP_EQ] = "equal to",
                                            [OP_NE] = "not equal to",
                                            [OP_LT] = "less than",
                                            [OP_LE] = "less than or equal to",
                                            [OP_GT] = "greater than",
                                            [OP_GE] = "greater than or equal to",
                                            [OP_DISTINCT] = "is distinct from",
                                            [OP_NOT_DISTINCT] = "is not distinct from"};
static const char *const compare_signs[] = {
    [OP_EQ] = "=",  [OP_NE] = "<>",           [OP_LT] = "<",           [OP_LE] = "<=", [OP_GT] = ">",
    [OP_GE] = ">=", [OP_DISTINCT] = "IS NOT", [OP_NOT_DISTINCT] = "IS"};

bool bindtype_compare(Binder *b, AstOp op, Bx left, Bx right, uint32_t line, const Sql **ret) {
    const char *collate;
    if (!bindtype_unify(b, &left, &right, line, compare_names[op], &collate)) return false;
    const char *format = arena_printf(b->a, "(@ %s @%s)", compare_signs[op], collate);
    *ret = SQL_OF(b, format, left.sql, right.sql);
    return true;
}

/* ---- arithmetic ---- */

static const char *const op_names[] = {
    [OP_ADD] = "add",    [OP_SUB] = "subtract", [OP_MUL] = "multiply", [OP_DIV] = "divide",
    [OP_MOD] = "modulo", [OP_BIT_AND] = "'&'",  [OP_BIT_OR] = "'|'",   [OP_BIT_XOR] = "'^'"};

/* Two of one type: the type is at fault, but %, &, | and ^ always speak of both. */
static bool refuse_operands(Binder *b, AstOp op, const Bx *l, const Bx *r, uint32_t line) {
    bool is_sum = op == OP_ADD || op == OP_SUB || op == OP_MUL || op == OP_DIV;
    if (is_sum && l->type.id == r->type.id)
        return sqlerror_set(b->e, 8117, 1, line, "Operand data type %s is invalid for %s operator.",
                            type_name(l->type.id), op_names[op]);
    return sqlerror_set(b->e, 402, 1, line, "The data types %s and %s are incompatible in the %s operator.",
                        type_name(l->type.id), type_name(r->type.id), op_names[op]);
}

/* A literal counts with its own digits, a column with its type's. */
static Decimal shape(const Bx *x) {
    const Type *t = &x->type;
    if (is_decimal(t->id)) return (Decimal){0, t->precision, t->scale};
    if (t->id == TYPE_MONEY) return (Decimal){0, 19, 4};
    if (t->id == TYPE_SMALLMONEY) return (Decimal){0, 10, 4};
    uint8_t digits = (uint8_t)integer_digits(t->id);
    if (x->is_integer_literal && x->value.kind == VALUE_INT) {
        digits = 1;
        for (int64_t n = x->value.v.i; n >= 10 || n <= -10; n /= 10) digits++;
    }
    return (Decimal){0, digits, 0};
}

static Type decimal_result(AstOp op, const Bx *l, const Bx *r) {
    Decimal a = shape(l), c = shape(r);
    Decimal d = op == OP_MUL   ? decimal_multiply_type(a, c)
                : op == OP_DIV ? decimal_divide_type(a, c)
                : op == OP_MOD ? decimal_modulo_type(a, c)
                               : decimal_add_type(a, c);
    return (Type){.id =
                      l->type.id == TYPE_DECIMAL || r->type.id == TYPE_DECIMAL ? TYPE_DECIMAL : TYPE_NUMERIC,
                  .precision = d.precision,
                  .scale = d.scale};
}

static int32_t joined_length(const Type *l, const Type *r, int32_t most) {
    if (l->length == TYPE_MAX_LENGTH || r->length == TYPE_MAX_LENGTH) return TYPE_MAX_LENGTH;
    return l->length + r->length > most ? most : l->length + r->length;
}

static bool concatenate(Binder *b, Bx l, Bx r, uint32_t line, Bx *ret) {
    Type t = convert_common_type(&l.type, &r.type);
    BxRank rank;
    if (t.id == TYPE_TEXT || t.id == TYPE_NTEXT || t.id == TYPE_XML)
        return refuse_operands(b, OP_ADD, &l, &r, line);
    if (!merge_collation(b, &l, &r, "add", line, &t, &rank)) return false;
    t.id = type_is_unicode(t.id) ? TYPE_NVARCHAR : TYPE_VARCHAR;
    t.is_sysname = false;
    int32_t most = t.id == TYPE_NVARCHAR ? 4000 : 8000;
    bool may_exceed = l.type.length != TYPE_MAX_LENGTH && r.type.length != TYPE_MAX_LENGTH &&
                      l.type.length + r.type.length > most;
    t.length = joined_length(&l.type, &r.type, most);
    *ret = (Bx){.type = t, .is_nullable = l.is_nullable || r.is_nullable, .rank = rank};
    ret->sql = SQL_OF(b, "(@ || @)", l.sql, r.sql);
    if (may_exceed) {
        Type max = t;
        max.length = TYPE_MAX_LENGTH;
        ret->sql = SQL_OF(b, "ts_convert(@,@,@)", ret->sql, bindtype_code(b, &max), bindtype_code(b, &t));
    }
    return true;
}

static bool concatenate_bytes(Binder *b, Bx l, Bx r, Bx *ret) {
    Type t = {.id = TYPE_VARBINARY, .length = joined_length(&l.type, &r.type, 8000)};
    *ret = (Bx){.type = t,
                .sql = SQL_OF(b, "ts_concat_bytes(@,@)", l.sql, r.sql),
                .is_nullable = l.is_nullable || r.is_nullable};
    return true;
}

/* date, time, datetime2 or datetimeoffset beside a number. */
static bool is_new_date_and_number(const Bx *l, const Bx *r) {
    bool is_new =
        type_is_temporal(l->type.id) && l->type.id != TYPE_DATETIME && l->type.id != TYPE_SMALLDATETIME;
    return is_new && (type_is_exact(r->type.id) || r->type.id == TYPE_FLOAT || r->type.id == TYPE_REAL);
}

/* date + n: n days, for datetime and smalldatetime only. */
static bool add_days(Binder *b, AstOp op, Bx l, Bx r, uint32_t line, Bx *ret) {
    Type t = l.type.id == TYPE_DATETIME || r.type.id == TYPE_DATETIME ? (Type){.id = TYPE_DATETIME}
                                                                      : (Type){.id = TYPE_SMALLDATETIME};
    bool l_ok = l.type.id == TYPE_DATETIME || l.type.id == TYPE_SMALLDATETIME || !type_is_temporal(l.type.id);
    bool r_ok = r.type.id == TYPE_DATETIME || r.type.id == TYPE_SMALLDATETIME || !type_is_temporal(r.type.id);
    if (is_new_date_and_number(&l, &r) || is_new_date_and_number(&r, &l))
        return sqlerror_set(b->e, 206, 2, line, "Operand type clash: %s is incompatible with %s",
                            type_name(l.type.id), type_name(r.type.id));
    bool is_sum = op == OP_ADD || op == OP_SUB;
    if (l_ok && r_ok && !is_sum) l.type = r.type = t; /* the number would be a date, too */
    if (!l_ok || !r_ok || !is_sum) return refuse_operands(b, op, &l, &r, line);
    Type datetime = {.id = TYPE_DATETIME};
    if (!bindtype_convert(b, l, &datetime, MODE_IMPLICIT, line, &l) ||
        !bindtype_convert(b, r, &datetime, MODE_IMPLICIT, line, &r))
        return false;
    Bx sum = {.type = datetime, .is_nullable = l.is_nullable || r.is_nullable};
    sum.sql = SQL_OF(b, op == OP_ADD ? "ts_check_datetime(@ + @)" : "ts_check_datetime(@ - @)", l.sql, r.sql);
    return bindtype_convert(b, sum, &t, MODE_IMPLICIT, line, ret);
}

static bool is_bit_op(AstOp op) {
    return op == OP_BIT_AND || op == OP_BIT_OR || op == OP_BIT_XOR;
}

static bool bits(Binder *b, AstOp op, Bx l, Bx r, uint32_t line, Bx *ret) {
    bool l_bytes = type_is_binary(l.type.id), r_bytes = type_is_binary(r.type.id);
    if ((!type_is_integer(l.type.id) && !l_bytes) || (!type_is_integer(r.type.id) && !r_bytes) ||
        (l_bytes && r_bytes))
        return refuse_operands(b, op, &l, &r, line);
    Type t = l_bytes ? r.type : r_bytes ? l.type : convert_common_type(&l.type, &r.type);
    if (!bindtype_convert(b, l, &t, MODE_IMPLICIT, line, &l) ||
        !bindtype_convert(b, r, &t, MODE_IMPLICIT, line, &r))
        return false;
    *ret = (Bx){.type = t, .is_nullable = l.is_nullable || r.is_nullable};
    if (op == OP_BIT_XOR) ret->sql = SQL_OF(b, "((@ | @) - (@ & @))", l.sql, r.sql, l.sql, r.sql);
    else ret->sql = SQL_OF(b, op == OP_BIT_AND ? "(@ & @)" : "(@ | @)", l.sql, r.sql);
    return true;
}

/* The type of l op r for numbers; text counts as what the other side is. */
static bool number_result(Binder *b, AstOp op, Bx *l, Bx *r, uint32_t line, Type *ret) {
    Type t = convert_common_type(&l->type, &r->type);
    if (type_is_text(l->type.id) && !bindtype_convert(b, *l, &t, MODE_IMPLICIT, line, l)) return false;
    if (type_is_text(r->type.id) && !bindtype_convert(b, *r, &t, MODE_IMPLICIT, line, r)) return false;
    if (type_is_text(t.id) || type_is_binary(t.id) || t.id == TYPE_UNIQUEIDENTIFIER || t.id == TYPE_BIT)
        return refuse_operands(b, op, l, r, line);
    if (is_decimal(t.id)) t = decimal_result(op, l, r);
    if (op == OP_MOD && (t.id == TYPE_FLOAT || t.id == TYPE_REAL)) return refuse_operands(b, op, l, r, line);
    *ret = t;
    return true;
}

static bool arithmetic(Binder *b, AstOp op, Bx l, Bx r, uint32_t line, Bx *ret) {
    Type t;
    if (!number_result(b, op, &l, &r, line, &t)) return false;
    if (!is_decimal(t.id)) {
        if (!bindtype_convert(b, l, &t, MODE_IMPLICIT, line, &l) ||
            !bindtype_convert(b, r, &t, MODE_IMPLICIT, line, &r))
            return false;
    } else { /* operands keep their own scale */
        Type as = {.id = TYPE_DECIMAL};
        Decimal sl = shape(&l), sr = shape(&r);
        as.precision = sl.precision, as.scale = sl.scale;
        if (!is_decimal(l.type.id) && !bindtype_convert(b, l, &as, MODE_IMPLICIT, line, &l)) return false;
        as.precision = sr.precision, as.scale = sr.scale;
        if (!is_decimal(r.type.id) && !bindtype_convert(b, r, &as, MODE_IMPLICIT, line, &r)) return false;
    }
    static const char *const functions[] = {[OP_ADD] = "ts_add(@,@,@,@,@)",
                                            [OP_SUB] = "ts_subtract(@,@,@,@,@)",
                                            [OP_MUL] = "ts_multiply(@,@,@,@,@)",
                                            [OP_DIV] = "ts_divide(@,@,@,@,@)",
                                            [OP_MOD] = "ts_modulo(@,@,@,@,@)"};
    *ret = (Bx){.type = t, .is_nullable = l.is_nullable || r.is_nullable};
    ret->sql = SQL_OF(b, functions[op], l.sql, r.sql, bindtype_code(b, &l.type), bindtype_code(b, &r.type),
                      bindtype_code(b, &t));
    return true;
}

bool bindtype_binary(Binder *b, AstOp op, Bx left, Bx right, uint32_t line, Bx *ret) {
    if (!deduce_from_each_other(b, &left, &right, /* is_exact= */ false, line)) return false;
    if (left.type.id == TYPE_NULL && right.type.id == TYPE_NULL) {
        *ret = bindtype_constant(b, (Type){.id = TYPE_INT}, (Value){0});
        return true;
    }
    Type known = left.type.id == TYPE_NULL ? right.type : left.type;
    if (left.type.id == TYPE_NULL) left.type = known;
    if (right.type.id == TYPE_NULL) right.type = known;
    bool is_opaque = left.type.id == TYPE_SQL_VARIANT || right.type.id == TYPE_SQL_VARIANT ||
                     type_is_clr(left.type.id) || type_is_clr(right.type.id);
    if (is_opaque) return refuse_operands(b, op, &left, &right, line);
    bool l_text = type_is_text(left.type.id), r_text = type_is_text(right.type.id);
    if (op == OP_ADD && l_text && r_text) return concatenate(b, left, right, line, ret);
    if (op == OP_ADD && type_is_binary(left.type.id) && type_is_binary(right.type.id))
        return concatenate_bytes(b, left, right, ret);
    if (type_is_temporal(left.type.id) || type_is_temporal(right.type.id))
        return add_days(b, op, left, right, line, ret);
    if (is_bit_op(op)) return bits(b, op, left, right, line, ret);
    return arithmetic(b, op, left, right, line, ret);
}
