/*
 * Opening runs the text with its output going to the cursor; fetching moves a window of rows over what was
 * kept ("fetch buffer" in the manual's sp_cursorfetch), and sends it with the column ROWSTAT that all cursor
 * results end with.
 */
#include "standin/exec/api_cursor.h"

#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/session_internal.h"

/* scrollopt, ccopt and fetch types: the manual's sp_cursoropen and sp_cursorfetch */
enum {
    SCROLL_KEYSET = 0x01,
    SCROLL_DYNAMIC = 0x02,
    SCROLL_FORWARD_ONLY = 0x04,
    SCROLL_STATIC = 0x08,
    SCROLL_FAST_FORWARD = 0x10,
    SCROLL_TYPES = 0x1f,
    SCROLL_AUTO_FETCH = 0x2000,
    SCROLL_AUTO_CLOSE = 0x4000,
    CONCURRENCY_READ_ONLY = 0x01,
    CONCURRENCY_ALLOW_DIRECT = 0x2000,
    FETCH_FIRST = 0x01,
    FETCH_NEXT = 0x02,
    FETCH_PREVIOUS = 0x04,
    FETCH_LAST = 0x08,
    FETCH_ABSOLUTE = 0x10,
    FETCH_RELATIVE = 0x20,
    FETCH_REFRESH = 0x80,
    FETCH_INFO = 0x100,
    FETCH_PREVIOUS_AS_IS = 0x200,
    FETCH_IGNORED_BITS = 0x400, /* SKIP_UPDT_CNCY: there are no updates */
    CHANGE_REFRESH = 0x08,      /* sp_cursor's optype */
    CHANGE_SET_POSITION = 0x20,
    OPTION_NAME = 2,
    OPTION_TEXT_DATA = 3,
    ROW_FETCHED = 1,
    STATUS_CLOSED = 16, /* "a FAST_FORWARD cursor has been closed" */
    PREPARE_RETURN_METADATA = 1,
};

enum {
    CURSOR_FIRST_NUMBER = 180150003,
    CURSOR_MAX_BYTES = 512 << 20, /* of all cursors of a session: 701 beyond */
    CURSOR_MAX_COUNT = 1000,
};

struct ApiCursor {
    ApiCursor *next;
    int32_t number;
    int32_t scroll; /* one of the types */
    bool closes_at_end;
    Arena arena; /* columns, rows */
    size_t bytes;
    OutColumn *columns; /* ROWSTAT is the last */
    size_t column_count;
    Value **rows;
    int64_t row_count, row_capacity;
    int64_t start,
        size; /* the window: rows from 1; start 0: before the first, row_count + 1: after the last */
};

static ApiCursor *cursor_free(ApiCursor *c) {
    if (!c) return NULL;
    arena_done(&c->arena);
    free(c->rows);
    free(c);
    return NULL;
}

void api_cursor_close_all(Session *s) {
    while (s->cursors) {
        ApiCursor *next = s->cursors->next;
        (void)cursor_free(s->cursors);
        s->cursors = next;
    }
}

static void drop(Session *s, ApiCursor *c) {
    ApiCursor **at = &s->cursors;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    (void)cursor_free(c);
}

static int64_t int_of(const ProcArg *a, int64_t otherwise) {
    return a->value.kind == VALUE_INT ? a->value.v.i : otherwise;
}

static Str text_of(const ProcArg *a) {
    return a->value.kind == VALUE_TEXT ? a->value.v.s : (Str){0};
}

static ApiCursor *find(Session *s, const ProcArg *arg, const char *procedure, SqlError *e) {
    int64_t number = int_of(arg, 0);
    for (ApiCursor *c = s->cursors; c; c = c->next)
        if (c->number == number) return c;
    (void)sql_error_set(e, 16909, 16, 1, "%s: The cursor identifier value provided (%llx) is not valid.",
                        procedure, (unsigned long long)number);
    return NULL;
}

/* ---- keeping what the text gives */

typedef struct Collector {
    Out out; /* first: an Out is its Collector */
    Session *s;
    ApiCursor *cursor;
    size_t results;
    bool is_full;
} Collector;

static size_t bytes_of_all(const Session *s) {
    size_t bytes = 0;
    for (const ApiCursor *c = s->cursors; c; c = c->next) bytes += c->bytes;
    return bytes;
}

