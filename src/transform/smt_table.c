#include "transform/smt_table.h"

#include "base/buf.h"
#include "base/mem.h"

static const SmtClass *const CLASSES[] = {
    &smt_unwrap,
    &smt_logical_router,
    &smt_regex_router,
    &smt_replace_field,
    &smt_mask_field,
    &smt_insert_field,
    &smt_cast,
    &smt_timestamp_converter,
    &smt_value_to_key,
    &smt_extract_field,
    &smt_filter,
    &smt_schema_metadata,
    &smt_hoist_field,
    &smt_flatten,
    &smt_timestamp_router,
    &smt_header_from,
    &smt_insert_header,
    &smt_drop_headers,
};
enum { CLASS_COUNT = sizeof CLASSES / sizeof *CLASSES };

static const char KAFKA[] = "org.apache.kafka.connect.transforms.";
static const char DEBEZIUM[] = "io.debezium.transforms.";

static void put_list(Buf *out, const char *package) {
    bool is_first = true;
    buf_printf(out, "%s{", package);
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (!str_starts(str_from(CLASSES[i]->name), str_from(package))) continue;
        buf_printf(out, "%s%s", is_first ? "" : ", ", CLASSES[i]->name + str_from(package).n);
        is_first = false;
    }
    buf_cstr(out, "}");
}

static bool unknown(Str java_class, Str name, Err *e) {
    CLEANUP(buf_done) Buf list = {0};
    const char *names[CLASS_COUNT];
    for (int i = 0; i < CLASS_COUNT; i++) names[i] = CLASSES[i]->name;
    const char *near = str_nearest(name, names, CLASS_COUNT);
    if (near) buf_printf(&list, "did you mean %s? ", near);
    buf_cstr(&list, "there are ");
    put_list(&list, DEBEZIUM);
    buf_cstr(&list, " and ");
    put_list(&list, KAFKA);
    return err_set(e, ERR_INVALID, false, "no transform '" STR_FMT "'; %s", STR_ARG(java_class),
                   buf_text(&list));
}

bool smt_table_find(Str java_class, const SmtClass **ret, bool *ret_is_key, Err *e) {
    size_t dollar = str_find(java_class, '$');
    Str name = str_sub(java_class, 0, dollar), side = str_sub(java_class, dollar, java_class.n);
    const SmtClass *found = NULL;
    for (int i = 0; i < CLASS_COUNT && !found; i++)
        if (str_eq_c(name, CLASSES[i]->name)) found = CLASSES[i];
    if (!found) return unknown(java_class, name, e);
    bool is_key = str_eq_c(side, "$Key");
    if (found->has_sides && !is_key && !str_eq_c(side, "$Value"))
        return err_set(e, ERR_INVALID, false, "'" STR_FMT "': say %s$Key or %s$Value", STR_ARG(java_class),
                       found->name, found->name);
    if (!found->has_sides && side.n)
        return err_set(e, ERR_INVALID, false, "'" STR_FMT "': it is plain %s", STR_ARG(java_class),
                       found->name);
    *ret = found;
    *ret_is_key = is_key;
    return true;
}
