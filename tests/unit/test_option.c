#include "config/option.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const MODES[] = {"initial", "initial_only", "no_data", NULL};
static const char *const MODES_NOT_YET[] = {"when_needed", NULL};
static const char *const CLASSES[] = {"io.debezium.Source", NULL};

static const OptionDef DEFS[] = {
    {.key = "connector.class", .type = OPTION_CLASS, .values = CLASSES, .standard = "io.debezium.Source"},
    {.key = "topic.prefix", .type = OPTION_STRING, .is_required = true, .help = "the name of the source"},
    {.key = "database.password", .type = OPTION_PASSWORD},
    {.key = "connection.url", .type = OPTION_STRING, .is_secret = true},
    {.key = "database.port", .type = OPTION_INT, .standard = "1433", .min = 1, .max = 65535},
    {.key = "max.queue.size.in.bytes", .type = OPTION_LONG, .standard = "0", .unit = "bytes"},
    {.key = "max.batch.size", .type = OPTION_INT, .standard = "2048", .unit = "rows"},
    {.key = "poll.interval.ms", .type = OPTION_DURATION, .standard = "500", .min = 1, .max = INT64_MAX},
    {.key = "tombstones.on.delete", .type = OPTION_BOOL, .standard = "true"},
    {.key = "database.names", .type = OPTION_LIST},
    {.key = "table.include.list", .type = OPTION_REGEXES, .alias = "table.whitelist"},
    {.key = "snapshot.query.mode",
     .type = OPTION_ENUM,
     .standard = "initial",
     .values = MODES,
     .values_not_yet = MODES_NOT_YET,
     .values_reason = "it is Java"},
    {.key = "snapshot.mode",
     .type = OPTION_ENUM,
     .standard = "initial",
     .values = MODES,
     .values_not_yet = MODES_NOT_YET},
    {.key = "heartbeat.interval.ms",
     .type = OPTION_DURATION,
     .standard = "0",
     .status = OPTION_NOT_YET,
     .reason = "no heartbeats are written"},
    {.key = "transforms", .type = OPTION_LIST, .status = OPTION_REFUSED, .reason = "rows would differ"},
    {.key = "converters",
     .type = OPTION_LIST,
     .status = OPTION_NO_SENSE,
     .reason = "Java classes can't be loaded"},
    {.key = "database.*", .type = OPTION_STRING},
    {.key = "column.mask.hash.*", .type = OPTION_STRING, .hides_key = true, .help = "x"},
    {.key = "schema.history.internal.*", .type = OPTION_STRING, .status = OPTION_NO_SENSE},
};

/* Parses a .properties text; the caller frees *o. */
static bool parsed(const char *text, Options **o, Err *e) {
    Props *p = props_new();
    if (!props_parse_properties(p, "s.properties", str_from(text), e)) fail_msg("%s", e->msg);
    bool ok = options_parse(DEFS, COUNT(DEFS), p, o, e);
    (void)props_free(p);
    return ok;
}

static void a_key_that_holds_a_secret_is_never_said(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_true(
        parsed("topic.prefix=a\ncolumn.mask.hash.MD5.PEPPER=x\ncolumn.mask.hash.MD5.PEPPER=y\n", &o, &e));
    assert_int_equal(options_warnings(o)->count, 1);
    assert_null(strstr(options_warnings(o)->items[0], "PEPPER"));
    assert_non_null(strstr(options_warnings(o)->items[0], "column.mask.hash.*"));
    options_free(o);
}