static bool keep_columns(Out *o, const OutColumn *columns, size_t count) {
    Collector *k = (Collector *)o;
    ApiCursor *c = k->cursor;
    if (++k->results > 1) return false;
    c->columns = ARENA_ARRAY(&c->arena, OutColumn, count + 1);
    c->column_count = count + 1;
    for (size_t i = 0; i < count; i++) {
        c->columns[i] = columns[i];
        c->columns[i].name = arena_str(&c->arena, columns[i].name);
        c->columns[i].table = arena_str(&c->arena, columns[i].table);
        c->columns[i].is_updatable = false;
    }
    c->columns[count] = (OutColumn){.name = STR_LIT("ROWSTAT"), .type = {.id = TYPE_INT}};
    return true;
}

static bool keep_row(Out *o, const Value *values) {
    Collector *k = (Collector *)o;
    ApiCursor *c = k->cursor;
    Value *row = ARENA_ARRAY(&c->arena, Value, c->column_count);
    size_t bytes = c->column_count * sizeof *row;
    for (size_t i = 0; i + 1 < c->column_count; i++) {
        row[i] = values[i];
        if (values[i].kind != VALUE_TEXT && values[i].kind != VALUE_BLOB) continue;
        row[i].v.s = arena_str(&c->arena, values[i].v.s);
        bytes += values[i].v.s.n;
    }
    row[c->column_count - 1] = VALUE_OF_INT(ROW_FETCHED);
    if (c->row_count == c->row_capacity) {
        c->row_capacity = c->row_capacity ? 2 * c->row_capacity : 64;
        c->rows = x_reallocarray(c->rows, (size_t)c->row_capacity, sizeof *c->rows);
    }
    c->rows[c->row_count++] = row;
    c->bytes += bytes;
    k->is_full = bytes_of_all(k->s) + c->bytes > CURSOR_MAX_BYTES;
    return !k->is_full;
}

static bool pass_message(Out *o, const OutMessage *m) {
    Out *client = ((Collector *)o)->s->client;
    return client->message(client, m);
}

static bool is_cancelled(Out *o) {
    Out *client = ((Collector *)o)->s->client;
    return client->is_cancelled(client);
}

/* A single SELECT, or a procedure that may have one. */
static bool may_have_cursor(const Batch *b) {
    const AstStmt *st = b->tree.first;
    if (!st || st->next) return false;
    if (st->kind == STMT_EXEC) return true;
    if (st->kind != STMT_SELECT) return false;
    const AstQuery *q = st->u.query.query;
    return q->kind != QUERY_SELECT ||
           (!q->u.select.into.name.n && q->u.select.item_count && q->u.select.items[0].kind != ITEM_ASSIGN);
}

/* Run the text into a new cursor. NULL: *e is filled, or errors were told already (number SESSION_STOPPED).
 */
static ApiCursor *collect(Session *s, Batch *b, ProcCall *call, size_t first, SqlError *e) {
    ApiCursor *c = x_calloc(1, sizeof *c);
    Collector k = {.out = *session_silent_out(), .s = s, .cursor = c};
    Out *out = s->out;
    k.out.columns = keep_columns;
    k.out.row = keep_row;
    k.out.message = pass_message;
    k.out.is_cancelled = is_cancelled;
    s->last_error = 0;
    s->out = &k.out;
    bool ok = procs_run_with_values(s, b, call, first, e);
    s->out = out;
    if (k.is_full || k.results > 1) s->is_stopped = false; /* our word, not the client's */
    if (k.is_full)
        ok = sql_error_set(
            e, 701, 17, 123,
            "There is insufficient system memory in resource pool 'default' to run this query.");
    else if (ok && k.results != 1 && !s->last_error && !s->is_stopped)
        ok = sql_error_set(
            e, 16937, 16, 1,
            "A server cursor is not allowed on a remote stored procedure or stored procedure with "
            "more than one SELECT statement. Use a default result set or client cursor.");
    if (ok && k.results == 1 && !s->last_error) return c;
    if (ok) e->number = SESSION_STOPPED;
    return cursor_free(c);
}

/* ---- fetching */

static bool send_rows(Session *s, const ApiCursor *c, int64_t start, int64_t count) {
    if (!proc_columns(s, c->columns, c->column_count)) return false;
    for (int64_t i = 0; i < count; i++)
        if (!proc_row(s, c->rows[start - 1 + i])) return false;
    return proc_rows_done(s);
}

/* Move the window; what lies outside the rows is before the first or after the last. */
static int64_t place(ApiCursor *c, int64_t start, int64_t wanted) {
    int64_t size = wanted;
    if (start < 1) start = size = 0;
    if (start > c->row_count) start = c->row_count + 1, size = 0;
    if (start + size - 1 > c->row_count) size = c->row_count - start + 1;
    c->start = start;
    c->size = size;
    return size;
}

