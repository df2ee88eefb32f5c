#include "config/props.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static Props *parsed(const char *text) {
    Props *p = props_new();
    Err e = {0};
    if (!props_parse_properties(p, "a.properties", str_from(text), &e)) fail_msg("%s", e.msg);
    return p;
}

static void assert_prop(const Props *p, const char *key, const char *value, int line) {
    const Prop *prop = props_get(p, key);
    if (!prop) fail_msg("no property '%s'", key);
    assert_string_equal(prop->value, value);
    assert_int_equal(prop->line, line);
}

/* A file with this text; the path is valid until the next call. */
static const char *file_with(const char *text, const char *ending) {
    static char path[64];
    (void)snprintf(path, sizeof path, "/tmp/test_props_%d%s", (int)getpid(), ending);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return path;
}

/* Each of these was read by java.util.Properties' rules; the value is the one Java gives. */
static void a_line_is_read_as_java_reads_it(void **state) {
    (void)state;
    static const struct {
        const char *text, *key, *value;
    } cases[] = {
        {"a=b", "a", "b"},
        {"a:b", "a", "b"},
        {"a b", "a", "b"},
        {"a\tb c ", "a", "b c "},
        {"  a  =  b", "a", "b"},
        {"a = = b", "a", "= b"},
        {"a  :=b", "a", "=b"},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"=b", "", "b"},
        {"a\\=b=c", "a=b", "c"},
        {"a\\ b c", "a b", "c"},
        {"a\\\\=b", "a\\", "b"},
        {"a=\\t\\n\\r\\f\\x\\\\", "a", "\t\n\r\fx\\"},
        {"a=\\u0041\\u00e9\\ud83d\\ude00", "a", "A\xc3\xa9\xf0\x9f\x98\x80"},
        {"a=\\ud83dx", "a", "\xef\xbf\xbdx"},
        {"a=b\\\n   c", "a", "bc"},
        {"a=b\\\r\n\tc\\\n d", "a", "bcd"},
        {"a=b\\\\\nc=d", "a", "b\\"},
        {"a=b\\\n#c", "a", "b#c"},
        {"a=b\\\n\n", "a", "b"},
        {"a=b\\", "a", "b"},
        {"# c\n! d\n\n \t\n a=b", "a", "b"},
        {"# not continued\\\na=b", "a", "b"},
        {"\\\n\n#c\na=b", "a", "b"},
        {"a=b\rc=d", "c", "d"},
        {"a=b#c", "a", "b#c"},
        {"a=1\na=2", "a", "2"},
        {"\xef\xbb\xbf"
         "a=b",
         "a", "b"},
        {"a=\xc3\xa9", "a", "\xc3\xa9"},
        {"a=\xe9", "a", "\xc3\xa9"}, /* not UTF-8: ISO 8859-1 */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Props *p = parsed(cases[i].text);
        const Prop *prop = props_get(p, cases[i].key);
        if (!prop) fail_msg("'%s': no key '%s'", cases[i].text, cases[i].key);
        assert_string_equal(prop->value, cases[i].value);
        p = props_free(p);
        assert_null(p);
    }
}

static void order_and_lines_are_kept(void **state) {
    (void)state;
    Props *p = parsed("# top\nz=1\n\na=2\\\n  3\nb=4\nz=5\n");
    assert_int_equal(props_count(p), 3);
    assert_string_equal(props_at(p, 0)->key, "z");
    assert_string_equal(props_at(p, 2)->key, "b");
    assert_prop(p, "a", "23", 4);
    assert_prop(p, "b", "4", 6);
    assert_prop(p, "z", "5", 7);
    assert_int_equal(props_get(p, "z")->earlier_line, 2);
    assert_int_equal(props_get(p, "a")->earlier_line, 0);
    char place[PROPS_PLACE_SIZE];
    assert_string_equal(props_place(props_get(p, "a"), place), "a.properties:4");
    assert_string_equal(props_origin(p), "a.properties");
    assert_string_equal(props_value(p, "none", "otherwise"), "otherwise");
    (void)props_free(p);
}

