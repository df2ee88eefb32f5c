/* smt_table.h - the transforms there are, by Java class. Static data; any thread. Each is told of in its own
 * .c file. */
#ifndef TRANSFORM_SMT_TABLE_H
#define TRANSFORM_SMT_TABLE_H

#include "transform/smt.h"

extern const SmtClass smt_cast, smt_drop_headers, smt_extract_field, smt_filter, smt_flatten, smt_header_from,
    smt_hoist_field, smt_insert_field, smt_insert_header, smt_logical_router, smt_mask_field,
    smt_regex_router, smt_replace_field, smt_schema_metadata, smt_timestamp_converter, smt_timestamp_router,
    smt_unwrap, smt_value_to_key;

/* Of "…transforms.Cast$Value": the class and its side. Errors: ERR_INVALID, with the list of those there are.
 */
MUST_CHECK bool smt_table_find(Str java_class, const SmtClass **ret, bool *ret_is_key, Err *e);

#endif