static int64_t fetch(ApiCursor *c, int64_t type, int64_t row, int64_t wanted) {
    int64_t back;
    switch (type) {
    case FETCH_FIRST: return place(c, 1, wanted);
    case FETCH_LAST: return place(c, c->row_count > wanted ? c->row_count - wanted + 1 : 1, wanted);
    case FETCH_NEXT: return place(c, c->start ? c->start + c->size : 1, wanted);
    case FETCH_PREVIOUS:
    case FETCH_PREVIOUS_AS_IS:
        if (c->start <= 1) return place(c, 0, 0);
        back = c->start - wanted;
        if (back >= 1) return place(c, back, wanted);
        return place(c, 1, type == FETCH_PREVIOUS ? wanted : c->start - 1);
    case FETCH_ABSOLUTE: return place(c, row >= 0 ? row : c->row_count + 1 + row, wanted);
    case FETCH_RELATIVE: return place(c, c->start + row, wanted);
    default: return place(c, c->start, wanted); /* refresh */
    }
}

static bool check_fetch(const ApiCursor *c, int64_t type, int64_t wanted, SqlError *e) {
    static const char *const names[] = {[FETCH_FIRST] = "first",
                                        [FETCH_PREVIOUS] = "prior",
                                        [FETCH_LAST] = "last",
                                        [FETCH_ABSOLUTE] = "absolute",
                                        [FETCH_RELATIVE] = "relative"};
    bool is_known = type == FETCH_FIRST || type == FETCH_NEXT || type == FETCH_PREVIOUS ||
                    type == FETCH_LAST || type == FETCH_ABSOLUTE || type == FETCH_RELATIVE ||
                    type == FETCH_REFRESH || type == FETCH_INFO || type == FETCH_PREVIOUS_AS_IS;
    if (!is_known || wanted < 0)
        return sql_error_set(e, 16902, 16, 1, "%s: The value of the parameter '%s' is invalid.",
                             "sp_cursorfetch", is_known ? "rows" : "fetchtype");
    bool is_forward = c->scroll == SCROLL_FORWARD_ONLY || c->scroll == SCROLL_FAST_FORWARD;
    if (!is_forward || type == FETCH_NEXT || type == FETCH_INFO || type == FETCH_REFRESH) return true;
    return sql_error_set(e, 16911, 16, 1,
                         "fetch: The fetch type %s cannot be used with forward only cursors.",
                         names[type == FETCH_PREVIOUS_AS_IS ? FETCH_PREVIOUS : type]);
}

static bool sp_cursorfetch(Session *s, ProcCall *call, SqlError *e) {
    ApiCursor *c = find(s, &call->args[0], "sp_cursorfetch", e);
    if (!c) return false;
    int64_t type = int_of(&call->args[1], FETCH_NEXT) & ~(int64_t)FETCH_IGNORED_BITS;
    int64_t row = int_of(&call->args[2], 0), wanted = int_of(&call->args[3], 20);
    if (!check_fetch(c, type, wanted, e)) return false;
    if (type == FETCH_INFO) {
        call->outputs[2].value = VALUE_OF_INT(c->start);
        call->outputs[3].value = VALUE_OF_INT(c->row_count);
        return true;
    }
    int64_t count = fetch(c, type, row, wanted);
    if (!send_rows(s, c, c->start, count)) return false;
    if (c->closes_at_end && c->start + c->size > c->row_count) {
        drop(s, c);
        call->ret_status = STATUS_CLOSED;
    }
    return true;
}

/* ---- opening */

static int32_t type_of(int64_t scroll) {
    if (scroll & SCROLL_FAST_FORWARD) return SCROLL_FAST_FORWARD;
    if (scroll & SCROLL_FORWARD_ONLY) return SCROLL_FORWARD_ONLY;
    return SCROLL_STATIC;
}

/* Where a procedure's arguments have what an opening needs. */
typedef struct Places {
    size_t cursor, scroll, concurrency, rows, values;
} Places;

static void tell(ProcCall *call, const Places *at, int64_t cursor, int64_t scroll, int64_t rows) {
    call->outputs[at->cursor].value = VALUE_OF_INT(cursor);
    call->outputs[at->scroll].value = VALUE_OF_INT(scroll);
    call->outputs[at->concurrency].value = VALUE_OF_INT(CONCURRENCY_READ_ONLY);
    call->outputs[at->rows].value = VALUE_OF_INT(rows);
}

