#include "record/position.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static int cmp_i64(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

int position_cmp(const Position *a, const Position *b) {
    int c = lsn_cmp(&a->commit_lsn, &b->commit_lsn);
    if (c == 0) c = cmp_i64(a->command_id, b->command_id);
    if (c == 0) c = lsn_cmp(&a->seqval, &b->seqval);
    return c ? c : cmp_i64(a->operation, b->operation);
}

Position position_end_of(const Lsn *lsn) {
    return (Position){.commit_lsn = *lsn, .command_id = POSITION_END_COMMAND};
}

bool position_is_end(const Position *p) {
    return p->command_id == POSITION_END_COMMAND;
}

bool position_is_zero(const Position *p) {
    static const Position zero;
    return position_cmp(p, &zero) == 0;
}

const char *position_format(const Position *p, char buf[static POSITION_TEXT_SIZE]) {
    char commit[LSN_TEXT_SIZE], seqval[LSN_TEXT_SIZE];
    if (position_is_end(p)) return lsn_format(&p->commit_lsn, buf);
    (void)snprintf(buf, POSITION_TEXT_SIZE, "%s/%ld/%s/%d", lsn_format(&p->commit_lsn, commit),
                   (long)p->command_id, lsn_format(&p->seqval, seqval), p->operation);
    return buf;
}

/* One LSN out of a longer text. */
static bool lsn_of(Str s, Lsn *ret) {
    char text[LSN_TEXT_SIZE];
    Err ignored;
    if (s.n >= sizeof text || memchr(s.p, '\0', s.n)) return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return lsn_parse(text, ret, &ignored);
}

bool position_parse(const char *text, Position *ret, Err *e) {
    assert(text && ret && e);
    Position p = {.command_id = POSITION_END_COMMAND};
    Err ignored;
    Str part[4] = {str_from(text)};
    size_t count = 1;
    for (size_t at; (at = str_find(part[count - 1], '/')) < part[count - 1].n; count++) {
        if (count == 4) goto bad;
        part[count] = str_sub(part[count - 1], at + 1, SIZE_MAX);
        part[count - 1].n = at;
    }
    if (!lsn_of(part[0], &p.commit_lsn)) goto bad;
    if (count == 4) {
        int64_t command, operation;
        if (!str_to_i64(part[1], INT32_MIN, POSITION_END_COMMAND - 1, &command, &ignored)) goto bad;
        if (!lsn_of(part[2], &p.seqval)) goto bad;
        if (!str_to_i64(part[3], 0, UINT8_MAX, &operation, &ignored)) goto bad;
        p.command_id = (int32_t)command;
        p.operation = (uint8_t)operation;
    } else if (count != 1) {
        goto bad;
    }
    *ret = p;
    return true;
bad:
    return err_set(e, ERR_INVALID, false, "not a position: '%.80s'", text);
}
