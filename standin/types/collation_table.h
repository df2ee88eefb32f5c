/*
 * collation_table.h - the names of collations and what they say. Made once when the program starts; static
 * data, any thread. Use collation.h.
 * Sources: the manual's "Windows collation name" and "SQL Server collation name" pages, sys.fn_helpcollations
 * (names, sort ids), [MS-LCID] (locales), the NLS pages (their code pages).
 */
#ifndef STANDIN_TYPES_COLLATION_TABLE_H
#define STANDIN_TYPES_COLLATION_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "standin/types/collation.h"

size_t collationtable_count(void);
/* index < count. */
const Collation *collationtable_get(size_t index);

#endif