/* A text without a result of its own runs as it is, if that is allowed: no cursor, its own answer. */
static bool run_directly(Session *s, Batch *b, ProcCall *call, const Places *at, SqlError *e) {
    if (!(int_of(&call->args[at->concurrency], 0) & CONCURRENCY_ALLOW_DIRECT))
        return sql_error_set(
            e, 16938, 16, 1,
            "sp_cursoropen/sp_cursorprepare: The statement parameter can only be a batch or a stored "
            "procedure with a single select, without FOR BROWSE, COMPUTE BY, or variable "
            "assignments.");
    bool ok = procs_run_with_values(s, b, call, at->values, e);
    tell(call, at, 0, int_of(&call->args[at->scroll], 0) & SCROLL_TYPES, -1);
    return ok;
}

static bool open_cursor(Session *s, Batch *b, ProcCall *call, const Places *at, SqlError *e) {
    size_t count = 0;
    for (const ApiCursor *c = s->cursors; c; c = c->next) count++;
    if (count == CURSOR_MAX_COUNT)
        return sql_error_set(e, 16958, 16, 1,
                             "Could not complete cursor operation because of too many open cursors.");
    if (!may_have_cursor(b)) return run_directly(s, b, call, at, e);
    int64_t scroll = int_of(&call->args[at->scroll], SCROLL_KEYSET),
            wanted = int_of(&call->args[at->rows], 20);
    ApiCursor *c = collect(s, b, call, at->values, e);
    if (!c) {
        tell(call, at, 0, 0, 0);
        return e->number == SESSION_STOPPED && !s->is_stopped; /* its errors are told */
    }
    c->scroll = type_of(scroll);
    c->closes_at_end = (scroll & SCROLL_AUTO_CLOSE) != 0 && c->scroll != SCROLL_STATIC;
    c->number = s->next_cursor ? s->next_cursor : CURSOR_FIRST_NUMBER;
    s->next_cursor = c->number + 2;
    c->next = s->cursors;
    s->cursors = c;
    call->ret_status = 0;
    tell(call, at, c->number, c->scroll, c->scroll == SCROLL_STATIC ? c->row_count : -1);
    int64_t sent = scroll & SCROLL_AUTO_FETCH ? place(c, 1, wanted > 0 ? wanted : 0) : 0;
    return send_rows(s, c, c->start, sent);
}

static bool sp_cursoropen(Session *s, ProcCall *call, SqlError *e) {
    static const Places at = {.cursor = 0, .scroll = 2, .concurrency = 3, .rows = 4, .values = 6};
    Batch *b = batch_get(s, text_of(&call->args[1]), text_of(&call->args[5]), e);
    bool ok = b && open_cursor(s, b, call, &at, e);
    batch_release(s, b);
    return ok;
}

static bool sp_cursorprepare(Session *s, ProcCall *call, SqlError *e) {
    Batch *b = procs_prepare(s, text_of(&call->args[2]), text_of(&call->args[1]), &call->outputs[0], e);
    if (!b) return false;
    call->outputs[4].value = VALUE_OF_INT(type_of(int_of(&call->args[4], 0)));
    call->outputs[5].value = VALUE_OF_INT(CONCURRENCY_READ_ONLY);
    return !(int_of(&call->args[3], 0) & PREPARE_RETURN_METADATA) || procs_send_metadata(s, b, call, e);
}

static bool sp_cursorexecute(Session *s, ProcCall *call, SqlError *e) {
    static const Places at = {.cursor = 1, .scroll = 2, .concurrency = 3, .rows = 4, .values = 5};
    Batch *b = procs_prepared(s, &call->args[0], e);
    if (!b) return false;
    b->in_use++;
    bool ok = open_cursor(s, b, call, &at, e);
    batch_release(s, b);
    return ok;
}

static bool sp_cursorprepexec(Session *s, ProcCall *call, SqlError *e) {
    static const Places at = {.cursor = 1, .scroll = 4, .concurrency = 5, .rows = 6, .values = 7};
    if (int_of(&call->args[0], 0) && !procs_unprepare(s, &call->args[0], e)) return false;
    Batch *b = procs_prepare(s, text_of(&call->args[3]), text_of(&call->args[2]), &call->outputs[0], e);
    if (!b) return false;
    b->in_use++;
    bool ok = open_cursor(s, b, call, &at, e);
    batch_release(s, b);
    return ok;
}

/* ---- the rest */

static bool sp_cursorclose(Session *s, ProcCall *call, SqlError *e) {
    if (int_of(&call->args[0], 0) == -1) {
        api_cursor_close_all(s);
        return true;
    }
    ApiCursor *c = find(s, &call->args[0], "sp_cursorclose", e);
    if (c) drop(s, c);
    return c != NULL;
}

static bool sp_cursorunprepare(Session *s, ProcCall *call, SqlError *e) {
    return procs_unprepare(s, &call->args[0], e);
}

