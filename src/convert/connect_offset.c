/*
 * Connect writes a map's entries in the order that Java's HashMap gives them, and finds a partition's offset
 * by the bytes of its key: so the order is computed (java_map.h), not fixed here.
 */
#include "convert/connect_offset.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "convert/java_json.h"
#include "convert/java_map.h"

static const char COUNT_PREFIX[] = "transaction_data_collection_order_";

/* The entries, put in this order, as the map gives them. */
static const ConnectOffsetEntry *in_order(const ConnectOffsetEntry *entries, size_t count, Arena *a) {
    CLEANUP_FREE Str *keys = x_calloc(count + 1, sizeof *keys);
    CLEANUP_FREE size_t *order = x_calloc(count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++) keys[i] = entries[i].key;
    java_map_order(keys, count, order);
    ConnectOffsetEntry *ret = ARENA_ARRAY(a, ConnectOffsetEntry, count + 1);
    for (size_t i = 0; i < count; i++) ret[i] = entries[order[i]];
    return ret;
}

static void put_object(const ConnectOffsetEntry *entries, size_t count, Buf *out) {
    buf_u8(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i) buf_u8(out, ',');
        java_json_text(entries[i].key, out);
        buf_u8(out, ':');
        buf_cstr(out, entries[i].json);
    }
    buf_u8(out, '}');
}

static const char *json_text(Str s, Arena *a) {
    CLEANUP(buf_done) Buf b = {0};
    java_json_text(s, &b);
    return arena_str(a, buf_view(&b)).p;
}

static const char *json_lsn(const Lsn *lsn, Arena *a) {
    char text[LSN_TEXT_SIZE];
    return lsn_is_zero(lsn) ? "\"NULL\"" : arena_printf(a, "\"%s\"", lsn_format(lsn, text));
}

void connect_offset_partition(Str prefix, Str database, Buf *out) {
    CLEANUP(arena_done) Arena a = {0};
    ConnectOffsetEntry entries[] = {{STR_LIT("server"), json_text(prefix, &a)},
                                    {STR_LIT("database"), json_text(database, &a)}};
    put_object(in_order(entries, 2, &a), 2, out);
}

void connect_offset_key(Str connector, Str prefix, Str database, Buf *out) {
    buf_u8(out, '[');
    java_json_text(connector, out);
    buf_u8(out, ',');
    connect_offset_partition(prefix, database, out);
    buf_u8(out, ']');
}

static size_t snapshot_entries(const ConnectOffset *o, WireVersion version, Arena *a,
                               ConnectOffsetEntry *ret) {
    ret[0] = (ConnectOffsetEntry){STR_LIT("snapshot"), version == WIRE_3_0 ? "\"INITIAL\"" : "true"};
    ret[1] = (ConnectOffsetEntry){STR_LIT("snapshot_completed"), o->is_snapshot_completed ? "true" : "false"};
    ret[2] = (ConnectOffsetEntry){STR_LIT("commit_lsn"), json_lsn(&o->commit_lsn, a)};
    return 3;
}

static size_t change_entries(const ConnectOffset *o, Arena *a, ConnectOffsetEntry *ret) {
    size_t n = 0;
    ret[n++] = (ConnectOffsetEntry){STR_LIT("commit_lsn"), json_lsn(&o->commit_lsn, a)};
    ret[n++] =
        (ConnectOffsetEntry){STR_LIT("change_lsn"), o->has_change ? json_lsn(&o->change_lsn, a) : "\"NULL\""};
    ret[n++] = (ConnectOffsetEntry){STR_LIT("event_serial_no"),
                                    arena_printf(a, "%lld", (long long)o->event_serial_no)};
    if (o->transaction_id.n)
        ret[n++] = (ConnectOffsetEntry){STR_LIT("transaction_id"), json_text(o->transaction_id, a)};
    for (size_t i = 0; i < o->count_count; i++) {
        char *key = arena_printf(a, "%s" STR_FMT, COUNT_PREFIX, STR_ARG(o->counts[i].table));
        const char *json = arena_printf(a, "%lld", (long long)o->counts[i].events);
        ret[n++] = (ConnectOffsetEntry){str_from(key), json};
    }
    return n;
}

const ConnectOffsetEntry *connect_offset_entries(const ConnectOffset *o, WireVersion version, Arena *a,
                                                 size_t *ret_count) {
    CLEANUP_FREE ConnectOffsetEntry *entries = x_calloc(4 + o->count_count, sizeof *entries);
    *ret_count = o->is_snapshot ? snapshot_entries(o, version, a, entries) : change_entries(o, a, entries);
    return in_order(entries, *ret_count, a);
}

void connect_offset_value(const ConnectOffset *o, WireVersion version, Buf *out) {
    CLEANUP(arena_done) Arena a = {0};
    size_t count;
    const ConnectOffsetEntry *entries = connect_offset_entries(o, version, &a, &count);
    put_object(entries, count, out);
}

