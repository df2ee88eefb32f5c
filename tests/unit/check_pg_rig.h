/* check_pg_rig.h - all checks of the target at work on pg_rig.h's cluster: a rig with one table for each
 * test. Included once, by a test's .c. */
#ifndef TESTS_CHECK_PG_RIG_H
#define TESTS_CHECK_PG_RIG_H

#include "pg_rig.h"
#include "postgres/precheck_pg.h"

/* What check `name` found, a line each: "warning what | cure"; by `role` (NULL: the fixture's). Borrowed
 * until the next call. */
static inline const char *rig_found(Rig *r, const char *role, const Schema *s, bool is_copied,
                                    const char *name) {
    static char text[8192];
    const PrecheckPgTables tables = {.schemas = &s, .count = 1, .is_copied = &is_copied};
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv", .metrics = r->metrics};
    CLEANUP(findings_done) Findings found = {0};
    Setting settings[16];
    size_t n = 0, at = 0;
    while (UPSERT[n].key) settings[n] = UPSERT[n], n++;
    if (role) settings[n++] = (Setting){"connection.user", role};
    settings[n] = (Setting){0};
    Options *options = options_of(settings);
    precheck_pg_all(options, &context, &tables, NULL, NULL, &found);
    options_free(options);
    text[0] = '\0';
    for (size_t i = 0; i < found.count; i++) {
        const Finding *f = &found.items[i];
        if (strcmp(f->check, name) != 0) continue;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s %s%s%s\n", finding_level_name(f->level),
                               f->what, f->cure ? " | " : "", f->cure ? f->cure : "");
    }
    return text;
}

/* The rig that each test of the program begins with, and what it finds of its one table, still to be copied.
 */
static const Schema *schema;
static Rig rig;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, UPSERT);
    schema = items("items", true);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    schema_unref(schema);
    rig_close(&rig);
    return 0;
}

static const char *found(const char *role, const char *name) {
    return rig_found(&rig, role, schema, true, name);
}

#define FOUND_HAS(found, part)                                                                               \
    do {                                                                                                     \
        const char *text_ = (found);                                                                         \
        if (!strstr(text_, part)) fail_msg("'%s' isn't in: %s", part, text_);                                \
    } while (0)

#endif
