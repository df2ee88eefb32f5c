/* SET: the session's options. Those that change nothing here are taken and shown where they can be read back.
 */
#include <string.h>

#include "base/mem.h"
#include "standin/exec/session_internal.h"

void options_default(Session *s) {
    s->options = (Options){.quoted_identifier = true,
                           .ansi_nulls = true,
                           .ansi_warnings = true,
                           .ansi_padding = true,
                           .ansi_null_default = true,
                           .concat_null = true,
                           .arithabort = false,
                           .textsize = 2147483647,
                           .datefirst = 7,
                           .language = "us_english"};
}

typedef struct Switch {
    const char *name;
    size_t offset;
} Switch;

#define SWITCH(n, field)                                                                                     \
    { n, offsetof(Options, field) }

static const Switch switches[] = {
    SWITCH("NOCOUNT", nocount),
    SWITCH("XACT_ABORT", xact_abort),
    SWITCH("IMPLICIT_TRANSACTIONS", implicit_transactions),
    SWITCH("QUOTED_IDENTIFIER", quoted_identifier),
    SWITCH("ARITHABORT", arithabort),
    SWITCH("CURSOR_CLOSE_ON_COMMIT", cursor_close),
    SWITCH("FMTONLY", fmtonly),
    SWITCH("NOEXEC", noexec),
    SWITCH("PARSEONLY", parseonly),
    SWITCH("NO_BROWSETABLE", no_browsetable),
};

/* Taken without effect: what they change can't be seen here. */
static bool is_ignored(Str name) {
    static const char *const names[] = {"FORCEPLAN", "QUERY_GOVERNOR_COST_LIMIT", "REMOTE_PROC_TRANSACTIONS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_icase(name, str_from(names[i]))) return true;
    return false;
}

/* Options whose other value would change what statements answer; only this one is there. */
static const struct {
    const char *name;
    bool is_on;
} fixed[] = {
    {"ANSI_DEFAULTS", true},       {"ANSI_NULLS", true},
    {"ANSI_NULL_DFLT_ON", true},   {"ANSI_NULL_DFLT_OFF", false},
    {"ANSI_PADDING", true},        {"ANSI_WARNINGS", true},
    {"ARITHIGNORE", false},        {"CONCAT_NULL_YIELDS_NULL", true},
    {"NUMERIC_ROUNDABORT", false}, {"SHOWPLAN_ALL", false},
    {"SHOWPLAN_TEXT", false},      {"SHOWPLAN_XML", false},
    {"STATISTICS", false},
};

static const char *value_shown(const AstSetOption *o) {
    return o->kind == OPTION_ON ? " ON" : o->kind == OPTION_OFF ? " OFF" : "";
}

/* true: it is one of them. Then *ret_ok, or *e names what isn't there. */
static bool is_fixed(const AstSetOption *o, bool *ret_ok, SqlError *e) {
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (!str_eq_icase(o->name, str_from(fixed[i].name))) continue;
        *ret_ok = o->kind == (fixed[i].is_on ? OPTION_ON : OPTION_OFF);
        if (!*ret_ok)
            (void)sql_error_set(e, 40517, 16, 1,
                                "Keyword or statement option 'SET %s%s" STR_FMT
                                "%s' is not supported in this version of SQL "
                                "Server.",
                                fixed[i].name, o->text.n ? " " : "", STR_ARG(o->text), value_shown(o));
        return true;
    }
    return false;
}

