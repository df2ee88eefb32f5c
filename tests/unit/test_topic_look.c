/* Servers that are away; those that answer are for the tests of topics. */
#include "cli/topic_look.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "test.h"

static char *write_file(const char *text) {
    char *path = x_strdup("/tmp/topic_look.XXXXXX.properties");
    int fd = mkstemps(path, (int)strlen(".properties"));
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void what_cant_be_asked_is_said_in_its_place(void **state) {
    (void)state;
    char *files[] = {
        write_file("bootstrap.servers=127.0.0.1:1\n"),
        write_file("name=src\nconnector.class=io.debezium.connector.sqlserver.SqlServerConnector\n"
                   "topic.prefix=p\ndatabase.hostname=127.0.0.1\ndatabase.port=1\ndatabase.user=u\n"
                   "database.password=x\ndatabase.names=a,b\ntasks.max=2\n"),
        write_file("name=snk\nconnector.class=io.debezium.connector.jdbc.JdbcSinkConnector\ntopics=t\n"
                   "connection.url=postgresql://127.0.0.1:1/d\nconnection.username=u\n"),
    };
    CLEANUP(textlist_done) TextList warnings = {0};
    CLEANUP(textlist_done) TextList problems = {0};
    TopicRun run = {0};
    TopicView view = {0};
    if (!topic_run_from_files((const char *const *)files, 3, &run, &warnings, &problems))
        fail_msg("%s", problems.items[0]);
    topic_look(&run, "snk", &view);
    assert_int_equal(view.source_count, 0);
    assert_int_equal(view.sink_count, 1);
    assert_string_equal(view.sinks[0].connector, "snk");
    assert_true(view.sinks[0].why_group[0] && view.sinks[0].why_target[0]);
    assert_false(topic_view_is_healthy(&view));
    topic_view_done(&view);
    topic_run_done(&run);
    for (size_t i = 0; i < 3; i++) {
        (void)unlink(files[i]);
        free(files[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_cant_be_asked_is_said_in_its_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
