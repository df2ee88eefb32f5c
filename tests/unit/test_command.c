#include "cli/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/pair.h"
#include "test.h"

static const ArgDef defs[] = {COMMAND_ENDS};
enum { DEFS = sizeof defs / sizeof *defs };

/* What command_pair says on stderr for these arguments; it has to refuse them. */
static const char *refusal(int argc, const char **argv) {
    static char text[2048];
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    Args args = {0};
    Err e = {0};
    assert_true(args_parse(defs, DEFS, argc, argv, &args, &e));
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    Pair pair = {0};
    bool ok = command_pair(&args, &pair);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(ends[1]);
    (void)close(saved);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    (void)close(ends[0]);
    text[n > 0 ? n : 0] = '\0';
    assert_false(ok);
    return text;
}

static void files_and_addresses_exclude_each_other(void **state) {
    (void)state;
    const char *argv[] = {"run", "--from=mssql://h/d", "--to=postgresql:///d", "a.json"};
    assert_string_equal(refusal(4, argv), "millrace: give files, or --from and --to, not both\n");
}

static void the_two_addresses_go_together(void **state) {
    (void)state;
    const char *argv[] = {"run", "--from=mssql://h/d"};
    assert_string_equal(refusal(2, argv), "millrace: --from and --to go together\n");
}

static void a_file_that_is_not_there_is_named(void **state) {
    (void)state;
    const char *argv[] = {"run", "/nonexistent/source.json"};
    assert_non_null(strstr(refusal(2, argv), "/nonexistent/source.json"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_addresses_exclude_each_other),
        cmocka_unit_test(the_two_addresses_go_together),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