static void faults_of_a_properties_file_are_placed(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        const char *message;
    } cases[] = {
        {"a=1\nb=\\u12g4\n", 13, "a.properties:2: malformed \\uXXXX escape"},
        {"b=\\u12", 6, "a.properties:1: malformed \\uXXXX escape"},
        {"b=\\u0000", 8, "a.properties:1: malformed \\uXXXX escape"},
        {"b=\0", 3, "a.properties: holds a NUL byte"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Props *p = props_new();
        Err e = {0};
        assert_false(props_parse_properties(p, "a.properties", (Str){cases[i].text, cases[i].n}, &e));
        assert_string_equal(e.msg, cases[i].message);
        (void)props_free(p);
    }
}

static void a_connector_in_json_is_read_in_both_forms(void **state) {
    (void)state;
    Props *p = props_new();
    Err e = {0};
    const char *whole =
        "{\n \"name\": \"orders\",\n \"config\": {\n  \"tasks.max\": 1,\n  \"x\": true, \"y\": null,\n"
        "  \"z\": \"a\\\"}{\\u00e9\",\n  \"d\": 1.5\n }\n}";
    if (!props_parse_json(p, "a.json", str_from(whole), &e)) fail_msg("%s", e.msg);
    assert_prop(p, "name", "orders", 0);
    assert_prop(p, "tasks.max", "1", 4);
    assert_prop(p, "x", "true", 5);
    assert_null(props_get(p, "y"));
    assert_prop(p, "z", "a\"}{\xc3\xa9", 6);
    assert_prop(p, "d", "1.5", 7);
    (void)props_free(p);
    p = props_new();
    const char *flat = "{\"name\":\"orders\",\n\"connector.class\":\"X\"}";
    if (!props_parse_json(p, "a.json", str_from(flat), &e)) fail_msg("%s", e.msg);
    assert_prop(p, "name", "orders", 1);
    assert_prop(p, "connector.class", "X", 2);
    (void)props_free(p);
}

static void faults_of_a_json_file_are_placed_and_show_no_value(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "a.json:1: not JSON: '[' or '{' expected"},
        {"{\n\"password\": \"geheim\n\"}", "a.json:2: not JSON: unexpected newline"},
        {"{\"a\":1,\n\"a\":2}", "a.json:2: not JSON: duplicate object key"},
        {"[]", "a.json: expected a JSON object"},
        {"{\"a\":\n{}}", "a.json:1: a: expected a text, a number, true or false"},
        {"{\"name\":\"x\",\"config\":{\n\"name\":\"y\"}}",
         "a.json:2: name: 'y' is not the connector's name 'x'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Props *p = props_new();
        Err e = {0};
        assert_false(props_parse_json(p, "a.json", str_from(cases[i].text), &e));
        assert_string_equal(e.msg, cases[i].message);
        (void)props_free(p);
    }
}

static void files_are_told_apart_by_their_ending(void **state) {
    (void)state;
    Props *p = props_new();
    Err e = {0};
    assert_true(props_load(p, file_with("a=b\n", ".properties"), &e));
    assert_prop(p, "a", "b", 1);
    assert_true(props_load(p, file_with("{\"a\":\"c\"}", ".json"), &e));
    assert_prop(p, "a", "c", 1);
    assert_int_equal(props_get(p, "a")->earlier_line, 0); /* another file: meant */
    assert_false(props_load(p, "/tmp/x.yaml", &e));
    assert_string_equal(e.msg, "/tmp/x.yaml: expected a file that ends in .properties or .json");
    assert_false(props_load(p, "/nowhere/x.json", &e));
    assert_string_equal(e.msg, "/nowhere/x.json: No such file or directory");
    assert_int_equal(e.code, ERR_IO);
    (void)props_free(p);
}

