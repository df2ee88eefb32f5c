#include "standin/store/sqlite_collation.h"

#include <stdint.h>

#include "standin/types/collation.h"
#include "standin/types/variant.h"

static int compare(void *collation, int n1, const void *p1, int n2, const void *p2) {
    return collation_compare(collation, (Str){p1, (size_t)n1}, (Str){p2, (size_t)n2});
}

static int compare_variants(void *unused, int n1, const void *p1, int n2, const void *p2) {
    (void)unused;
    return variant_compare((Str){p1, (size_t)n1}, (Str){p2, (size_t)n2});
}

/* SQLite asks for a name it doesn't know; nothing made here: "no such collation sequence". */
static void needed(void *unused, sqlite3 *db, int encoding, const char *name) {
    (void)unused, (void)encoding;
    uint16_t index = collation_by_name(str_from(name));
    if (index == COLLATION_NONE) return;
    void *collation = (void *)(uintptr_t)collation_get(index);
    (void)sqlite3_create_collation_v2(db, name, SQLITE_UTF8, collation, compare, NULL);
}

int sqlitecollation_register(sqlite3 *db) {
    int rc = sqlite3_create_collation_v2(db, VARIANT_COLLATION, SQLITE_UTF8, NULL, compare_variants, NULL);
    return rc == SQLITE_OK ? sqlite3_collation_needed(db, NULL, needed) : rc;
}
