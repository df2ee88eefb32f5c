/* main.c - millrace's commands, their help, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"

static const Command *const commands[] = {&command_check, &command_cutover, &command_dlq,    &command_run,
                                          &command_setup, &command_signal,  &command_status, &command_verify};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print(Buf *text) {
    (void)fwrite(text->p, 1, text->n, stdout);
    buf_done(text);
}

static int help(void) {
    Buf out = {0};
    buf_cstr(&out, "millrace moves a SQL Server database into PostgreSQL and keeps it current, from SQL "
                   "Server's change data "
                   "capture.\n\nusage: millrace COMMAND [OPTION…] [FILE…]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        buf_printf(&out, "  %-8s  %s\n", commands[i]->name, commands[i]->summary);
    buf_cstr(&out, "\nmillrace COMMAND --help tells a command's options; --version the version; the manual "
                   "is millrace(1).\n");
    print(&out);
    return EXIT_OK;
}

static int command_help(const Command *c) {
    Buf out = {0};
    buf_printf(&out, "usage: %s\n\n%s\n\n", c->usage, c->about);
    args_help(c->args, c->arg_count, &out);
    print(&out);
    return EXIT_OK;
}

static int unknown(const char *name) {
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) names[i] = commands[i]->name;
    const char *near = str_nearest(str_from(name), names, COMMANDS);
    if (near) command_error("no command '%s'; did you mean '%s'?", name, near);
    else command_error("no command '%s'; millrace --help lists them", name);
    return EXIT_USAGE;
}

static int run(const Command *c, int argc, const char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return command_help(c);
    }
    Args args = {0};
    Err e = {0};
    if (!args_parse(c->args, c->arg_count, argc, argv, &args, &e)) {
        command_error("%s: %s", c->name, e.msg);
        return EXIT_USAGE;
    }
    return c->run(&args);
}

int main(int argc, char **argv) {
    heap_keep_small();
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) return help();
    if (strcmp(name, "--version") == 0) {
        (void)puts("millrace " MILLRACE_VERSION);
        return EXIT_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0) return run(commands[i], argc - 1, (const char **)argv + 1);
    }
    return unknown(name);
}