static void values_come_out_in_their_types(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    if (!parsed("topic.prefix= a b\ndatabase.password= ge heim \ndatabase.port= 1434 \n"
                "max.queue.size.in.bytes=99999999999\npoll.interval.ms=100\ntombstones.on.delete=False\n"
                "database.names=shop, stock\ntable.include.list=dbo\\\\.orders\nsnapshot.mode=NO_DATA\n",
                &o, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(options_warnings(o)->count, 0);
    assert_string_equal(options_str(o, "topic.prefix"), "a b");
    assert_string_equal(options_secret(o, "database.password"), "ge heim ");
    assert_int_equal(options_int(o, "database.port"), 1434);
    assert_true(options_int(o, "max.queue.size.in.bytes") == 99999999999);
    assert_int_equal(options_int(o, "poll.interval.ms"), 100);
    assert_false(options_bool(o, "tombstones.on.delete"));
    assert_int_equal(options_list(o, "database.names")->count, 2);
    assert_string_equal(options_list(o, "database.names")->items[1], "stock");
    assert_true(regexlist_match(options_regexes(o, "table.include.list"), STR_LIT("DBO.orders")));
    assert_string_equal(options_str(o, "snapshot.mode"), "no_data"); /* as the table writes it */
    assert_int_equal(options_enum(o, "snapshot.mode"), 2);
    assert_true(options_is_set(o, "snapshot.mode"));
    char place[PROPS_PLACE_SIZE];
    assert_string_equal(options_place(o, "database.port", place), "s.properties:3");
    assert_string_equal(options_place(o, "max.batch.size", place), "s.properties");
    o = options_free(o);
    assert_null(o);
}

static void what_is_not_set_has_its_default(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_true(parsed("topic.prefix=a", &o, &e));
    assert_int_equal(options_int(o, "database.port"), 1433);
    assert_true(options_bool(o, "tombstones.on.delete"));
    assert_int_equal(options_enum(o, "snapshot.mode"), 0);
    assert_null(options_secret(o, "database.password"));
    assert_null(options_regexes(o, "table.include.list"));
    assert_int_equal(options_list(o, "database.names")->count, 0);
    assert_false(options_is_set(o, "database.port"));
    (void)options_free(o);
}

static void each_error_is_one_line_with_its_place(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"tabel.include.list=a",
         "s.properties:2: unknown property 'tabel.include.list' (did you mean 'table.include.list'?)"},
        {"zzz=a", "s.properties:2: unknown property 'zzz'"},
        {"database.port=x",
         "s.properties:2: database.port: expected a whole number from 1 to 65535, not 'x'"},
        {"database.port=0",
         "s.properties:2: database.port: expected a whole number from 1 to 65535, not '0'"},
        {"database.port=",
         "s.properties:2: database.port: expected a whole number from 1 to 65535, not an empty text"},
        {"max.batch.size=1.5", "s.properties:2: max.batch.size: expected a whole number of rows, not '1.5'"},
        {"max.batch.size=3000000000", "s.properties:2: max.batch.size: expected a whole number of rows from "
                                      "-2147483648 to 2147483647, not '3000000000'"},
        {"poll.interval.ms=0",
         "s.properties:2: poll.interval.ms: expected a whole number of milliseconds from 1 to "
         "9223372036854775807, not '0'"},
        {"tombstones.on.delete=yes",
         "s.properties:2: tombstones.on.delete: expected true or false, not 'yes'"},
        {"snapshot.mode=initail",
         "s.properties:2: snapshot.mode: expected initial, initial_only or no_data, not "
         "'initail' (did you mean 'initial'?)"},
        {"snapshot.mode=when_needed",
         "s.properties:2: snapshot.mode: 'when_needed' is not supported yet; expected "
         "initial, initial_only or no_data, not 'when_needed'"},
        {"connector.class=X", "s.properties:2: connector.class: expected io.debezium.Source, not 'X'"},
        {"table.include.list=dbo.(",
         "s.properties:2: table.include.list: bad regular expression 'dbo.(': missing "
         "closing parenthesis at character 6"},
        {"snapshot.query.mode=when_needed",
         "s.properties:2: snapshot.query.mode: 'when_needed' is not supported: it is Java; expected initial, "
         "initial_only or no_data, not 'when_needed'"},
        {"transforms=route", "s.properties:2: transforms is not supported yet: rows would differ"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP_FREE char *text = x_asprintf("topic.prefix=a\n%s\n", cases[i][0]);
        Options *o = NULL;
        Err e = {0};
        assert_false(parsed(text, &o, &e));
        assert_int_equal(e.code == ERR_INVALID || e.code == ERR_RANGE, 1);
        assert_string_equal(e.msg, cases[i][1]);
        assert_int_equal(options_errors(o)->count, 1);
        (void)options_free(o);
    }
}

static void what_is_required_must_be_there_and_not_empty(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_false(parsed("database.port=1", &o, &e));
    assert_string_equal(e.msg, "s.properties: topic.prefix is required: the name of the source");
    o = options_free(o);
    assert_false(parsed("topic.prefix=", &o, &e));
    assert_string_equal(e.msg, "s.properties:1: topic.prefix: expected a value, not an empty text");
    (void)options_free(o);
}

static void all_errors_are_listed(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_false(parsed("database.port=x\nzzz=1\n", &o, &e));
    assert_string_equal(
        e.msg, "s.properties:1: database.port: expected a whole number from 1 to 65535, not 'x' (and 2 "
               "more errors)");
    assert_int_equal(options_errors(o)->count, 3);
    assert_string_equal(options_errors(o)->items[1], "s.properties:2: unknown property 'zzz'");
    (void)options_free(o);
}

static void what_changes_nothing_here_is_a_warning(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"heartbeat.interval.ms=10",
         "s.properties:2: heartbeat.interval.ms is not supported yet: no heartbeats are written"},
        {"heartbeat.interval.ms=0", NULL}, /* asks for what is done anyway */
        {"transforms=", NULL},
        {"converters=a", "s.properties:2: converters has no effect here: Java classes can't be loaded"},
        {"schema.history.internal.kafka.topic=h",
         "s.properties:2: schema.history.internal.kafka.topic has no effect here"},
        {"database.prot=1",
         "s.properties:2: database.prot is passed on as it is (did you mean 'database.port'?)"},
        {"database.encrypt=false", NULL},
        {"database.port=1\ndatabase.port=2",
         "s.properties:3: database.port is set in line 2 too; this one counts"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP_FREE char *text = x_asprintf("topic.prefix=a\n%s\n", cases[i][0]);
        Options *o = NULL;
        Err e = {0};
        if (!parsed(text, &o, &e)) fail_msg("%s", e.msg);
        assert_int_equal(options_warnings(o)->count, cases[i][1] != NULL);
        if (cases[i][1]) assert_string_equal(options_warnings(o)->items[0], cases[i][1]);
        (void)options_free(o);
    }
}

