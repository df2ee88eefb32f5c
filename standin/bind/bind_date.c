/* Date functions whose types need thought, and AT TIME ZONE. */
#include "standin/bind/bind_internal.h"
#include "standin/bind/datepart.h"

static bool exactly(Binder *b, const AstExpr *x, int n) {
    if (x->u.call.arg_count == (size_t)n) return true;
    return bindcall_wrong_count(b, x, arena_printf(b->a, "%.*s", STR_ARG(x->u.call.name.name)), n, n);
}

static bool part_of(Binder *b, const AstExpr *x, DatePart *ret) {
    *ret = datepart_by_name(x->u.call.datepart);
    if (*ret != DATEPART_NONE) return true;
    return sqlerror_set(b->e, 155, 1, x->line, "'%.*s' is not a recognized %.*s option.",
                        STR_ARG(x->u.call.datepart), STR_ARG(bindcall_lower(b, x->u.call.name.name)));
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
    const Sql *number = sql_printf(b, "%d", part), *type = bindtype_code(b, &date.type);
    bool is_of_week = part == DATEPART_WEEK || (part == DATEPART_WEEKDAY && !is_name);
    BoundParam first = {
        .kind = BOUND_INTRINSIC, .type = {.id = TYPE_TINYINT}, .intrinsic = INTRINSIC_DATEFIRST};
    const Sql *datefirst = is_of_week ? sql_param(b, &first) : sql_text(b, "7");
    ret->sql = SQL_OF(b, is_name ? "ts_datename(@,@,@,@)" : "ts_datepart(@,@,@,@)", number, date.sql, type,
                      datefirst);
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

/* ---- …FROMPARTS ---- */

typedef struct Parts {
    const char *name;
    TypeId type;
    int count; /* of numbers; the last is the scale where has_scale */
    bool has_scale;
} Parts;

static const Parts parts[] = {{"TIMEFROMPARTS", TYPE_TIME, 5, true},
                              {"DATETIMEFROMPARTS", TYPE_DATETIME, 7, false},
                              {"DATETIME2FROMPARTS", TYPE_DATETIME2, 8, true},
                              {"SMALLDATETIMEFROMPARTS", TYPE_SMALLDATETIME, 5, false},
                              {"DATETIMEOFFSETFROMPARTS", TYPE_DATETIMEOFFSET, 10, true}};

static bool from_parts(Binder *b, const AstExpr *x, const Parts *p, Bx *ret) {
    if (!exactly(b, x, p->count)) return false;
    const Sql **sql = ARENA_ARRAY(b->a, const Sql *, (size_t)p->count + 1);
    *ret = (Bx){.type = {.id = p->type}};
    for (int i = 0; i < p->count; i++) {
        Bx n;
        if (!bindcall_argument(b, x->u.call.args[i], 'i', &n)) return false;
        sql[i + 1] = n.sql;
        ret->is_nullable |= n.is_nullable;
        if (!p->has_scale || i + 1 < p->count) continue;
        bool is_scale = n.is_constant && n.value.kind == VALUE_INT && n.value.v.i >= 0 && n.value.v.i <= 7;
        if (!is_scale)
            return sqlerror_set(
                b->e, 10760, 1, x->line,
                "Scale argument is not valid. Valid expressions for data type %s scale argument "
                "are integer constants and integer constant expressions.",
                type_name(p->type));
        ret->type.scale = (uint8_t)n.value.v.i;
    }
    sql[0] = bindtype_code(b, &ret->type);
    ret->sql = sql_format(b, "ts_fromparts($)", sql, (size_t)p->count + 1);
    return true;
}

static bool datetrunc(Binder *b, const AstExpr *x, Bx *ret) {
    DatePart part;
    Bx date;
    if (!part_of(b, x, &part) || !exactly(b, x, 1) || !bindcall_argument(b, x->u.call.args[0], 'd', &date))
        return false;
    bool is_wrong = part == DATEPART_WEEKDAY || part == DATEPART_TZOFFSET || part == DATEPART_NANOSECOND ||
                    (date.type.id == TYPE_DATE && part >= DATEPART_HOUR) ||
                    (date.type.id == TYPE_TIME && part < DATEPART_HOUR);
    if (is_wrong)
        return sqlerror_set(b->e, 9810, 10, x->line,
                            "The datepart %s is not supported by date function datetrunc for data type %s.",
                            datepart_name(part), type_name(date.type.id));
    BoundParam first = {
        .kind = BOUND_INTRINSIC, .type = {.id = TYPE_TINYINT}, .intrinsic = INTRINSIC_DATEFIRST};
    *ret = (Bx){.type = date.type, .is_nullable = date.is_nullable};
    ret->sql = SQL_OF(b, "ts_datetrunc(@,@,@,@)", sql_printf(b, "%d", part), date.sql,
                      bindtype_code(b, &date.type), sql_param(b, &first));
    return true;
}

bool binddate_at_time_zone(Binder *b, const AstExpr *x, Bx *ret) {
    Bx date, zone;
    if (!bindcall_argument(b, x->u.binary.left, 'x', &date) ||
        !bindcall_argument(b, x->u.binary.right, 'u', &zone))
        return false;
    TypeId id = date.type.id;
    if (id != TYPE_DATETIME && id != TYPE_DATETIME2 && id != TYPE_SMALLDATETIME && id != TYPE_DATETIMEOFFSET)
        return sqlerror_set(b->e, 8116, 1, x->line,
                            "Argument data type %s is invalid for argument 1 of AT TIME ZONE function.",
                            id == TYPE_NULL ? "NULL" : type_name(id));
    bool has_digits = id == TYPE_DATETIME2 || id == TYPE_DATETIMEOFFSET;
    Type t = {.id = TYPE_DATETIMEOFFSET, .scale = has_digits ? date.type.scale : id == TYPE_DATETIME ? 3 : 0};
    *ret = (Bx){.type = t, .is_nullable = true};
    ret->sql = SQL_OF(b, "ts_at_time_zone(@,@,@,@)", date.sql, zone.sql, bindtype_code(b, &date.type),
                      bindtype_code(b, &t));
    return true;
}

/* ---- by name ---- */

typedef bool Handler(Binder *b, const AstExpr *x, Bx *ret);

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
    {"DATEADD", dateadd},
    {"DATEDIFF", datediff_int},
    {"DATEDIFF_BIG", datediff_big},
    {"DATEPART", datepart_int},
    {"DATENAME", datename},
    {"DATETRUNC", datetrunc},
    {"YEAR", year},
    {"MONTH", month},
    {"DAY", day},
    {"EOMONTH", eomonth},
    {"TODATETIMEOFFSET", todatetimeoffset},
};

bool binddate_call(Binder *b, const AstExpr *x, Bx *ret, bool *ret_found) {
    Str name = x->u.call.name.name;
    *ret_found = true;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (str_eq_icase(name, str_from(handlers[i].name))) return handlers[i].handler(b, x, ret);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (str_eq_icase(name, str_from(parts[i].name))) return from_parts(b, x, &parts[i], ret);
    *ret_found = false;
    return true;
}