/* ---- reading ---- */

static Str text_of(const json_t *v) {
    return json_is_string(v) ? (Str){json_string_value(v), json_string_length(v)} : (Str){NULL, 0};
}

static void drop(json_t **v) {
    json_decref(*v);
}

bool connect_offset_read_key(Str json, Str connector, Str prefix, Arena *a, Str *ret_database) {
    CLEANUP(drop) json_t *key = json_loadb(json.p ? json.p : "", json.n, JSON_ALLOW_NUL, NULL);
    if (!json_is_array(key) || json_array_size(key) != 2) return false;
    const json_t *partition = json_array_get(key, 1);
    Str database = text_of(json_object_get(partition, "database"));
    if (!str_eq(text_of(json_array_get(key, 0)), connector) || !database.p ||
        !str_eq(text_of(json_object_get(partition, "server")), prefix))
        return false;
    *ret_database = arena_str(a, database);
    return true;
}

/* Absent or "NULL" is no LSN; false: something else that isn't one. */
static bool read_lsn(const json_t *v, Lsn *ret, bool *ret_has, Err *e) {
    Str s = text_of(v);
    *ret_has = false;
    if (!v || json_is_null(v) || str_eq_c(s, "NULL")) return true;
    if (!json_is_string(v)) return err_set(e, ERR_INVALID, false, "not an LSN");
    *ret_has = true;
    return lsn_parse(s.p, ret, e);
}

static void read_counts(json_t *o, Arena *a, ConnectOffset *ret) {
    const char *key;
    json_t *v;
    ConnectOffsetCount *counts = ARENA_ARRAY(a, ConnectOffsetCount, json_object_size(o) + 1);
    json_object_foreach(o, key, v) {
        Str name = str_from(key);
        if (!str_starts(name, str_from(COUNT_PREFIX)) || !json_is_integer(v)) continue;
        Str table = arena_str(a, str_sub(name, sizeof COUNT_PREFIX - 1, name.n));
        counts[ret->count_count++] = (ConnectOffsetCount){table, json_integer_value(v)};
    }
    ret->counts = counts;
}

/* [{"incremental_snapshot_collections_id":"db.dbo.t",…},…], as a text. */
static Str read_incremental(const json_t *v, Arena *a) {
    CLEANUP(buf_done) Buf names = {0};
    Str text = text_of(v);
    if (text.n == 0) return (Str){0};
    CLEANUP(drop) json_t *list = json_loadb(text.p, text.n, 0, NULL);
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) {
        Str name = text_of(json_object_get(entry, "incremental_snapshot_collections_id"));
        buf_printf(&names, "%s" STR_FMT, names.n ? ", " : "", STR_ARG(name));
    }
    return arena_str(a, names.n ? buf_view(&names) : text);
}

bool connect_offset_read(Str json, Arena *a, ConnectOffset *ret, Err *e) {
    CLEANUP(drop) json_t *o = json_loadb(json.p ? json.p : "", json.n, JSON_ALLOW_NUL, NULL);
    ConnectOffset made = {0};
    bool has_commit;
    if (!json_is_object(o)) return err_set(e, ERR_INVALID, false, "the stored offset isn't a JSON object");
    if (!read_lsn(json_object_get(o, "commit_lsn"), &made.commit_lsn, &has_commit, e) ||
        !read_lsn(json_object_get(o, "change_lsn"), &made.change_lsn, &made.has_change, e))
        return err_wrap(e, "the stored offset");
    if (!has_commit)
        return err_set(e, ERR_INVALID, false,
                       "the stored offset has no commit_lsn: it isn't one of a SQL Server source");
    const json_t *snapshot = json_object_get(o, "snapshot"); /* true, or from 3.0 on a word */
    made.is_snapshot = json_is_true(snapshot) || (json_is_string(snapshot) && json_string_length(snapshot));
    made.is_snapshot_completed = json_is_true(json_object_get(o, "snapshot_completed"));
    made.event_serial_no = json_integer_value(json_object_get(o, "event_serial_no"));
    Str id = text_of(json_object_get(o, "transaction_id"));
    if (id.n) made.transaction_id = arena_str(a, id);
    read_counts(o, a, &made);
    made.incremental = read_incremental(json_object_get(o, "incremental_snapshot_collections"), a);
    *ret = made;
    return true;
}

bool connect_offset_covers(const ConnectOffset *o, const Lsn *commit, const Lsn *change, int64_t serial) {
    int c = lsn_cmp(commit, &o->commit_lsn);
    if (c != 0 || o->is_snapshot) return c <= 0;
    if (!o->has_change) return false;
    c = lsn_cmp(change, &o->change_lsn);
    return c < 0 || (c == 0 && serial <= o->event_serial_no);
}
