/* What isn't UTF-8 JSON can't hold; left out, it would be another signal: all rows in place of a filter's. */
#include "cli/signal_data.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf.h"

static bool check_text(const char *option, const char *text, Err *e) {
    return !text || utf_valid8(str_from(text)) ||
           err_set(e, ERR_INVALID, false, "option '--%s': its text isn't UTF-8", option);
}

static json_t *list_of(const char *tables) {
    json_t *list = json_array();
    Str rest = str_from(tables ? tables : ""), name;
    while (str_split(&rest, ',', &name))
        if (str_trim(name).n) json_array_append_new(list, json_stringn(str_trim(name).p, str_trim(name).n));
    return list;
}

static json_t *conditions_of(json_t *tables, const char *filter) {
    json_t *conditions = json_array(), *element;
    size_t i;
    json_array_foreach(tables, i, element) json_array_append_new(
        conditions, json_pack("{s:O, s:s}", "data-collection", element, "filter", filter));
    return conditions;
}

bool signal_data_make(const SignalAsked *asked, char **ret, Err *e) {
    *ret = NULL;
    if (!check_text("data", asked->data, e) || !check_text("tables", asked->tables, e) ||
        !check_text("filter", asked->filter, e) || !check_text("message", asked->message, e))
        return false;
    if (asked->data) {
        *ret = x_strdup(asked->data);
        return true;
    }
    json_t *data = json_object(), *tables = list_of(asked->tables);
    if (asked->filter)
        json_object_set_new(data, "additional-conditions", conditions_of(tables, asked->filter));
    if (json_array_size(tables)) json_object_set(data, "data-collections", tables);
    json_decref(tables);
    if (asked->is_blocking) json_object_set_new(data, "type", json_string("blocking"));
    if (asked->message) json_object_set_new(data, "message", json_string(asked->message));
    if (json_object_size(data)) *ret = json_dumps(data, JSON_COMPACT);
    json_decref(data);
    return true;
}
