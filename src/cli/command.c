#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/pair.h"
#include "cli/topic_run.h"

void command_error(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fputs("millrace: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

/* What was found wrong, on stderr; returns ok. */
static bool say(TextList *warnings, TextList *problems, bool ok) {
    for (size_t i = 0; i < warnings->count; i++) command_error("warning: %s", warnings->items[i]);
    for (size_t i = 0; i < problems->count; i++) command_error("%s", problems->items[i]);
    textlist_done(warnings);
    textlist_done(problems);
    return ok;
}

bool command_pair_found(const Args *args, Pair *ret, TextList *warnings, TextList *problems) {
    const char *from = args_value(args, "from"), *to = args_value(args, "to");
    if ((from || to) && args->operand_count > 0)
        textlist_printf(problems, "give files, or --from and --to, not both");
    else if ((from == NULL) != (to == NULL)) textlist_printf(problems, "--from and --to go together");
    else if (!from) return pair_from_files(args->operands, args->operand_count, ret, warnings, problems);
    else {
        const PairUrls urls = {.from = from,
                               .to = to,
                               .may_prompt = isatty(STDIN_FILENO) == 1,
                               .source_password_file = args_value(args, "source-password-file"),
                               .target_password_file = args_value(args, "target-password-file")};
        return pair_from_urls(&urls, ret, warnings, problems);
    }
    return false;
}

bool command_pair(const Args *args, Pair *ret) {
    TextList warnings = {0}, problems = {0};
    bool ok = command_pair_found(args, ret, &warnings, &problems);
    return say(&warnings, &problems, ok);
}

bool command_pair_or_target(const Args *args, Pair *ret, bool *ret_is_target_only) {
    *ret_is_target_only = args_has(args, "to") && !args_has(args, "from") && args->operand_count == 0;
    if (!*ret_is_target_only) return command_pair(args, ret);
    TextList warnings = {0}, problems = {0};
    const PairUrls urls = {.to = args_value(args, "to"),
                           .target_password_file = args_value(args, "target-password-file")};
    bool ok = pair_from_target(&urls, ret, &warnings, &problems);
    return say(&warnings, &problems, ok);
}

bool command_topics(const Args *args, TopicRun *ret) {
    TextList warnings = {0}, problems = {0};
    if (args_value(args, "from") || args_value(args, "to"))
        textlist_printf(&problems, "give files, or --from and --to, not both");
    bool ok = problems.count == 0 &&
              topic_run_from_files(args->operands, args->operand_count, ret, &warnings, &problems);
    return say(&warnings, &problems, ok);
}