/* A name serves WHERE CURRENT OF, which is refused; text comes as data anyway. */
static bool sp_cursoroption(Session *s, ProcCall *call, SqlError *e) {
    if (!find(s, &call->args[0], "sp_cursoroption", e)) return false;
    int64_t code = int_of(&call->args[1], 0);
    return code == OPTION_NAME || code == OPTION_TEXT_DATA ||
           sql_error_set(e, 16902, 16, 1, "sp_cursoroption: The value of the parameter 'code' is invalid.");
}

/* Positioned changes are refused; what only looks at rows of the window is answered: the ODBC driver reads a
 * value by REFRESH and SETPOSITION. */
static bool sp_cursor(Session *s, ProcCall *call, SqlError *e) {
    ApiCursor *c = find(s, &call->args[0], "sp_cursor", e);
    if (!c) return false;
    int64_t what = int_of(&call->args[1], 0), row = int_of(&call->args[2], 0);
    if (what & ~(int64_t)(CHANGE_REFRESH | CHANGE_SET_POSITION))
        return sql_error_set(e, 16929, 16, 1, "The cursor is READ ONLY.");
    if (row < 0 || row > c->size)
        return sql_error_set(e, 16930, 16, 1, "The requested row is not in the fetch buffer.");
    if (!(what & CHANGE_REFRESH)) return true;
    return row == 0 ? send_rows(s, c, c->start, c->size) : send_rows(s, c, c->start + row - 1, 1);
}

#define INT(n)                                                                                               \
    {                                                                                                        \
        .name = (n), .type = {.id = TYPE_INT }                                                               \
    }
#define INT_OUT(n)                                                                                           \
    { .name = (n), .type = {.id = TYPE_INT}, .is_output = true }
#define TEXT(n)                                                                                              \
    {                                                                                                        \
        .name = (n), .type = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH }                               \
    }
#define COUNT(a) (sizeof(a) / sizeof *(a))

static const ProcParam open_params[] = {INT_OUT("@cursor"), TEXT("@stmt"),        INT_OUT("@scrollopt"),
                                        INT_OUT("@ccopt"),  INT_OUT("@rowcount"), TEXT("@paramdef")};
static const ProcParam prepare_params[] = {
    INT_OUT("@prepared_handle"), TEXT("@params"),  TEXT("@stmt"), INT("@options"),
    INT_OUT("@scrollopt"),       INT_OUT("@ccopt")};
static const ProcParam execute_params[] = {INT("@prepared_handle"), INT_OUT("@cursor"), INT_OUT("@scrollopt"),
                                           INT_OUT("@ccopt"), INT_OUT("@rowcount")};
static const ProcParam prepexec_params[] = {
    INT_OUT("@prepared_handle"), INT_OUT("@cursor"), TEXT("@params"),     TEXT("@stmt"),
    INT_OUT("@scrollopt"),       INT_OUT("@ccopt"),  INT_OUT("@rowcount")};
static const ProcParam fetch_params[] = {INT("@cursor"), INT("@fetchtype"), INT_OUT("@rownum"),
                                         INT_OUT("@nrows")};
static const ProcParam close_params[] = {INT("@cursor")};
static const ProcParam unprepare_params[] = {INT("@prepared_handle")};
static const ProcParam option_params[] = {INT("@cursor"), INT("@code"), {.name = "@value"}};
static const ProcParam cursor_params[] = {INT("@cursor"), INT("@optype"), INT("@rownum"), TEXT("@table")};

#define EXTENDED(name_, params_, call_)                                                                      \
    {                                                                                                        \
        .name = (name_), .params = (params_), .param_count = COUNT(params_), .is_variadic = true,            \
        .call = (call_)                                                                                      \
    }

static const Proc procs[] = {
    EXTENDED("sp_cursor", cursor_params, sp_cursor),
    EXTENDED("sp_cursoropen", open_params, sp_cursoropen),
    EXTENDED("sp_cursorprepare", prepare_params, sp_cursorprepare),
    EXTENDED("sp_cursorexecute", execute_params, sp_cursorexecute),
    EXTENDED("sp_cursorprepexec", prepexec_params, sp_cursorprepexec),
    EXTENDED("sp_cursorunprepare", unprepare_params, sp_cursorunprepare),
    EXTENDED("sp_cursorfetch", fetch_params, sp_cursorfetch),
    EXTENDED("sp_cursoroption", option_params, sp_cursoroption),
    EXTENDED("sp_cursorclose", close_params, sp_cursorclose),
};

void api_cursor_add(ProcRegistry *r) {
    procregistry_add(r, procs, COUNT(procs));
}
