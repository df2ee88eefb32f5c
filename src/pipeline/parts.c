/*
 * The position is the end of a transaction, since sources start there and other programs go on from there. So
 * a part's commit leaves it where it is and says in `inside` how far the changes behind it are in. The source
 * comes again from the position and may cut what comes otherwise: so `inside` may lie transactions ahead of a
 * commit that moves the position, and is kept until the position has passed it.
 */
#include "pipeline/parts.h"

void parts_owned(Parts *p, const Position *inside) {
    p->inside = *inside;
    p->rows = 0;
}

Position parts_up_to(const Parts *p, const LaneWork *work, const Batch *batch) {
    if (work->first == 0) return p->inside;
    const Position *before = &batch->changes[work->first - 1].position;
    return position_cmp(before, &p->inside) > 0 ? *before : p->inside;
}

void parts_drop(RecordBatch *records, const Position *upto) {
    bool drops = false;
    for (size_t i = records->count; i-- > 0;) {
        Record *r = &records->records[i];
        const Change *c = r->source;
        if (c) drops = position_cmp(&c->position, upto) <= 0;
        r->is_dropped = r->is_dropped || drops;
    }
}

void parts_sent(Parts *p, size_t rows) {
    p->rows += rows;
}

bool parts_are_due(const Parts *p, const Batch *batch) {
    return p->rows >= p->most && position_cmp(&batch->changes[batch->count - 1].position, &p->inside) > 0;
}

Position parts_left(const Parts *p, const Position *position) {
    return position_cmp(&p->inside, position) <= 0 ? (Position){0} : p->inside;
}

void parts_committed(Parts *p, const Position *inside) {
    parts_owned(p, inside);
}
