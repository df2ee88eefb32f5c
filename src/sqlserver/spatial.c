/*
 * The bytes are flat lists: points; figures, each a run of points; shapes, each a run of figures with its
 * parent, in the order of a walk through the tree; and, for curves of mixed pieces, segments. One or two
 * points alone have no lists. WKB is the tree itself, so the shapes are walked once, and a collection's count
 * is filled in when its children are written.
 */
#include "sqlserver/spatial.h"

#include <endian.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/cursor.h"

enum { HAS_Z = 1, HAS_M = 2, IS_POINT = 8, IS_LINE = 16, MAX_DEPTH = 64, FIGURE_BYTES = 5, SHAPE_BYTES = 9 };
enum { FIGURE_LINE = 1, FIGURE_ARC = 2, FIGURE_COMPOSITE = 3 };
enum { SEGMENT_LINE, SEGMENT_ARC, SEGMENT_FIRST_LINE, SEGMENT_FIRST_ARC };
enum { /* the same numbers in both forms */
       SHAPE_POINT = 1,
       SHAPE_LINE_STRING,
       SHAPE_POLYGON,
       SHAPE_MULTI_POINT,
       SHAPE_MULTI_LINE_STRING,
       SHAPE_MULTI_POLYGON,
       SHAPE_COLLECTION,
       SHAPE_CIRCULAR_STRING,
       SHAPE_COMPOUND_CURVE,
       SHAPE_CURVE_POLYGON,
       SHAPE_FULL_GLOBE,
};
#define EWKB_Z    0x80000000u
#define EWKB_M    0x40000000u
#define EWKB_SRID 0x20000000u

typedef struct Spatial {
    uint32_t srid, flags; /* EWKB_Z, EWKB_M */
    bool is_geography;
    const char *points, *zs, *ms; /* lists of 8-byte numbers; zs, ms NULL = none */
    uint32_t point_count;
    const char *figures, *shapes;
    uint32_t figure_count, shape_count;
    Cursor segments; /* those not used yet */
    Buf *out;
} Spatial;

/* A run of points or figures. */
typedef struct Run {
    uint32_t from, to;
} Run;

static bool malformed(Err *e) {
    return err_set(e, ERR_DATA, false, "the bytes are no geometry or geography");
}

/* ---- lists ---- */

