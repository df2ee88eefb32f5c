#include "sqlserver/signal_inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/sql_text.h"

enum { NO_SUCH_OBJECT = 208, MAX_FILE_BYTES = 16 * 1024 * 1024, SIGNAL_COLUMNS = 3 };

typedef struct Waiting {
    SignalText text;
    bool is_command;
} Waiting;

struct SignalInbox {
    SignalInboxSpec spec;
    char *schema, *table; /* owned; NULL = no signal table */
    Waiting *waiting;     /* owned: not told to the plan yet */
    size_t waiting_count;
    SignalList answers; /* id and, in `type`, the outcome: of commands that were told */
    Lsn seen;           /* of the stream */
    int64_t next_file_us;
    /* The signal table's change table, as it was found. */
    Arena arena;
    Str instance; /* empty = to be found */
    Str columns[SIGNAL_COLUMNS];
};

/* "db.schema.table": the last two parts. */
static void split_name(SignalInbox *in, Str name) {
    size_t dots[2] = {0, 0}, count = 0;
    for (size_t i = name.n; i-- > 0 && count < 2;)
        if (name.p[i] == '.') dots[count++] = i;
    Str schema = STR_LIT("dbo"), table = name;
    if (count) {
        table = str_sub(name, dots[0] + 1, name.n);
        size_t from = count == 2 ? dots[1] + 1 : 0;
        schema = str_sub(name, from, dots[0] - from);
    }
    in->schema = str_dup(schema);
    in->table = str_dup(table);
}

SignalInbox *signal_inbox_new(const SignalInboxSpec *spec) {
    SignalInbox *in = x_calloc(1, sizeof *in);
    in->spec = *spec;
    if (spec->table) split_name(in, str_from(spec->table));
    return in;
}

SignalInbox *signal_inbox_free(SignalInbox *in) {
    if (!in) return NULL;
    for (size_t i = 0; i < in->waiting_count; i++) signal_text_done(&in->waiting[i].text);
    free(in->waiting);
    signal_list_done(&in->answers);
    arena_done(&in->arena);
    free(in->schema);
    free(in->table);
    free(in);
    return NULL;
}

static void add(SignalInbox *in, SignalText text, bool is_command) {
    in->waiting = x_reallocarray(in->waiting, in->waiting_count + 1, sizeof *in->waiting);
    in->waiting[in->waiting_count++] = (Waiting){text, is_command};
}

void signal_inbox_command(SignalInbox *in, const SignalText *s) {
    Str data = s->data ? str_from(s->data) : (Str){0};
    add(in, signal_text(str_from(s->id), str_from(s->type), data), /* is_command= */ true);
}

/* ---- the table in the stream ---- */

/* The oldest instance has all that is left; a signal table's columns don't change. */
static bool find_instance(SignalInbox *in, Odbc *odbc, Err *e) {
    OdbcParam names[] = {odbc_text(str_from(in->schema)), odbc_text(str_from(in->table))};
    OdbcCells t;
    arena_done(&in->arena);
    in->arena = (Arena){0};
    in->instance = (Str){0};
    if (!odbc_cells(
            odbc, &in->arena,
            "SELECT ct.capture_instance, cc.column_name FROM cdc.change_tables ct "
            "JOIN sys.tables t ON t.object_id = ct.source_object_id "
            "JOIN sys.schemas s ON s.schema_id = t.schema_id "
            "JOIN cdc.captured_columns cc ON cc.object_id = ct.object_id "
            "WHERE s.name = ? AND t.name = ? ORDER BY ct.create_date, ct.object_id, cc.column_ordinal",
            names, 2, &t, e))
        return err_wrap(e, "looking for the signal table");
    if (t.rows < SIGNAL_COLUMNS) return true;
    in->instance = odbc_cell(&t, 0, 0);
    for (size_t i = 0; i < SIGNAL_COLUMNS; i++) in->columns[i] = odbc_cell(&t, i, 1);
    return true;
}

bool signal_inbox_check(SignalInbox *in, Odbc *odbc, Err *e) {
    if (!in->table) return true;
    if (!find_instance(in, odbc, e)) return false;
    if (in->instance.n) return true;
    CLEANUP(buf_done) Buf cure = {0};
    setup_sql_enable_table(str_from(in->schema), str_from(in->table), (Str){0}, &cure);
    return err_set(
        e, ERR_INVALID, false,
        "signal.data.collection: table %s.%s isn't captured, or has fewer than three columns (id, type, "
        "data): as db_owner, run %s",
        in->schema, in->table, buf_text(&cure));
}

static void rows_sql(const SignalInbox *in, Buf *sql) {
    CLEANUP(buf_done) Buf table = {0};
    buf_cstr(sql, "SELECT ");
    for (size_t i = 0; i < SIGNAL_COLUMNS; i++) {
        if (i) buf_cstr(sql, ", ");
        sql_text_name(in->columns[i], sql);
    }
    buf_str(&table, in->instance);
    buf_cstr(&table, "_CT");
    buf_cstr(sql, " FROM cdc.");
    sql_text_name(buf_view(&table), sql);
    buf_cstr(sql, " WHERE [__$start_lsn] > CAST(? AS binary(10)) AND [__$start_lsn] <= CAST(? AS binary(10)) "
                  "AND [__$operation] = 2 ORDER BY [__$start_lsn], [__$seqval]");
}

