/* smt_filter.c - Filter: drops what it is applied to; its predicate says what that is. */
#include "transform/smt_table.h"

static bool apply(Smt *s, RecordBatch *b, Record *r, Err *e) {
    (void)s;
    (void)b;
    (void)e;
    r->is_dropped = true;
    return true;
}

const SmtClass smt_filter = {
    .name = "org.apache.kafka.connect.transforms.Filter",
    .apply = apply,
    .direct_cure = "leave tables out by table.include.list, rows by a filter on the source's side"};
