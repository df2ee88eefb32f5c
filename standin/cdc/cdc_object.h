/*
 * cdc_object.h - what change data capture makes in a database besides tables: the change functions of each
 * instance, the procedures that its capture would call, the placeholders named in error 313, the DDL trigger.
 * They are in no catalog: names and ids follow from the instances. The thread of the session that asks,
 * catalog pinned.
 */
#ifndef STANDIN_CDC_CDC_OBJECT_H
#define STANDIN_CDC_CDC_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/exec/proc.h"
#include "standin/store/sysobj.h"

typedef enum CdcObjectKind { CDC_FUNCTION, CDC_PROCEDURE, CDC_TRIGGER } CdcObjectKind;

typedef struct CdcObject {
    CdcObjectKind kind;
    Str name; /* in schema cdc; the trigger has none */
    int32_t id;
    bool is_ms_shipped;
    int64_t create_us;
} CdcObject;

/* All of a database, in the arena; *ret_count of them. */
MUST_CHECK bool cdc_object_list(Session *s, int32_t database_id, Arena *arena, CdcObject **ret,
                                size_t *ret_count, SqlError *e);
/* The id of an instance's change function; 0 when object_id is too large for one. */
int32_t cdc_object_function_id(int32_t object_id, bool is_net);
const char *cdc_object_type(CdcObjectKind kind);      /* "IF" */
const char *cdc_object_type_desc(CdcObjectKind kind); /* "SQL_INLINE_TABLE_VALUED_FUNCTION" */
/* So that OBJECT_NAME finds them. */
void cdc_object_add(SysRegistry *r);

#endif
