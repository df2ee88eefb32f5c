/* textlist.h - a growing list of owned texts: warnings, notes, values. {0} is an empty one. Owner thread
 * only. */
#ifndef CONFIG_TEXTLIST_H
#define CONFIG_TEXTLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

typedef struct TextList {
    char **items; /* owned; NULL-terminated once it has been added to */
    size_t count;
} TextList;

void textlist_add(TextList *l, Str text); /* copies */
void textlist_printf(TextList *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Add the pieces of a comma-separated text as Kafka's ConfigDef cuts it: blanks around commas go, an empty
 * text adds none. */
void textlist_split(TextList *l, Str text);
void textlist_add_all(TextList *l, const TextList *from); /* l NULL: into nothing */
bool textlist_has(const TextList *l, Str text);
void textlist_done(TextList *l); /* free all; l is {0} again */

#endif
