#include "base/mem.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static void no_size_gives_null(void **state) {
    (void)state;
    void *p = x_malloc(0), *q = x_calloc(0, 8);
    assert_non_null(p);
    assert_non_null(q);
    p = x_realloc(p, 0);
    assert_non_null(p);
    free(p);
    free(q);
}

static void calloc_gives_zeros(void **state) {
    (void)state;
    CLEANUP_FREE unsigned char *p = x_calloc(10, 10);
    for (int i = 0; i < 100; i++) assert_int_equal(p[i], 0);
}

static void copies_are_owned_and_terminated(void **state) {
    (void)state;
    CLEANUP_FREE char *a = x_strdup("abc");
    CLEANUP_FREE char *b = x_strndup("abcdef", 2);
    CLEANUP_FREE char *c = x_strndup("ab", 9);
    CLEANUP_FREE char *d = x_asprintf("%s-%d", a, 7);
    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "ab");
    assert_string_equal(d, "abc-7");
}

static void take_moves_out(void **state) {
    (void)state;
    CLEANUP_FREE char *a = x_strdup("abc");
    CLEANUP_FREE char *b = TAKE(a);
    assert_null(a);
    assert_string_equal(b, "abc");
}

static void an_overflowing_product_aborts(void **state) {
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        volatile size_t count = SIZE_MAX / 2;
        free(x_reallocarray(NULL, count, 3));
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_size_gives_null),
        cmocka_unit_test(calloc_gives_zeros),
        cmocka_unit_test(copies_are_owned_and_terminated),
        cmocka_unit_test(take_moves_out),
        cmocka_unit_test(an_overflowing_product_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
