#include "config/table_filter.h"

#include <string.h>

const char *table_filter_signals(const Options *o) {
    const TextList *channels = options_list(o, "signal.enabled.channels");
    for (size_t i = 0; channels && i < channels->count; i++)
        if (str_eq_icase(str_from(channels->items[i]), STR_LIT("source")))
            return options_str(o, "signal.data.collection");
    return NULL;
}

TableFilter table_filter_of(const Options *o) {
    TableFilter f = {.include = options_regexes(o, "table.include.list"),
                     .exclude = options_regexes(o, "table.exclude.list")};
    const char *name = table_filter_signals(o);
    if (f.include || !name) return f;
    const char *first_dot = strchr(name, '.'), *last_dot = strrchr(name, '.');
    bool has_database = first_dot != last_dot;
    f.signals = str_from(has_database ? first_dot + 1 : name);
    return f;
}

bool table_filter_lists_want(const RegexList *include, const RegexList *exclude, Str name) {
    if (include && !regexlist_match(include, name)) return false;
    return !exclude || !regexlist_match(exclude, name);
}

bool table_filter_wants(const TableFilter *f, Str qualified) {
    if (f->signals.n && str_eq_icase(f->signals, qualified)) return false;
    return table_filter_lists_want(f->include, f->exclude, qualified);
}
