#include "convert/registry.h"

#include "base/clock.h"
#include "convert/avro_type.h"
#include "fake_registry.h"

static Registry *over(const char *const *urls, size_t count, const char *user) {
    return registry_new(&(RegistrySettings){.urls = urls,
                                            .url_count = count,
                                            .http = {.user = user, .password = "p"},
                                            .max_retries = 2,
                                            .wait_ms = 1,
                                            .max_wait_ms = 2});
}

static Registry *over_one(FakeRegistry *f) {
    const char *urls[] = {f->http.url};
    return over(urls, 1, NULL);
}

static void a_schema_is_registered_once_and_found_by_number(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    fake_start(&f);
    Registry *r = over_one(&f);
    int32_t id = 0, again = 0;
    assert_false(registry_id(r, STR_LIT("a/b-value"), STR_LIT("\"int\""), false, &id, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "auto.register.schemas=false"));
    assert_true(registry_id(r, STR_LIT("a/b-value"), STR_LIT("\"int\""), true, &id, &e));
    assert_true(registry_id(r, STR_LIT("a/b-value"), STR_LIT("\"int\""), false, &again, &e));
    assert_int_equal(id, again);
    assert_string_equal(f.schemas[0].subject, "a%2Fb-value");
    RegistrySchema s = {0};
    assert_true(registry_by_id(r, id, &s, &e));
    assert_int_equal(s.texts.count, 1);
    assert_string_equal(s.texts.items[0], "\"int\"");
    textlist_done(&s.texts);
    assert_true(registry_latest(r, STR_LIT("a/b-value"), &s, &e));
    assert_int_equal(s.id, id);
    textlist_done(&s.texts);
    assert_false(registry_by_id(r, 99, &s, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_false(e.retriable);
    assert_false(registry_latest(r, STR_LIT("c"), &s, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "Subject not found"));
    registry_free(r);
    fake_stop(&f);
}

static void its_compatibility_is_asked(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    CLEANUP(buf_done) Buf text = {0};
    fake_start(&f);
    Registry *r = over_one(&f);
    assert_true(registry_compatibility(r, &text, &e));
    assert_string_equal(buf_text(&text), "BACKWARD");
    f.wants = "Authorization";
    assert_false(registry_compatibility(r, &text, &e));
    assert_int_equal(e.code, ERR_INVALID);
    registry_free(r);
    fake_stop(&f);
}

static void what_may_pass_is_tried_again_and_then_is_retriable(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    int32_t id = 0;
    static const int faults[] = {500, 503, 429, 0};
    fake_start(&f);
    Registry *r = over_one(&f);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        atomic_store(&f.fault, faults[i]);
        atomic_store(&f.failing, 2); /* the third is answered */
        if (!registry_id(r, STR_LIT("s"), STR_LIT("\"int\""), true, &id, &e)) fail_msg("%s", e.msg);
        atomic_store(&f.failing, 3);
        assert_false(registry_id(r, STR_LIT("s"), STR_LIT("\"int\""), true, &id, &e));
        assert_true(e.retriable);
        assert_true(e.code == ERR_IO || e.code == ERR_TIMEOUT);
        assert_int_equal(atomic_load(&f.failing), 0);
    }
    registry_free(r);
    fake_stop(&f);
}

static void another_address_takes_over(void **state) {
    (void)state;
    FakeRegistry dead, f;
    Err e = {0};
    int32_t id = 0;
    fake_start(&dead);
    fake_start(&f);
    const char *urls[] = {dead.http.url, f.http.url};
    char gone[64];
    (void)snprintf(gone, sizeof gone, "%s", dead.http.url);
    urls[0] = gone;
    fake_stop(&dead);
    Registry *r = over(urls, 2, NULL);
    for (int i = 0; i < 3; i++) assert_true(registry_id(r, STR_LIT("s"), STR_LIT("\"int\""), true, &id, &e));
    assert_int_equal(atomic_load(&f.http.requests), 3);
    registry_free(r);
    fake_stop(&f);
}

static void no_right_is_said_with_the_property(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    int32_t id = 0;
    fake_start(&f);
    f.wants = "Authorization: Basic am9lOnA="; /* joe:p */
    Registry *r = over_one(&f);
    assert_false(registry_id(r, STR_LIT("s"), STR_LIT("\"int\""), true, &id, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_false(e.retriable);
    assert_non_null(strstr(e.msg, "401"));
    assert_non_null(strstr(e.msg, "basic.auth.user.info"));
    registry_free(r);
    const char *urls[] = {f.http.url};
    r = over(urls, 1, "joe");
    assert_true(registry_id(r, STR_LIT("s"), STR_LIT("\"int\""), true, &id, &e));
    registry_free(r);
    fake_stop(&f);
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define RECORD_OF(name, type)                                                                                \
    "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[{\"name\":\"x\",\"type\":\"" type "\"}]}"

static void a_schema_that_isnt_compatible_shows_its_field(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    int32_t id = 0;
    fake_start(&f);
    Registry *r = over_one(&f);
    assert_true(
        registry_id(r, STR_LIT("s"), STR_LIT(RECORD("{\"name\":\"a\",\"type\":\"int\"}")), true, &id, &e));
    f.is_incompatible = true;
    assert_false(registry_id(r, STR_LIT("s"),
                             STR_LIT(RECORD("{\"name\":\"a\",\"type\":\"string\"},"
                                            "{\"name\":\"b\",\"type\":\"int\"}")),
                             true, &id, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "subject s "));
    assert_non_null(strstr(e.msg, "field a changes its type from int to string"));
    assert_non_null(strstr(e.msg, "field b is new and has no default"));
    assert_non_null(strstr(e.msg, "Incompatible schema"));
    registry_free(r);
    fake_stop(&f);
}

static void a_schema_that_another_client_registers_meanwhile_is_looked_up(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    int32_t id = 0;
    fake_start(&f);
    Registry *r = over_one(&f);
    const char *schema = RECORD("{\"name\":\"a\",\"type\":\"int\"}");
    (void)fake_add(&f, STR_LIT("s"), schema);
    atomic_store(&f.fault, 409);
    atomic_store(&f.failing, 1);
    if (!registry_id(r, STR_LIT("s"), str_from(schema), true, &id, &e)) fail_msg("%s", e.msg);
    assert_int_equal(id, 1);
    assert_int_equal(e.code, ERR_OK);
    registry_free(r);
    fake_stop(&f);
}

static int not_a_registry(HttpRig *rig, const RigRequest *r, Buf *reply) {
    (void)rig, (void)r;
    buf_cstr(reply, "<html>hello</html>");
    return 200;
}

static void what_isnt_a_registry_is_said(void **state) {
    (void)state;
    HttpRig rig;
    Err e = {0};
    int32_t id = 0;
    http_rig_start(&rig, not_a_registry, NULL);
    const char *urls[] = {rig.url};
    Registry *r = over(urls, 1, NULL);
    assert_false(registry_id(r, STR_LIT("s"), STR_LIT("\"int\""), true, &id, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "/apis/ccompat/v7"));
    registry_free(r);
    http_rig_stop(&rig);
}

static int nothing_there(HttpRig *rig, const RigRequest *r, Buf *reply) {
    (void)rig, (void)r;
    return fake_error(reply, 404, 404, "Could not find resource for full path");
}

static void a_path_that_isnt_there_is_no_unknown_schema(void **state) {
    (void)state;
    HttpRig rig;
    Err e = {0};
    RegistrySchema s = {0};
    http_rig_start(&rig, nothing_there, NULL);
    const char *urls[] = {rig.url};
    Registry *r = over(urls, 1, NULL);
    assert_false(registry_by_id(r, 1, &s, &e));
    assert_int_equal(e.code, ERR_INVALID); /* not a dead letter for each record */
    assert_non_null(strstr(e.msg, "/apis/ccompat/v7"));
    registry_free(r);
    http_rig_stop(&rig);
}

static void a_number_that_isnt_there_is_one_records_fault_by_any_of_the_codes(void **state) {
    (void)state;
    static const int codes[] = {40401, 40402, 40403};
    FakeRegistry f;
    RegistrySchema s = {0};
    fake_start(&f);
    Registry *r = over_one(&f);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        Err e = {0};
        f.unknown_code = codes[i];
        assert_false(registry_by_id(r, 7, &s, &e));
        assert_int_equal(e.code, ERR_DATA);
        assert_non_null(strstr(e.msg, "no schema 7"));
    }
    registry_free(r);
    fake_stop(&f);
}

static int with_references(HttpRig *rig, const RigRequest *r, Buf *reply) {
    (void)rig;
    bool is_inner = str_starts(r->path, STR_LIT("/subjects/inner/versions/3"));
    buf_cstr(reply,
             is_inner
                 ? "{\"subject\":\"inner\",\"version\":3,\"id\":1,\"schema\":\"{\\\"type\\\":\\\"enum\\\","
                   "\\\"name\\\":\\\"E\\\",\\\"symbols\\\":[\\\"A\\\"]}\"}"
                 : "{\"schema\":\"[\\\"null\\\",\\\"E\\\"]\",\"references\":[{\"name\":\"E\",\"subject\":"
                   "\"inner\",\"version\":3}]}");
    return 200;
}

static void references_come_before_what_refers_to_them(void **state) {
    (void)state;
    HttpRig rig;
    Err e = {0};
    RegistrySchema s = {0};
    http_rig_start(&rig, with_references, NULL);
    const char *urls[] = {rig.url};
    Registry *r = over(urls, 1, NULL);
    assert_true(registry_by_id(r, 5, &s, &e));
    assert_int_equal(s.texts.count, 2);
    assert_non_null(strstr(s.texts.items[0], "enum"));
    assert_string_equal(s.texts.items[1], "[\"null\",\"E\"]");
    textlist_done(&s.texts);
    registry_free(r);
    http_rig_stop(&rig);
}

static void a_number_that_isnt_there_yet_is_asked_for_once_more(void **state) {
    (void)state;
    FakeRegistry slow, quick;
    RegistrySchema s = {0};
    Err e = {0};
    fake_start(&slow);
    fake_start(&quick);
    (void)fake_add(&quick, STR_LIT("s"), "\"int\"");
    const char *urls[] = {slow.http.url, quick.http.url};
    Registry *r = over(&urls[1], 1, NULL);
    atomic_store(&quick.lagging, 1);
    if (!registry_by_id(r, 1, &s, &e)) fail_msg("%s", e.msg);
    textlist_done(&s.texts);
    atomic_store(&quick.lagging, 2); /* twice no is a no */
    assert_false(registry_by_id(r, 1, &s, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_int_equal(atomic_load(&quick.http.requests), 4);
    registry_free(r);
    r = over(urls, 2, NULL);
    if (!registry_by_id(r, 1, &s, &e)) fail_msg("%s", e.msg);
    textlist_done(&s.texts);
    assert_int_equal(atomic_load(&slow.http.requests), 1);
    registry_free(r);
    fake_stop(&slow);
    fake_stop(&quick);
}

static void a_crowd_of_bad_numbers_costs_one_wait(void **state) {
    (void)state;
    FakeRegistry f;
    RegistrySchema s = {0};
    Err e = {0};
    fake_start(&f);
    const char *urls[] = {f.http.url};
    Registry *r =
        registry_new(&(RegistrySettings){.urls = urls, .url_count = 1, .wait_ms = 200, .max_wait_ms = 200});
    int64_t start = clock_mono_us();
    for (int i = 1; i <= 100; i++) assert_false(registry_by_id(r, i, &s, &e));
    assert_true(clock_mono_us() - start < 10 * 1000 * 1000); /* 100 waits would be 20 s */
    assert_int_equal(atomic_load(&f.http.requests), 200);
    registry_free(r);
    fake_stop(&f);
}

static void give_schema(Buf *reply, const char *schema, const char *references) {
    json_t *j = json_pack("{s:s}", "schema", schema), *list = json_loads(references, 0, NULL);
    assert_non_null(list);
    json_object_set_new(j, "references", list);
    CLEANUP_FREE char *text = json_dumps(j, JSON_COMPACT);
    buf_cstr(reply, text);
    json_decref(j);
}

/* R has A and B; A has C's first version, B its second. */
static int with_versions(HttpRig *rig, const RigRequest *r, Buf *reply) {
    (void)rig;
    CLEANUP_FREE char *path = str_dup(r->path);
    if (strstr(path, "/a/"))
        give_schema(reply, RECORD_OF("A", "C"), "[{\"name\":\"C\",\"subject\":\"c\",\"version\":1}]");
    else if (strstr(path, "/b/"))
        give_schema(reply, RECORD_OF("B", "C"), "[{\"name\":\"C\",\"subject\":\"c\",\"version\":2}]");
    else if (strstr(path, "/c/versions/1"))
        give_schema(reply, "{\"type\":\"enum\",\"name\":\"C\",\"symbols\":[\"one\"]}", "[]");
    else if (strstr(path, "/c/"))
        give_schema(reply, "{\"type\":\"enum\",\"name\":\"C\",\"symbols\":[\"two\"]}", "[]");
    else
        give_schema(
            reply,
            "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"A\"},{\"name\":"
            "\"b\",\"type\":\"B\"}]}",
            "[{\"name\":\"A\",\"subject\":\"a\",\"version\":1},{\"name\":\"B\",\"subject\":\"b\","
            "\"version\":1},{\"name\":\"C\",\"subject\":\"c\",\"version\":2}]");
    return 200;
}

static void the_first_reference_of_a_name_counts_and_is_fetched_once(void **state) {
    (void)state;
    HttpRig rig;
    RegistrySchema s = {0};
    AvroSchema *avro = NULL;
    Err e = {0};
    Str texts[8];
    http_rig_start(&rig, with_versions, NULL);
    const char *urls[] = {rig.url};
    Registry *r = over(urls, 1, NULL);
    if (!registry_by_id(r, 5, &s, &e)) fail_msg("%s", e.msg);
    assert_int_equal(s.texts.count, 4); /* C, A, B, R */
    assert_non_null(strstr(s.texts.items[0], "one"));
    assert_int_equal(atomic_load(&rig.requests), 4);
    for (size_t i = 0; i < s.texts.count; i++) texts[i] = str_from(s.texts.items[i]);
    if (!avro_type_parse(texts, s.texts.count, &avro, &e)) fail_msg("%s", e.msg);
    avro_type_free(avro);
    textlist_done(&s.texts);
    registry_free(r);
    http_rig_stop(&rig);
}

/* Each refers to the next one, without an end. */
static int with_a_chain(HttpRig *rig, const RigRequest *r, Buf *reply) {
    (void)rig;
    CLEANUP_FREE char *path = str_dup(r->path);
    const char *at = strstr(path, "/subjects/");
    unsigned long n = at ? strtoul(at + 10, NULL, 10) + 1 : 0;
    CLEANUP_FREE char *list = x_asprintf("[{\"name\":\"N%lu\",\"subject\":\"%lu\",\"version\":1}]", n, n);
    give_schema(reply, "\"int\"", list);
    return 200;
}

/* Two that refer to each other. */
static int with_a_circle(HttpRig *rig, const RigRequest *r, Buf *reply) {
    (void)rig;
    bool is_a = str_starts(r->path, STR_LIT("/subjects/a/"));
    give_schema(reply, is_a ? "\"int\"" : "\"long\"",
                is_a ? "[{\"name\":\"B\",\"subject\":\"b\",\"version\":1}]"
                     : "[{\"name\":\"A\",\"subject\":\"a\",\"version\":1}]");
    return 200;
}

/* Soft-deleted: it is there for who asks so. */
static int with_a_deleted_reference(HttpRig *rig, const RigRequest *r, Buf *reply) {
    if (str_starts(r->path, STR_LIT("/schemas/"))) return with_references(rig, r, reply);
    if (str_eq_c(r->path, "/subjects/inner/versions/3?deleted=true")) return with_references(rig, r, reply);
    return fake_error(reply, 404, 40402, "Version not found");
}

static int with_a_lost_reference(HttpRig *rig, const RigRequest *r, Buf *reply) {
    if (str_starts(r->path, STR_LIT("/schemas/"))) return with_references(rig, r, reply);
    return fake_error(reply, 404, 40402, "Version not found");
}

static bool asked_for_one(int (*answer)(HttpRig *, const RigRequest *, Buf *), Err *e) {
    HttpRig rig;
    RegistrySchema s = {0};
    http_rig_start(&rig, answer, NULL);
    const char *urls[] = {rig.url};
    Registry *r = over(urls, 1, NULL);
    bool ok = registry_by_id(r, 5, &s, e);
    textlist_done(&s.texts);
    registry_free(r);
    http_rig_stop(&rig);
    return ok;
}

static void a_reference_that_was_deleted_is_read_still(void **state) {
    (void)state;
    Err e = {0};
    if (!asked_for_one(with_a_deleted_reference, &e)) fail_msg("%s", e.msg);
    assert_false(asked_for_one(with_a_lost_reference, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "inner, version 3"));
}

static void references_come_to_an_end(void **state) {
    (void)state;
    Err e = {0};
    assert_false(asked_for_one(with_a_chain, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "more than 64"));
    if (!asked_for_one(with_a_circle, &e)) fail_msg("%s", e.msg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_is_registered_once_and_found_by_number),
        cmocka_unit_test(its_compatibility_is_asked),
        cmocka_unit_test(what_may_pass_is_tried_again_and_then_is_retriable),
        cmocka_unit_test(another_address_takes_over),
        cmocka_unit_test(no_right_is_said_with_the_property),
        cmocka_unit_test(a_schema_that_isnt_compatible_shows_its_field),
        cmocka_unit_test(a_schema_that_another_client_registers_meanwhile_is_looked_up),
        cmocka_unit_test(what_isnt_a_registry_is_said),
        cmocka_unit_test(a_path_that_isnt_there_is_no_unknown_schema),
        cmocka_unit_test(a_number_that_isnt_there_is_one_records_fault_by_any_of_the_codes),
        cmocka_unit_test(a_number_that_isnt_there_yet_is_asked_for_once_more),
        cmocka_unit_test(a_crowd_of_bad_numbers_costs_one_wait),
        cmocka_unit_test(references_come_before_what_refers_to_them),
        cmocka_unit_test(the_first_reference_of_a_name_counts_and_is_fetched_once),
        cmocka_unit_test(references_come_to_an_end),
        cmocka_unit_test(a_reference_that_was_deleted_is_read_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
