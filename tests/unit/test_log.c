#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

static int fds[2]; /* a pipe: the log's end, ours */
static char text[16 * 1024];

static int open_pipe(void **state) {
    (void)state;
    if (pipe(fds) != 0) return -1;
    log_set_fd(fds[1]);
    return 0;
}

static int close_pipe(void **state) {
    (void)state;
    log_set_fd(STDERR_FILENO);
    log_set_level(LOG_LEVEL_INFO);
    (void)close(fds[0]);
    return close(fds[1]);
}

/* What one call wrote, without the time stamp. */
static const char *line(void) {
    ssize_t n = read(fds[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_memory_equal(text, "ts=2", 4);
    const char *level = strstr(text, " level=");
    assert_non_null(level);
    return level + 1;
}

static void a_line_is_logfmt(void **state) {
    (void)state;
    LOG_INFO("snapshot_done", LOG_S("table", "dbo.Orders"), LOG_I("rows", 1200), LOG_F("seconds", 0.25));
    assert_string_equal(line(), "level=info event=snapshot_done table=dbo.Orders rows=1200 seconds=0.25\n");
    log_write(LOG_LEVEL_ERROR, "stopped", NULL, 0);
    assert_string_equal(line(), "level=error event=stopped\n");
}

static void values_are_quoted_and_escaped_so_that_a_line_stays_one(void **state) {
    (void)state;
    LOG_WARN("odd", LOG_S("a", "x y"), LOG_S("b", "say \"hi\"\\"), LOG_S("c", "1\n2\r\t\x01\x7f"),
             LOG_S("d", ""), LOG_S("e", NULL), LOG_S("f", "k=v"), LOG_S("g", "\xc3\xa4"));
    assert_string_equal(line(), "level=warn event=odd a=\"x y\" b=\"say \\\"hi\\\"\\\\\" "
                                "c=\"1\\n2\\r\\t\\u0001\\u007f\" d=\"\" e=\"\" f=\"k=v\" g=\xc3\xa4\n");
}

static void a_level_that_is_off_writes_nothing(void **state) {
    (void)state;
    LOG_DEBUG("hidden", LOG_I("n", 1));
    assert_false(log_is_on(LOG_LEVEL_DEBUG));
    log_set_level(LOG_LEVEL_WARN);
    LOG_INFO("hidden", LOG_I("n", 2));
    LOG_ERROR("shown", LOG_I("n", 3));
    assert_string_equal(line(), "level=error event=shown n=3\n");
    log_set_level(LOG_LEVEL_DEBUG);
    LOG_DEBUG("shown", LOG_I("n", 4));
    assert_string_equal(line(), "level=debug event=shown n=4\n");
    log_set_level(LOG_LEVEL_INFO);
}

static void an_overlong_line_is_cut_and_says_so(void **state) {
    (void)state;
    static char huge[3 * 4096 + 1];
    for (size_t i = 0; i + 2 < sizeof huge; i += 2) memcpy(huge + i, "\xc3\xa4", 2);
    LOG_INFO("long", LOG_S("v", huge), LOG_I("lost", 1));
    const char *got = line();
    size_t n = strlen(got);
    assert_in_range(n, 4000, 4096);
    assert_memory_equal(got + n - 6, "\xc3\xa4\xe2\x80\xa6\n", 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_logfmt),
        cmocka_unit_test(values_are_quoted_and_escaped_so_that_a_line_stays_one),
        cmocka_unit_test(a_level_that_is_off_writes_nothing),
        cmocka_unit_test(an_overlong_line_is_cut_and_says_so),
    };
    return cmocka_run_group_tests(tests, open_pipe, close_pipe);
}
