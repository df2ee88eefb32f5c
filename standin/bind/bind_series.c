/* The table functions of the language itself: STRING_SPLIT, GENERATE_SERIES. fn_series.c has their rows. */
#include "standin/bind/bind_internal.h"

bool bindseries_is(const AstName *name) {
    if (name->schema.n || name->database.n) return false;
    return str_eq_icase(name->name, STR_LIT("STRING_SPLIT")) ||
           str_eq_icase(name->name, STR_LIT("GENERATE_SERIES"));
}

static bool wrong_count(Binder *b, const AstFrom *f) {
    bool has_too_many = f->u.function.arg_count > 3;
    return sqlerror_set(b->e, has_too_many ? 8144 : 313, 3, f->line,
                        has_too_many
                            ? "Procedure or function %.*s has too many arguments specified."
                            : "An insufficient number of arguments were supplied for the procedure or "
                              "function %.*s.",
                        STR_ARG(f->u.function.name.name));
}

static void add_column(Binder *b, Source *s, const char *name, Type type, bool is_nullable) {
    SourceColumn c = {
        .name = str_from(name), .type = type, .is_nullable = is_nullable, .rank = RANK_IMPLICIT};
    c.sql = sql_printf(b, "f%d.c%zu", s->number, s->column_count + 1);
    BIND_PUSH(b, s->columns, s->column_count, c);
}

static bool string_split(Binder *b, const AstFrom *f, Bx *args, size_t count, Source *s, const Sql **ret) {
    for (size_t i = 0; i < 2; i++) {
        Type to = {.id = TYPE_VARCHAR, .length = 8000};
        if (type_is_text(args[i].type.id)) continue;
        if (!bindtype_convert(b, args[i], &to, MODE_EXPLICIT, f->line, &args[i])) return false;
    }
    bool is_unicode = type_is_unicode(args[0].type.id) || type_is_unicode(args[1].type.id);
    Type value = {.id = is_unicode ? TYPE_NVARCHAR : TYPE_VARCHAR,
                  .length = args[0].type.length,
                  .collation = args[0].type.collation};
    if (is_unicode && value.length > 4000) value.length = 4000;
    if (value.length == 0) value.length = TYPE_MAX_LENGTH;
    bool has_flag = count > 2 && args[2].type.id != TYPE_NULL;
    if (has_flag && (!args[2].is_constant || args[2].value.kind != VALUE_INT))
        return sqlerror_set(b->e, 8748, 1, f->line,
                            "The enable_ordinal argument for STRING_SPLIT only supports constant values (not "
                            "variables or columns).");
    add_column(b, s, "value", value, false);
    if (has_flag && args[2].value.v.i) add_column(b, s, "ordinal", (Type){.id = TYPE_BIGINT}, false);
    *ret = SQL_OF(b, "ts_split(@,@)", args[0].sql, args[1].sql);
    return true;
}

static bool generate_series(Binder *b, const AstFrom *f, Bx *args, size_t count, Source *s, const Sql **ret) {
    Type type;
    Bx *all[] = {&args[0], &args[1]};
    if (!bindtype_common(b, all, 2, f->line, &type)) return false;
    if (!type_is_integer(type.id) || type.id == TYPE_BIT)
        return type.id == TYPE_DECIMAL || type.id == TYPE_NUMERIC
                   ? sqlerror_set(
                         b->e, 40517, 1, f->line,
                         "Keyword or statement option 'GENERATE_SERIES of decimal' is not supported in "
                         "this version of SQL Server.")
                   : sqlerror_set(
                         b->e, 8116, 1, f->line,
                         "Argument data type %s is invalid for argument 1 of generate_series function.",
                         type.id == TYPE_NULL ? "NULL" : type_name(type.id));
    const Sql *step = sql_text(b, "0"); /* 0: by direction */
    if (count > 2) {
        if (!bindtype_convert(b, args[2], &type, MODE_IMPLICIT, f->line, &args[2])) return false;
        if (args[2].is_constant && args[2].value.kind == VALUE_INT && args[2].value.v.i == 0)
            return sqlerror_set(b->e, 4199, 1, f->line,
                                "Argument value 0 is invalid for argument 3 of generate_series function.");
        step = args[2].sql;
    }
    add_column(b, s, "value", type, false);
    *ret = SQL_OF(b, "ts_series(@,@,@)", args[0].sql, args[1].sql, step);
    return true;
}

bool bindseries_item(Binder *b, const AstFrom *f, Bx *args, Source *s, const Sql **ret) {
    size_t count = f->u.function.arg_count;
    bool is_split = str_eq_icase(f->u.function.name.name, STR_LIT("STRING_SPLIT"));
    if (count < 2 || count > 3) return wrong_count(b, f);
    s->name = f->u.function.name.name;
    const Sql *call = NULL;
    if (is_split ? !string_split(b, f, args, count, s, &call) : !generate_series(b, f, args, count, s, &call))
        return false;
    *ret = SQL_OF(b, "@ AS @", call, sql_printf(b, "f%d", s->number));
    return true;
}