static void a_file_has_a_bounded_size(void **state) {
    (void)state;
    Props *p = props_new();
    Err e = {0};
    CLEANUP_FREE char *text = x_malloc(PROPS_MAX_FILE_BYTES + 2);
    memset(text, '#', PROPS_MAX_FILE_BYTES + 1);
    text[PROPS_MAX_FILE_BYTES + 1] = '\0';
    const char *path = file_with(text, ".properties");
    assert_false(props_load(p, path, &e));
    assert_int_equal(e.code, ERR_RANGE);
    assert_int_equal(unlink(path), 0);
    assert_false(props_load(p, "/tmp", &e));
    assert_true(props_parse_properties(p, "a", (Str){text, PROPS_MAX_FILE_BYTES}, &e));
    (void)props_free(p);
}

static void references_are_replaced_by_what_they_name(void **state) {
    (void)state;
    assert_int_equal(setenv("TEST_PROPS_HOST", "db1", 1), 0);
    const char *path = file_with("pass\\:word = ge${env:X}heim\nuser=u\n", ".properties");
    CLEANUP_FREE char *text =
        x_asprintf("a=${env:TEST_PROPS_HOST}\nb=<${env::TEST_PROPS_HOST}|${file:%s:user}>\n"
                   "c=${file:%s:pass:word}\nd=${topic}-${source.schema}${\ne=plain\n",
                   path, path);
    Props *p = parsed(text);
    Err e = {0};
    if (!props_resolve(p, &e)) fail_msg("%s", e.msg);
    assert_prop(p, "a", "db1", 1);
    assert_prop(p, "b", "<db1|u>", 2);
    assert_prop(p, "c", "ge${env:X}heim", 3); /* not looked into again */
    assert_prop(p, "d", "${topic}-${source.schema}${", 4);
    assert_true(props_get(p, "a")->is_reference);
    assert_false(props_get(p, "d")->is_reference);
    Props *other = props_new();
    props_add(other, props_get(p, "c"));
    assert_prop(other, "c", "ge${env:X}heim", 3);
    assert_true(props_get(other, "c")->is_reference);
    (void)props_free(other);
    assert_false(props_get(p, "e")->is_reference);
    (void)props_free(p);
}

static void a_reference_that_cannot_be_resolved_is_named(void **state) {
    (void)state;
    (void)unsetenv("TEST_PROPS_NONE");
    const char *path = file_with("secret=geheim\n", ".properties");
    CLEANUP_FREE char *no_key = x_asprintf("a=${file:%s:other}", path);
    CLEANUP_FREE char *no_key_message =
        x_asprintf("a.properties:1: a: '${file:%s:other}': %s has no key 'other'", path, path);
    const struct {
        const char *text, *message;
    } cases[] = {
        {"\na=${env:TEST_PROPS_NONE}",
         "a.properties:2: a: '${env:TEST_PROPS_NONE}': the environment variable TEST_PROPS_NONE is not set"},
        {"a=${vault:secret/db:password}", "a.properties:1: a: '${vault:secret/db:password}': unknown config "
                                          "provider 'vault', expected env or file"},
        {"a=${file:/nowhere/x:k}",
         "a.properties:1: a: '${file:/nowhere/x:k}': /nowhere/x: No such file or directory"},
        {"a=${file:k}", "a.properties:1: a: '${file:k}': expected ${file:PATH:KEY}"},
        {no_key, no_key_message},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Props *p = parsed(cases[i].text);
        Err e = {0};
        assert_false(props_resolve(p, &e));
        assert_string_equal(e.msg, cases[i].message);
        (void)props_free(p);
    }
    assert_int_equal(unlink(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_as_java_reads_it),
        cmocka_unit_test(order_and_lines_are_kept),
        cmocka_unit_test(faults_of_a_properties_file_are_placed),
        cmocka_unit_test(a_connector_in_json_is_read_in_both_forms),
        cmocka_unit_test(faults_of_a_json_file_are_placed_and_show_no_value),
        cmocka_unit_test(files_are_told_apart_by_their_ending),
        cmocka_unit_test(a_file_has_a_bounded_size),
        cmocka_unit_test(references_are_replaced_by_what_they_name),
        cmocka_unit_test(a_reference_that_cannot_be_resolved_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