static uint32_t u32_at(const char *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

static uint32_t figure_start(const Spatial *s, uint32_t figure) {
    return figure < s->figure_count ? u32_at(s->figures + (size_t)figure * FIGURE_BYTES + 1) : s->point_count;
}
static unsigned figure_kind(const Spatial *s, uint32_t figure) {
    return (uint8_t)s->figures[(size_t)figure * FIGURE_BYTES];
}
static Run figure_points(const Spatial *s, uint32_t figure) {
    return (Run){figure_start(s, figure), figure_start(s, figure + 1)};
}
static uint32_t shape_parent(const Spatial *s, uint32_t shape) {
    return u32_at(s->shapes + (size_t)shape * SHAPE_BYTES);
}
static unsigned shape_kind(const Spatial *s, uint32_t shape) {
    return (uint8_t)s->shapes[(size_t)shape * SHAPE_BYTES + 8];
}

/* Its figures end where those of the next shape that has any begin. */
static Run shape_figures(const Spatial *s, uint32_t shape) {
    Run r = {u32_at(s->shapes + (size_t)shape * SHAPE_BYTES + 4), s->figure_count};
    if (r.from == UINT32_MAX) return (Run){0, 0};
    for (uint32_t i = shape + 1; i < s->shape_count; i++) {
        uint32_t from = u32_at(s->shapes + (size_t)i * SHAPE_BYTES + 4);
        if (from == UINT32_MAX) continue;
        r.to = from;
        break;
    }
    return r;
}

/* ---- writing ---- */

static void put_header(Spatial *s, unsigned kind, bool is_outermost) {
    bool has_srid = is_outermost && s->srid != 0;
    buf_u8(s->out, 1); /* little-endian */
    buf_le32(s->out, kind | s->flags | (has_srid ? EWKB_SRID : 0));
    if (has_srid) buf_le32(s->out, s->srid);
}

static void put_point(Spatial *s, uint32_t point) {
    const char *p = s->points + (size_t)point * 16;
    buf_add(s->out, s->is_geography ? p + 8 : p, 8);
    buf_add(s->out, s->is_geography ? p : p + 8, 8);
    if (s->zs) buf_add(s->out, s->zs + (size_t)point * 8, 8);
    if (s->ms) buf_add(s->out, s->ms + (size_t)point * 8, 8);
}

static bool put_points(Spatial *s, Run points, Err *e) {
    if (points.from > points.to || points.to > s->point_count) return malformed(e);
    buf_le32(s->out, points.to - points.from);
    for (uint32_t i = points.from; i < points.to; i++) put_point(s, i);
    return true;
}

static void put_empty_point(Spatial *s) {
    uint64_t bits;
    double nan = (double)NAN;
    memcpy(&bits, &nan, sizeof bits);
    for (int i = 2 + (s->zs != NULL) + (s->ms != NULL); i-- > 0;) buf_le64(s->out, bits);
}

static void set_count(Spatial *s, size_t at, uint32_t count) {
    count = htole32(count);
    memcpy(s->out->p + at, &count, sizeof count);
}

static size_t begin_count(Spatial *s) {
    buf_le32(s->out, 0);
    return s->out->n - 4;
}

/* Line strings and circular strings that share their ends: a segment begins a new piece or goes on with it.
 */
static bool put_compound(Spatial *s, Run points, Err *e) {
    size_t count_at = begin_count(s), points_at = 0;
    uint32_t pieces = 0, in_piece = 0, at = points.from;
    if (points.from > points.to || points.to > s->point_count) return malformed(e);
    while (at + 1 < points.to) {
        unsigned segment = cursor_u8(&s->segments);
        uint32_t more = segment == SEGMENT_ARC || segment == SEGMENT_FIRST_ARC ? 2 : 1;
        bool begins = segment == SEGMENT_FIRST_LINE || segment == SEGMENT_FIRST_ARC;
        if (s->segments.failed || segment > SEGMENT_FIRST_ARC || (!begins && !pieces) ||
            at + more >= points.to)
            return malformed(e);
        if (begins) {
            put_header(s, more == 2 ? SHAPE_CIRCULAR_STRING : SHAPE_LINE_STRING, /* is_outermost= */ false);
            points_at = begin_count(s);
            put_point(s, at);
            in_piece = 1;
            pieces++;
        }
        for (uint32_t i = 0; i < more; i++) put_point(s, ++at);
        in_piece += more;
        set_count(s, points_at, in_piece);
    }
    set_count(s, count_at, pieces);
    return true;
}

static bool put_rings(Spatial *s, Run figures, bool are_curves, Err *e) {
    buf_le32(s->out, figures.to - figures.from);
    for (uint32_t i = figures.from; i < figures.to; i++) {
        unsigned kind = figure_kind(s, i);
        if (are_curves)
            put_header(s,
                       kind == FIGURE_COMPOSITE ? SHAPE_COMPOUND_CURVE
                       : kind == FIGURE_ARC     ? SHAPE_CIRCULAR_STRING
                                                : SHAPE_LINE_STRING,
                       /* is_outermost= */ false);
        bool ok = are_curves && kind == FIGURE_COMPOSITE ? put_compound(s, figure_points(s, i), e)
                                                         : put_points(s, figure_points(s, i), e);
        if (!ok) return false;
    }
    return true;
}

static bool put_simple(Spatial *s, uint32_t shape, Err *e) {
    Run figures = shape_figures(s, shape), points = {0, 0};
    unsigned kind = shape_kind(s, shape);
    if (figures.from > figures.to || figures.to > s->figure_count) return malformed(e);
    if (kind == SHAPE_POLYGON || kind == SHAPE_CURVE_POLYGON)
        return put_rings(s, figures, kind == SHAPE_CURVE_POLYGON, e);
    if (figures.to - figures.from > 1) return malformed(e);
    if (figures.from < figures.to) points = figure_points(s, figures.from);
    if (kind == SHAPE_COMPOUND_CURVE) return put_compound(s, points, e);
    if (kind != SHAPE_POINT) return put_points(s, points, e);
    if (points.from == points.to) put_empty_point(s);
    else if (points.from < s->point_count && points.to == points.from + 1) put_point(s, points.from);
    else return malformed(e);
    return true;
}

static bool is_collection(unsigned kind) {
    return kind >= SHAPE_MULTI_POINT && kind <= SHAPE_COLLECTION;
}

/* The collections that are open, innermost last, and where their counts stand. */
typedef struct Open {
    uint32_t shape[MAX_DEPTH], children[MAX_DEPTH];
    size_t count_at[MAX_DEPTH];
    size_t depth;
} Open;

static void close_until(Spatial *s, Open *open, uint32_t parent) {
    while (open->depth > 0 && open->shape[open->depth - 1] != parent) {
        open->depth--;
        set_count(s, open->count_at[open->depth], open->children[open->depth]);
    }
}

static bool put_shape(Spatial *s, Open *open, uint32_t shape, Err *e) {
    unsigned kind = shape_kind(s, shape);
    close_until(s, open, shape_parent(s, shape));
    if ((shape > 0) != (open->depth > 0)) return malformed(e);
    if (kind == SHAPE_FULL_GLOBE)
        return err_set(e, ERR_DATA, false, "the full globe has no form outside SQL Server");
    if (kind < SHAPE_POINT || kind > SHAPE_FULL_GLOBE) return malformed(e);
    if (open->depth > 0) open->children[open->depth - 1]++;
    put_header(s, kind, /* is_outermost= */ shape == 0);
    if (!is_collection(kind)) return put_simple(s, shape, e);
    if (open->depth == MAX_DEPTH)
        return err_set(e, ERR_DATA, false, "collections lie over %d deep in one another", MAX_DEPTH);
    open->shape[open->depth] = shape;
    open->children[open->depth] = 0;
    open->count_at[open->depth++] = begin_count(s);
    return true;
}

/* ---- reading ---- */

static bool read_points(Spatial *s, Cursor *c, unsigned properties, uint32_t count, Err *e) {
    if (count > cursor_left(c) / 16) return malformed(e);
    s->point_count = count;
    s->points = cursor_bytes(c, (size_t)count * 16).p;
    if (properties & HAS_Z) s->zs = cursor_bytes(c, (size_t)count * 8).p;
    if (properties & HAS_M) s->ms = cursor_bytes(c, (size_t)count * 8).p;
    return !c->failed || malformed(e);
}

static bool read_lists(Spatial *s, Cursor *c, Err *e) {
    s->figure_count = cursor_le32(c);
    if (c->failed || s->figure_count > cursor_left(c) / FIGURE_BYTES) return malformed(e);
    s->figures = cursor_bytes(c, (size_t)s->figure_count * FIGURE_BYTES).p;
    s->shape_count = cursor_le32(c);
    if (c->failed || s->shape_count > cursor_left(c) / SHAPE_BYTES) return malformed(e);
    s->shapes = cursor_bytes(c, (size_t)s->shape_count * SHAPE_BYTES).p;
    if (cursor_left(c) >= 4) (void)cursor_le32(c); /* how many segments: as many as there are bytes */
    s->segments = *c;
    return (!c->failed && s->shape_count > 0) || malformed(e);
}

static bool put_shapes(Spatial *s, Err *e) {
    Open open = {.depth = 0};
    for (uint32_t i = 0; i < s->shape_count; i++)
        if (!put_shape(s, &open, i, e)) return false;
    close_until(s, &open, UINT32_MAX);
    return true;
}

bool spatial_ewkb(Str bytes, bool is_geography, Buf *out, bool *ret_is_null, Err *e) {
    Cursor c = cursor_over(bytes.p, bytes.n);
    Spatial s = {.srid = cursor_le32(&c), .is_geography = is_geography, .out = out};
    *ret_is_null = !c.failed && s.srid == UINT32_MAX && cursor_left(&c) == 0;
    if (*ret_is_null) return true;
    unsigned version = cursor_u8(&c), properties = cursor_u8(&c);
    if (c.failed || version < 1 || version > 2) return malformed(e);
    s.flags = (properties & HAS_Z ? EWKB_Z : 0) | (properties & HAS_M ? EWKB_M : 0);
    if (properties & IS_POINT) {
        if (!read_points(&s, &c, properties, 1, e)) return false;
        put_header(&s, SHAPE_POINT, /* is_outermost= */ true);
        put_point(&s, 0);
        return true;
    }
    if (properties & IS_LINE) {
        if (!read_points(&s, &c, properties, 2, e)) return false;
        put_header(&s, SHAPE_LINE_STRING, /* is_outermost= */ true);
        return put_points(&s, (Run){0, 2}, e);
    }
    uint32_t count = cursor_le32(&c);
    if (c.failed) return malformed(e);
    return read_points(&s, &c, properties, count, e) && read_lists(&s, &c, e) && put_shapes(&s, e);
}
