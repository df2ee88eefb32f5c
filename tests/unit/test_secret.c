#include "config/secret.h"

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "test.h"

static const char *file_with(const char *text, size_t n) {
    static char path[64];
    (void)snprintf(path, sizeof path, "/tmp/test_secret_%d", (int)getpid());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void a_secret_comes_from_the_environment(void **state) {
    (void)state;
    CLEANUP(secret_done) Secret s = {0};
    Err e = {0};
    assert_int_equal(setenv("TEST_SECRET", "geheim", 1), 0);
    assert_true(secret_from_env("TEST_SECRET", &s, &e));
    assert_string_equal(s.text, "geheim");
    secret_done(&s);
    assert_null(s.text);
    assert_int_equal(unsetenv("TEST_SECRET"), 0);
    assert_false(secret_from_env("TEST_SECRET", &s, &e));
    assert_string_equal(e.msg, "the environment variable TEST_SECRET is not set");
}

static void a_secret_is_the_first_line_of_a_file(void **state) {
    (void)state;
    static const char *const texts[][2] = {{"geheim", "geheim"},
                                           {"geheim\n", "geheim"},
                                           {" ge heim \r\nmore\n", " ge heim "},
                                           {"", ""},
                                           {"\n", ""}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CLEANUP(secret_done) Secret s = {0};
        Err e = {0};
        assert_true(secret_from_file(file_with(texts[i][0], strlen(texts[i][0])), &s, &e));
        assert_string_equal(s.text, texts[i][1]);
    }
}

static void a_file_that_is_missing_or_too_long_is_refused(void **state) {
    (void)state;
    Secret s = {0};
    Err e = {0};
    assert_false(secret_from_file("/nowhere/password", &s, &e));
    assert_string_equal(e.msg, "/nowhere/password: No such file or directory");
    assert_int_equal(e.code, ERR_IO);
    char longer[SECRET_MAX_BYTES + 1];
    memset(longer, 'x', sizeof longer);
    assert_false(secret_from_file(file_with(longer, sizeof longer), &s, &e));
    assert_int_equal(e.code, ERR_RANGE);
    const char *path = file_with("a\0b", 3);
    assert_false(secret_from_file(path, &s, &e));
    assert_true(secret_from_file(file_with(longer, sizeof longer - 1), &s, &e));
    secret_done(&s);
    assert_int_equal(unlink(path), 0);
}

static bool ends_with(const char *text, size_t n, const char *end) {
    size_t k = strlen(end);
    return n >= k && memcmp(text + n - k, end, k) == 0;
}

/* Ask in a child with a terminal of its own; type keys once the prompt is there. Returns the child's exit
 * status: 0 = it got `expected`, else the error's code. shown gets all that the terminal showed. The child
 * lives until its last line was read: what a terminal holds when its last user goes may be lost. */
static int ask_with_keys(const char *keys, const char *expected, char *shown, size_t size) {
    int terminal = -1, seen[2];
    assert_int_equal(pipe(seen), 0);
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        char unused;
        (void)close(seen[1]);
        Secret s = {0};
        Err e = {0};
        struct termios before, after;
        (void)tcgetattr(0, &before);
        bool ok = secret_prompt("Password: ", &s, &e);
        (void)tcgetattr(0, &after);
        if (read(seen[0], &unused, 1) != 0) _exit(102);
        if (before.c_lflag != after.c_lflag) _exit(101);
        if (ok) _exit(strcmp(s.text, expected) == 0 ? 0 : 100);
        _exit((int)e.code);
    }
    size_t n = 0;
    bool has_typed = false;
    for (;;) {
        ssize_t got = n + 1 < size ? read(terminal, shown + n, size - 1 - n) : -1;
        if (got <= 0) break; /* the child is gone */
        n += (size_t)got;
        shown[n] = '\0';
        if (has_typed && ends_with(shown, n, "\r\n")) break;
        if (has_typed || !strstr(shown, "Password: ")) continue;
        assert_int_equal(write(terminal, keys, strlen(keys)), strlen(keys));
        has_typed = true;
    }
    (void)close(seen[0]);
    (void)close(seen[1]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(terminal);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void the_prompt_shows_nothing_of_what_is_typed(void **state) {
    (void)state;
    char shown[256] = "";
    assert_int_equal(ask_with_keys("gexy\x7f\bheim\r", "geheim", shown, sizeof shown), 0);
    assert_string_equal(shown, "Password: \r\n");
    assert_int_equal(ask_with_keys("wrong\x15right\n", "right", shown, sizeof shown), 0);
    assert_int_equal(ask_with_keys("\xc3\xa4\x7f"
                                   "a\n",
                                   "a", shown, sizeof shown),
                     0);
    assert_int_equal(ask_with_keys("\n", "", shown, sizeof shown), 0);
}

static void the_prompt_can_be_left(void **state) {
    (void)state;
    char shown[256] = "";
    assert_int_equal(ask_with_keys("ge\x03", "", shown, sizeof shown), ERR_CANCELLED);
    assert_int_equal(ask_with_keys("\x04", "", shown, sizeof shown), ERR_CANCELLED);
}

static void without_a_terminal_the_prompt_says_so(void **state) {
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        Secret s = {0};
        Err e = {0};
        if (setsid() < 0) _exit(99);
        bool ok = secret_prompt("Password: ", &s, &e);
        _exit(ok || e.code != ERR_IO);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_comes_from_the_environment),
        cmocka_unit_test(a_secret_is_the_first_line_of_a_file),
        cmocka_unit_test(a_file_that_is_missing_or_too_long_is_refused),
        cmocka_unit_test(the_prompt_shows_nothing_of_what_is_typed),
        cmocka_unit_test(the_prompt_can_be_left),
        cmocka_unit_test(without_a_terminal_the_prompt_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
