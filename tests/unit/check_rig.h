/* check_rig.h - one check of the source by its name, on fake_shop.h's database. Included once, by a test's
 * .c. */
#ifndef TESTS_CHECK_RIG_H
#define TESTS_CHECK_RIG_H

#include <string.h>

#include "base/mem.h"
#include "fake_shop.h"
#include "sqlserver/precheck.h"
#include "test.h"

/* What checks of that name found last, a line each: "warning what | cure". */
static char rig_text[16384];

/* Run the check; stored may be NULL. The rules have to be there. */
__attribute__((unused)) static const char *rig_found(PrecheckDefs defs, const char *name,
                                                     const StoredState *stored, const char *const (*pairs)[2],
                                                     size_t pair_count) {
    Options *options = shop_options(pairs, pair_count);
    SourceSettings settings;
    Odbc *odbc = NULL;
    Catalog catalog = {0};
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(findings_done) Findings found = {0};
    Err e = {0};
    if (!source_settings(options, &settings, &e) || !odbc_connect(&settings.target, &odbc, &e) ||
        !catalog_load(&catalog, odbc, &settings.filter, &e))
        fail_msg("%s", e.msg);
    const Precheck p = {
        .catalog = &catalog, .odbc = odbc, .settings = &settings, .stored = stored, .arena = &arena};
    bool is_there = false;
    for (size_t i = 0; i < defs.count; i++) {
        if (strcmp(defs.defs[i].name, name) != 0) continue;
        is_there = true;
        defs.defs[i].run(&p, name, &found);
    }
    if (!is_there) fail_msg("no check %s", name);
    size_t n = 0;
    rig_text[0] = '\0';
    for (size_t i = 0; i < found.count; i++)
        n += (size_t)snprintf(rig_text + n, sizeof rig_text - n, "%s %s%s%s\n",
                              finding_level_name(found.items[i].level), found.items[i].what,
                              found.items[i].cure ? " | " : "",
                              found.items[i].cure ? found.items[i].cure : "");
    catalog_done(&catalog);
    odbc_close(odbc);
    source_settings_done(&settings);
    options_free(options);
    return rig_text;
}

#define FOUND_HAS(found, part)                                                                               \
    do {                                                                                                     \
        const char *text_ = (found);                                                                         \
        if (!strstr(text_, part)) fail_msg("'%s' isn't in: %s", part, text_);                                \
    } while (0)

#endif