static bool set_isolation(Session *s, Str level, SqlError *e) {
    static const struct {
        const char *name;
        TxnIsolation level;
    } levels[] = {{"READ UNCOMMITTED", TXN_READ_UNCOMMITTED},
                  {"READ COMMITTED", TXN_READ_COMMITTED},
                  {"REPEATABLE READ", TXN_REPEATABLE_READ},
                  {"SERIALIZABLE", TXN_SERIALIZABLE},
                  {"SNAPSHOT", TXN_SNAPSHOT}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (str_eq_icase(level, str_from(levels[i].name))) {
            txn_set_isolation(s->txn, levels[i].level);
            return true;
        }
    return sql_error_set(e, 102, 15, 1, "Incorrect syntax near '" STR_FMT "'.", STR_ARG(level));
}

static bool set_identity_insert(Session *s, const AstSetOption *o, SqlError *e) {
    SqlError missing = {0};
    const Table *t = session_resolve(s, &o->table, &missing);
    if (!t)
        return sql_error_set(e, 1088, 16, 11,
                             "Cannot find the object \"" STR_FMT
                             "\" because it does not exist or you do not have "
                             "permissions.",
                             STR_ARG(o->table.name));
    if (!table_identity(t))
        return sql_error_set(e, 8106, 16, 1,
                             "Table '" STR_FMT
                             "' does not have the identity property. Cannot perform SET operation.",
                             STR_ARG(o->table.name));
    if (o->kind == OPTION_OFF) {
        if (s->options.identity_insert == t->object_id) s->options.identity_insert = 0;
        return true;
    }
    const Table *other = catalog_table_by_id(session_catalog(s), s->options.identity_insert);
    if (other && other != t)
        return sql_error_set(
            e, 8107, 16, 1,
            "IDENTITY_INSERT is already ON for table '%s'. Cannot perform SET operation for table "
            "'" STR_FMT "'.",
            other->name, STR_ARG(o->table.name));
    s->options.identity_insert = t->object_id;
    return true;
}

static int64_t number_of(Session *s, const AstSetOption *o) {
    if (o->kind != OPTION_VARIABLE) return o->number;
    const Variable *v = scope_find(s, o->text);
    return v && v->value.kind == VALUE_INT ? v->value.v.i : 0;
}

/* The order as the style that reads dates so; the other three orders aren't there. */
static bool set_date_format(Session *s, const AstSetOption *o, SqlError *e) {
    static const struct {
        const char *order;
        int style;
    } orders[] = {{"mdy", 0}, {"dmy", 103}, {"ymd", 111}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (o->kind != OPTION_TEXT || !str_eq_icase(o->text, str_from(orders[i].order))) continue;
        s->options.date_style = orders[i].style;
        return true;
    }
    return sql_error_set(e, 40517, 16, 1,
                         "Keyword or statement option 'SET DATEFORMAT " STR_FMT
                         "' is not supported in this version of SQL Server.",
                         STR_ARG(o->text));
}

static bool set_language(Session *s, const AstSetOption *o) {
    Str name = o->text;
    const Variable *v = o->kind == OPTION_VARIABLE ? scope_find(s, o->text) : NULL;
    if (v && v->value.kind == VALUE_TEXT) name = v->value.v.s;
    char before[sizeof s->options.language];
    memcpy(before, s->options.language, sizeof before);
    size_t n = name.n < sizeof s->options.language - 1 ? name.n : sizeof s->options.language - 1;
    if (n) memcpy(s->options.language, name.p, n);
    s->options.language[n] = '\0';
    if (!s->client->env_text(s->client, OUT_ENV_LANGUAGE, str_from(s->options.language), str_from(before)))
        s->is_stopped = true;
    CLEANUP_FREE char *text = x_asprintf("Changed language setting to %s.", s->options.language);
    return error_info(s, 5703, 10, 1, str_from(text), 1);
}

static bool priority_word(Str text, int *ret) {
    static const struct {
        const char *name;
        int priority;
    } words[] = {{"LOW", -5}, {"NORMAL", 0}, {"HIGH", 5}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq_icase(text, str_from(words[i].name))) {
            *ret = words[i].priority;
            return true;
        }
    return false;
}

/* A word, a number from -10 to 10, or a variable with either. */
static bool set_priority(Session *s, const AstSetOption *o, SqlError *e) {
    const Variable *v = o->kind == OPTION_VARIABLE ? scope_find(s, o->text) : NULL;
    Value value = v ? v->value : (Value){0};
    if (o->kind == OPTION_NUMBER) value = VALUE_OF_INT(o->number);
    if (o->kind == OPTION_TEXT) value = VALUE_OF_TEXT(o->text);
    int priority = 0;
    bool ok = value.kind == VALUE_TEXT && priority_word(value.v.s, &priority);
    if (value.kind == VALUE_INT && value.v.i >= -10 && value.v.i <= 10) {
        ok = true;
        priority = (int)value.v.i;
    }
    if (!ok) return sql_error_set(e, 102, 15, 1, "Incorrect syntax near 'DEADLOCK_PRIORITY'.");
    lockowner_set_priority(txn_owner(s->txn), priority);
    return true;
}

/* Its 128 bytes, the rest of them zero. */
static bool set_context_info(Session *s, const AstSetOption *o, SqlError *e) {
    const Variable *v = o->kind == OPTION_VARIABLE ? scope_find(s, o->text) : NULL;
    Str bytes = o->text;
    uint8_t number[4];
    if (o->kind == OPTION_NUMBER) {
        for (int i = 0; i < 4; i++) number[i] = (uint8_t)((uint64_t)o->number >> (24 - 8 * i));
        bytes = (Str){(const char *)number, sizeof number};
    } else if (o->kind == OPTION_VARIABLE) {
        if (!v || v->value.kind != VALUE_BLOB || !type_is_binary(v->type.id))
            return sql_error_set(e, 40517, 16, 1,
                                 "SET CONTEXT_INFO takes a binary value that isn't NULL on this server.");
        bytes = v->value.v.s;
    }
    size_t n = bytes.n < sizeof s->context_info ? bytes.n : sizeof s->context_info;
    memset(s->context_info, 0, sizeof s->context_info);
    if (n) memcpy(s->context_info, bytes.p, n);
    s->has_context_info = true;
    return true;
}

static int32_t clamp(int64_t v) {
    return v < 0 ? 0 : v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

bool option_set(Session *s, const AstSetOption *o, SqlError *e) {
    Str name = o->name;
    bool is_on = o->kind == OPTION_ON, ok;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (str_eq_icase(name, str_from(switches[i].name))) {
            *(bool *)((char *)&s->options + switches[i].offset) = is_on;
            return true;
        }
    if (is_fixed(o, &ok, e)) {
        if (ok && str_eq_icase(name, STR_LIT("ANSI_DEFAULTS")))
            s->options.cursor_close = s->options.implicit_transactions = s->options.quoted_identifier = true;
        return ok;
    }
    if (str_eq_icase(name, STR_LIT("TRANSACTION ISOLATION LEVEL"))) return set_isolation(s, o->text, e);
    if (str_eq_icase(name, STR_LIT("IDENTITY_INSERT"))) return set_identity_insert(s, o, e);
    if (str_eq_icase(name, STR_LIT("DEADLOCK_PRIORITY"))) return set_priority(s, o, e);
    if (str_eq_icase(name, STR_LIT("CONTEXT_INFO"))) return set_context_info(s, o, e);
    if (str_eq_icase(name, STR_LIT("LANGUAGE"))) return set_language(s, o);
    if (str_eq_icase(name, STR_LIT("DATEFORMAT"))) return set_date_format(s, o, e);
    if (str_eq_icase(name, STR_LIT("LOCK_TIMEOUT"))) {
        int64_t ms = number_of(s, o);
        txn_set_lock_timeout_ms(s->txn, ms < 0 ? -1 : ms);
        return true;
    }
    if (str_eq_icase(name, STR_LIT("TEXTSIZE"))) {
        int64_t n = number_of(s, o);
        s->options.textsize = n == 0 ? 4096 : n < 0 ? INT32_MAX : clamp(n);
        return true;
    }
    if (str_eq_icase(name, STR_LIT("ROWCOUNT"))) {
        s->options.rowcount = clamp(number_of(s, o));
        return true;
    }
    if (str_eq_icase(name, STR_LIT("DATEFIRST"))) {
        int64_t n = number_of(s, o);
        if (n < 1 || n > 7) return sql_error_set(e, 2742, 16, 1, "SET DATEFIRST %d is out of range.", (int)n);
        s->options.datefirst = (int32_t)n;
        return true;
    }
    if (is_ignored(name)) return true;
    return sql_error_set(e, 195, 15, 5, "'" STR_FMT "' is not a recognized SET option.", STR_ARG(name));
}
