#include "convert/converter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

/* A class of the test: its option's text before each value; "no" can't be written, nor "bad" read. */
typedef struct Marked {
    Converter base; /* first */
    const char *mark;
    bool *is_freed;
} Marked;

static bool freed;

static bool marked_make(const ConverterSpec *spec, const Options *o, TextList *warnings, Converter **ret,
                        Err *e) {
    const char *mark = options_str(o, "mark");
    if (strcmp(mark, "refused") == 0) return err_set(e, ERR_INVALID, false, "mark: refused");
    if (spec->is_key) textlist_add(warnings, STR_LIT("a key"));
    Marked *m = x_calloc(1, sizeof *m);
    m->mark = mark;
    m->is_freed = &freed;
    *ret = &m->base;
    return true;
}

static bool marked_encode(Converter *c, Str topic, const ConnectSchema *schema, const Value *v, Buf *out,
                          bool *ret_is_null, Err *e) {
    (void)topic, (void)schema;
    *ret_is_null = false;
    buf_cstr(out, ((Marked *)c)->mark);
    if (str_eq_c(value_str(v), "no")) return err_set(e, ERR_DATA, false, "no");
    buf_str(out, value_str(v));
    return true;
}

static bool marked_decode(Converter *c, Str topic, Str bytes, RecordBatch *into,
                          const ConnectSchema **ret_schema, Value *ret, Err *e) {
    (void)c, (void)topic, (void)into, (void)e;
    *ret_schema = NULL;
    *ret = value_bytes(bytes.p, (uint32_t)bytes.n);
    return true;
}

static void marked_free(Converter *c) {
    *((Marked *)c)->is_freed = true;
    free(c);
}

static const OptionDef marked_options[] = {
    {.key = "mark", .type = OPTION_STRING, .standard = "-", .help = "What stands before."},
    {.key = "later",
     .type = OPTION_BOOL,
     .status = OPTION_NO_SENSE,
     .reason = "nothing to act on",
     .help = "."},
};
static const ConverterClass marked = {"a.Marked",    marked_options,  2,          marked_make, marked_encode,
                                      marked_decode, /* ask= */ NULL, marked_free};

static Converter *new_marked(const char *key, const char *value, bool is_key, Err *e) {
    Props *props = props_new();
    props_set(props, "name", STR_LIT("x"), "c.json", 1);
    if (key) props_set(props, key, str_from(value), "c.json", 7);
    Converter *c = NULL;
    ConverterSpec spec = {STR_LIT("a.Marked"), is_key, props, is_key ? "key.converter." : "value.converter.",
                          NULL};
    if (!converter_new_of(&marked, &spec, &c, e)) c = NULL;
    props_free(props);
    return c;
}

static void a_class_gets_the_properties_behind_its_prefix(void **state) {
    (void)state;
    Err e = {0};
    Converter *c = new_marked("value.converter.mark", "<", false, &e);
    assert_non_null(c);
    Buf out = {0};
    bool is_null = true;
    Value v = value_bytes("abc", 3);
    assert_true(converter_encode(c, STR_LIT("t"), NULL, &v, &out, &is_null, &e));
    assert_false(is_null);
    assert_string_equal(buf_text(&out), "<abc");
    v = value_bytes("no", 2); /* what it had written by then goes */
    assert_false(converter_encode(c, STR_LIT("t"), NULL, &v, &out, &is_null, &e));
    assert_string_equal(buf_text(&out), "<abc");
    buf_done(&out);
    freed = false;
    converter_free(c);
    assert_true(freed);
}

static void the_other_converters_properties_are_not_its_own(void **state) {
    (void)state;
    Err e = {0};
    Converter *c = new_marked("key.converter.mark", "<", false, &e);
    assert_non_null(c);
    assert_string_equal(((Marked *)c)->mark, "-");
    assert_int_equal(converter_warnings(c)->count, 0);
    converter_free(c);
}

static void warnings_and_errors_name_the_converter(void **state) {
    (void)state;
    Err e = {0};
    Converter *c = new_marked("key.converter.later", "true", true, &e);
    assert_non_null(c);
    assert_int_equal(converter_warnings(c)->count, 2);
    assert_non_null(
        strstr(converter_warnings(c)->items[0], "key.converter: c.json:7: later has no effect here"));
    assert_string_equal(converter_warnings(c)->items[1], "a key");
    converter_free(c);
    assert_null(new_marked("value.converter.marc", "x", false, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "value.converter: c.json:7: unknown property 'marc'"));
    assert_null(new_marked("value.converter.mark", "refused", false, &e));
    assert_string_equal(e.msg, "value.converter: mark: refused");
}

static void an_unknown_class_is_refused_with_those_there_are(void **state) {
    (void)state;
    Props *props = props_new();
    Err e = {0};
    Converter *c = NULL;
    ConverterSpec spec = {STR_LIT("a.B"), true, props, "key.converter.", NULL};
    assert_false(converter_new(&spec, &c, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "key.converter: there is no converter a.B; known are: "));
    for (size_t i = 0; converter_class_at(i); i++)
        assert_non_null(strstr(e.msg, converter_class_at(i)->name));
    props_free(props);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_gets_the_properties_behind_its_prefix),
        cmocka_unit_test(the_other_converters_properties_are_not_its_own),
        cmocka_unit_test(warnings_and_errors_name_the_converter),
        cmocka_unit_test(an_unknown_class_is_refused_with_those_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
