/*
 * field_path.h - Kafka's field paths (KIP-821): in syntax V1 a name as it is, in V2 steps between dots, a
 * step in backticks where it holds dots itself. Immutable once parsed; any thread.
 */
#ifndef TRANSFORM_FIELD_PATH_H
#define TRANSFORM_FIELD_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/textlist.h"
#include "record/record.h"

typedef struct FieldPath {
    TextList steps;
} FieldPath;

/* Errors: ERR_INVALID: a backtick without its pair. ret is written in any case: field_path_done. */
MUST_CHECK bool field_path_parse(const char *text, bool is_v2, FieldPath *ret, Err *e);
void field_path_done(FieldPath *p);
/* The schema of the field, and its indices (room for steps.count) on the way there; NULL: no such field. */
const ConnectSchema *field_path_find(const FieldPath *p, const ConnectSchema *schema, int *ret_indices);

#endif