bool signal_inbox_read(SignalInbox *in, Odbc *odbc, const Position *position, const Lsn *to, Err *e) {
    if (!in->table || position_is_zero(position)) return true;
    const Lsn *from = lsn_cmp(&position->commit_lsn, &in->seen) > 0 ? &position->commit_lsn : &in->seen;
    if (lsn_cmp(to, from) <= 0) return true;
    if (!in->instance.n && !find_instance(in, odbc, e)) return false;
    if (!in->instance.n) return true; /* it was disabled since the start */
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(arena_done) Arena arena = {0};
    OdbcParam range[] = {odbc_bytes(from->b, LSN_BYTES), odbc_bytes(to->b, LSN_BYTES)};
    OdbcCells t;
    rows_sql(in, &sql);
    if (!odbc_cells(odbc, &arena, buf_text(&sql), range, 2, &t, e)) {
        bool is_gone = odbc_last_native(odbc) == NO_SUCH_OBJECT;
        if (is_gone) LOG_WARN("signal_table_gone", LOG_S("table", in->table));
        in->instance = (Str){0};
        return is_gone || err_wrap(e, "reading the signal table");
    }
    for (size_t i = 0; i < t.rows; i++)
        add(in, signal_text(odbc_cell(&t, i, 0), odbc_cell(&t, i, 1), odbc_cell(&t, i, 2)),
            /* is_command= */ false);
    in->seen = *to;
    return true;
}

/* ---- the file ---- */

static void bad_line(const SignalInbox *in, size_t number, const char *why) {
    LOG_WARN("signal_ignored", LOG_S("file", in->spec.file), LOG_I("line", number), LOG_S("why", why));
}

/* {"id": …, "type": …, "data": {…} or "{…}"} */
static void take_line(SignalInbox *in, Str line, size_t number) {
    json_error_t fault;
    if (!str_trim(line).n) return;
    json_t *json = json_loadb(line.p, line.n, 0, &fault);
    const char *id = json_string_value(json_object_get(json, "id"));
    const char *type = json_string_value(json_object_get(json, "type"));
    const json_t *data = json_object_get(json, "data");
    if (type) {
        CLEANUP_FREE char *text = json_is_object(data) ? json_dumps(data, JSON_COMPACT) : NULL;
        const char *given = text ? text : json_string_value(data);
        add(in, signal_text(str_from(id ? id : ""), str_from(type), given ? str_from(given) : (Str){0}),
            /* is_command= */ false);
    } else {
        bad_line(in, number, json ? "it has no \"type\"" : fault.text);
    }
    json_decref(json);
}

/* What was written since the size was taken stays for the next time, with all the rest. */
static bool read_all(int fd, Buf *text) {
    struct stat before, after;
    if (fstat(fd, &before) != 0 || before.st_size == 0 || before.st_size > MAX_FILE_BYTES) return false;
    char *p = x_malloc((size_t)before.st_size);
    ssize_t n = read(fd, p, (size_t)before.st_size);
    if (n > 0) buf_add(text, p, (size_t)n);
    free(p);
    return n == (ssize_t)before.st_size && fstat(fd, &after) == 0 && after.st_size == before.st_size &&
           ftruncate(fd, 0) == 0;
}

static void read_file(SignalInbox *in) {
    CLEANUP(buf_done) Buf text = {0};
    int fd = open(in->spec.file, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT)
            LOG_WARN("signal_file_unreadable", LOG_S("file", in->spec.file), LOG_S("why", strerror(errno)));
        return;
    }
    bool is_read = read_all(fd, &text);
    close(fd);
    if (!is_read) return;
    Str rest = buf_view(&text), line;
    for (size_t number = 1; str_split(&rest, '\n', &line); number++) take_line(in, line, number);
}

/* ---- telling the plan ---- */

static void obey(SignalInbox *in, const Waiting *w, Plan *plan, const char *database) {
    CLEANUP(buf_done) Buf answer = {0};
    Signal *s = NULL;
    Err e = {0};
    Str data = w->text.data ? str_from(w->text.data) : (Str){0};
    bool ok = signal_parse(str_from(w->text.type), data, &s, &e);
    if (ok) signal_apply(s, plan, database, &answer);
    else buf_printf(&answer, "refused: %s", e.msg);
    if (!ok || s->kind != SIGNAL_MARK)
        LOG_INFO("signal", LOG_S("id", w->text.id), LOG_S("type", w->text.type),
                 LOG_S("outcome", buf_text(&answer)));
    if (w->is_command)
        signal_list_add(&in->answers,
                        signal_text(str_from(w->text.id),
                                    ok && s->kind == SIGNAL_LOG ? STR_LIT("logged") : buf_view(&answer),
                                    (Str){0}));
    signal_free(s);
}

bool signal_inbox_obey(SignalInbox *in, Plan *plan, const char *database, int64_t now_us) {
    if (in->spec.file && now_us >= in->next_file_us) {
        in->next_file_us = now_us + in->spec.file_poll_ms * 1000;
        read_file(in);
    }
    if (!in->waiting_count) return false;
    for (size_t i = 0; i < in->waiting_count; i++) {
        obey(in, &in->waiting[i], plan, database);
        signal_text_done(&in->waiting[i].text);
    }
    in->waiting_count = 0;
    return true;
}

Batch *signal_inbox_answer(SignalInbox *in, const Plan *plan) {
    if (!in->answers.count || plan_has_wishes(plan)) return NULL;
    SignalText *first = &in->answers.items[0];
    Batch *b = batch_new(BATCH_ANSWER);
    b->answer_to = arena_str(&b->arena, str_from(first->id));
    b->answer = arena_str(&b->arena, str_from(first->type));
    signal_text_done(first);
    memmove(first, first + 1, --in->answers.count * sizeof *first);
    return b;
}