static void a_secret_is_in_no_message(void **state) {
    (void)state;
    static const OptionDef defs[] = {
        {.key = "n", .type = OPTION_INT, .is_secret = true},
        {.key = "m", .type = OPTION_ENUM, .values = MODES, .standard = "initial"},
        {.key = "r", .type = OPTION_REGEXES},
    };
    static const char *const expected[] = {
        "s: n: expected a whole number, not the value given (not shown)",
        "s: m: expected initial, initial_only or no_data, not the value given (not shown)",
        "s: r: expected regular expressions (value not shown)",
    };
    Props *source = props_new(), *p = props_new();
    Err e = {0};
    props_set(source, "m", STR_LIT("geheim"), "s", 0);
    props_set(source, "r", STR_LIT("(geheim"), "s", 0);
    props_set(p, "n", STR_LIT("geheim"), "s", 0);
    for (size_t i = 0; i < props_count(source); i++) {
        Prop hidden = *props_at(source, i);
        hidden.is_reference = true;
        props_add(p, &hidden);
    }
    Options *o = NULL;
    assert_false(options_parse(defs, COUNT(defs), p, &o, &e));
    assert_int_equal(options_errors(o)->count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(options_errors(o)->items[i], expected[i]);
    (void)options_free(o);
    (void)props_free(p);
    (void)props_free(source);
}

static void the_key_wins_over_its_alias(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_true(parsed("topic.prefix=a\ntable.whitelist=x", &o, &e));
    assert_string_equal(regexlist_text(options_regexes(o, "table.include.list"), 0), "x");
    o = options_free(o);
    static const char *const both[] = {"topic.prefix=a\ntable.whitelist=x\ntable.include.list=y",
                                       "topic.prefix=a\ntable.include.list=y\ntable.whitelist=x"};
    for (size_t i = 0; i < 2; i++) {
        assert_true(parsed(both[i], &o, &e));
        assert_string_equal(regexlist_text(options_regexes(o, "table.include.list"), 0), "y");
        assert_string_equal(options_warnings(o)->items[0],
                            "s.properties:3: table.whitelist and table.include.list "
                            "name the same; table.include.list counts");
        o = options_free(o);
    }
}

static void a_row_with_a_star_takes_what_has_no_row_of_its_own(void **state) {
    (void)state;
    Options *o = NULL;
    Err e = {0};
    assert_true(parsed(
        "topic.prefix=a\ndatabase.encrypt=false\ndatabase.port=1\ndatabase.applicationName=m\n", &o, &e));
    size_t at = 0;
    const char *key = NULL, *value = NULL;
    assert_true(options_next(o, "database.*", &at, &key, &value));
    assert_string_equal(key, "database.encrypt");
    assert_string_equal(value, "false");
    assert_true(options_next(o, "database.*", &at, &key, &value));
    assert_string_equal(key, "database.applicationName");
    assert_false(options_next(o, "database.*", &at, &key, &value));
    at = 0;
    assert_false(options_next(o, "schema.history.internal.*", &at, &key, &value));
    (void)options_free(o);
}

static void of_two_tables_the_first_counts(void **state) {
    (void)state;
    static const OptionDef first[] = {{.key = "a", .type = OPTION_INT, .standard = "1"}};
    static const OptionDef second[] = {{.key = "a", .type = OPTION_STRING, .standard = "x"},
                                       {.key = "b", .type = OPTION_STRING, .standard = "y"}};
    const OptionTable tables[] = {{first, 1}, {second, 2}};
    Props *p = props_new();
    Options *o = NULL;
    Err e = {0};
    assert_true(options_parse_tables(tables, 2, p, &o, &e));
    assert_int_equal(options_int(o, "a"), 1);
    assert_string_equal(options_str(o, "b"), "y");
    (void)options_free(o);
    (void)props_free(p);
}

static void warnings_and_errors_are_added_to_those_there_are(void **state) {
    (void)state;
    static const OptionDef defs[] = {{.key = "n", .type = OPTION_INT},
                                     {.key = "m", .type = OPTION_INT},
                                     OPTION_NO_SENSE_ROW("w", OPTION_STRING, "there is nothing to do")};
    const OptionTable table = {defs, 3};
    CLEANUP(textlist_done) TextList warnings = {0}, errors = {0};
    Props *p = props_new();
    Options *o = NULL;
    textlist_add(&errors, STR_LIT("an earlier one"));
    props_set(p, "n", STR_LIT("x"), "f", 1);
    props_set(p, "m", STR_LIT("y"), "f", 2);
    props_set(p, "w", STR_LIT("z"), "f", 3);
    assert_false(options_parse_all(&table, 1, p, &o, &warnings, &errors));
    assert_int_equal(errors.count, 3);
    assert_non_null(strstr(errors.items[2], "f:2"));
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.items[0], "there is nothing to do"));
    (void)options_free(o);
    (void)props_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_holds_a_secret_is_never_said),
        cmocka_unit_test(values_come_out_in_their_types),
        cmocka_unit_test(what_is_not_set_has_its_default),
        cmocka_unit_test(each_error_is_one_line_with_its_place),
        cmocka_unit_test(what_is_required_must_be_there_and_not_empty),
        cmocka_unit_test(all_errors_are_listed),
        cmocka_unit_test(what_changes_nothing_here_is_a_warning),
        cmocka_unit_test(a_secret_is_in_no_message),
        cmocka_unit_test(the_key_wins_over_its_alias),
        cmocka_unit_test(a_row_with_a_star_takes_what_has_no_row_of_its_own),
        cmocka_unit_test(of_two_tables_the_first_counts),
        cmocka_unit_test(warnings_and_errors_are_added_to_those_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
