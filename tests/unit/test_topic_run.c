#include "cli/topic_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postgres/topic_writer.h"
#include "test.h"

static char folder[] = "/tmp/topic_run.XXXXXX";
enum { PATH_SIZE = 64 };

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    static const char *const names[] = {"worker.properties", "a.properties", "b.properties"};
    char path[PATH_SIZE];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static const char *file(const char *name, const char *text, char path[static PATH_SIZE]) {
    (void)snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

#define SOURCE(name, databases)                                                                              \
    "name=" name "\nconnector.class=io.debezium.connector.sqlserver.SqlServerConnector\n"                    \
    "topic.prefix=p\ndatabase.hostname=h\ndatabase.user=u\ndatabase.password=x\n"                            \
    "database.names=" databases "\ntasks.max=3\n"
#define WORKER "bootstrap.servers=127.0.0.1:9092\ngroup.id=g\nvalue.converter.schemas.enable=false\n"

static void a_worker_with_brokers_takes_any_number_of_connectors(void **state) {
    (void)state;
    char w[PATH_SIZE], a[PATH_SIZE], b[PATH_SIZE];
    const char *files[] = {file("worker.properties", WORKER, w), file("a.properties", SOURCE("a", "x,y"), a),
                           file("b.properties", SOURCE("b", "z"), b)};
    TopicRun run = {0};
    TextList warnings = {0}, problems = {0};
    assert_true(topic_run_is_meant(files, 3));
    assert_false(topic_run_is_meant(files + 1, 2));
    if (!topic_run_from_files(files, 3, &run, &warnings, &problems)) fail_msg("%s", problems.items[0]);
    assert_int_equal(run.source_count, 2);
    assert_int_equal(pair_parts(&run.sources[0]), 2);
    assert_int_equal(pair_parts(&run.sources[1]), 1);
    assert_string_equal(run.sources[1].pipeline, "b");
    assert_string_equal(options_str(run.sources[0].sink.options, "group.id"), "g");
    assert_int_equal(warnings.count, 2);
    assert_non_null(strstr(warnings.items[0], "tasks.max: 3 tasks for 2 databases"));
    assert_non_null(strstr(warnings.items[1], "tasks.max: 3 tasks for 1 database:"));
    textlist_done(&warnings);
    topic_run_done(&run);
}

#define CONFLUENT   "io.confluent.connect.jdbc.JdbcSinkConnector"
#define DEBEZIUM    "io.debezium.connector.jdbc.JdbcSinkConnector"
#define SINK(class) "name=s\nconnector.class=" class "\ntopics=t\nconnection.url=postgresql://h/d\n"

static TopicFieldRules rules_of(const char *sink) {
    char w[PATH_SIZE], a[PATH_SIZE];
    const char *files[] = {file("worker.properties", WORKER, w), file("a.properties", sink, a)};
    TopicRun run = {0};
    TextList warnings = {0}, problems = {0};
    if (!topic_run_from_files(files, 2, &run, &warnings, &problems)) fail_msg("%s", problems.items[0]);
    assert_int_equal(warnings.count, 0);
    TopicFieldRules rules = postgres_topic_writer_class.field_rules(run.sinks[0].options);
    topic_run_done(&run);
    return rules;
}

static void a_sink_s_class_says_how_fields_become_columns(void **state) {
    (void)state;
    TopicFieldRules rules = rules_of(SINK(CONFLUENT));
    assert_false(rules.source_names_columns);
    assert_true(rules.fills_defaults);
    assert_false(rules_of(SINK(CONFLUENT) "replace.null.with.default=false\n").fills_defaults);
    rules = rules_of(SINK(DEBEZIUM) "replace.null.with.default=true\n");
    assert_true(rules.source_names_columns);
    assert_false(rules.fills_defaults);
}

static void all_problems_are_told(void **state) {
    (void)state;
    char w[PATH_SIZE], a[PATH_SIZE], b[PATH_SIZE];
    const char *files[] = {file("worker.properties", WORKER "grop.id=x\n", w),
                           file("a.properties", SOURCE("a", "x"), a),
                           file("b.properties", SOURCE("a", "z") "topic.prefx=q\n", b)};
    TopicRun run = {0};
    TextList warnings = {0}, problems = {0};
    assert_false(topic_run_from_files(files, 3, &run, &warnings, &problems));
    assert_int_equal(problems.count, 3);
    assert_non_null(strstr(problems.items[0], "grop.id"));
    assert_non_null(strstr(problems.items[1], "another connector 'a'"));
    assert_non_null(strstr(problems.items[2], "topic.prefx"));
    textlist_done(&warnings);
    textlist_done(&problems);
}

static void no_connector_at_all_is_a_problem(void **state) {
    (void)state;
    char w[PATH_SIZE];
    const char *files[] = {file("worker.properties", WORKER, w)};
    TopicRun run = {0};
    TextList warnings = {0}, problems = {0};
    assert_false(topic_run_from_files(files, 1, &run, &warnings, &problems));
    assert_non_null(strstr(problems.items[0], "connector.class"));
    textlist_done(&warnings);
    textlist_done(&problems);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_with_brokers_takes_any_number_of_connectors),
        cmocka_unit_test(a_sink_s_class_says_how_fields_become_columns),
        cmocka_unit_test(all_problems_are_told),
        cmocka_unit_test(no_connector_at_all_is_a_problem),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
