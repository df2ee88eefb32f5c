/*
 * Writing takes two forms of the same statement. Few rows go as array parameters (one array a column, in
 * binary): a prepared statement that can be sent ahead with BEGIN and COMMIT, so that a small transaction is
 * one round trip. Many rows go by binary COPY into a temporary table made once per session, and from there by
 * one statement. Measured figures are in apply.c.
 *
 *   puts      INSERT … SELECT … [ON CONFLICT (key) DO UPDATE SET …], or UPDATE … FROM (insert.mode=update)
 *   removes   DELETE … USING … by key
 *   bag       DELETE by ctid: rows of equal content are numbered, and as many go as the changes say
 *
 * Text is compared for a bag as whole rows (ROW(…) = ROW(…) over a subselect is record_eq): NULL equals NULL
 * there, and it can be hashed, where a chain of IS NOT DISTINCT FROM can't.
 */
#include "postgres/target_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- names in statements ---- */

static Str column_name(const Target *t, uint16_t column) {
    return str_from(t->table->columns[t->places[column]].name);
}

static void add_name(const Target *t, uint16_t column, Buf *out) {
    pgname_quote(out, column_name(t, column));
}

void target_sql_names(const Target *t, const uint16_t *columns, size_t count, const char *prefix, Buf *out) {
    for (size_t i = 0; i < count; i++) {
        buf_cstr(out, i > 0 ? ", " : "");
        buf_cstr(out, prefix);
        add_name(t, columns[i], out);
    }
}

char *target_sql_take(Buf *b) {
    char *text = str_dup(buf_view(b));
    buf_clear(b);
    return text;
}

/* ---- statements ---- */

static void add_arrays(size_t count, Buf *out) {
    buf_cstr(out, "unnest("); /* unqualified: only so does the grammar take several arrays */
    for (size_t i = 0; i < count; i++) buf_printf(out, "%s$%zu", i > 0 ? ", " : "", i + 1);
    buf_cstr(out, ")");
}

/* Where rows come from, as relation s with the target's column names. */
static void add_source(const Target *t, const TargetWrite *w, const char *temp, Buf *out) {
    if (temp) {
        buf_printf(out, "pg_temp.%s AS s", temp);
        return;
    }
    add_arrays(w->count, out);
    buf_cstr(out, " AS s(");
    target_sql_names(t, w->columns, w->count, "", out);
    buf_cstr(out, ")");
}

static void add_key_match(const Target *t, Buf *out) {
    for (size_t i = 0; i < t->key_count; i++) {
        buf_cstr(out, i > 0 ? " AND t." : "t.");
        add_name(t, t->key[i], out);
        buf_cstr(out, " = s.");
        add_name(t, t->key[i], out);
    }
}

/* "a" = EXCLUDED."a", … of the columns outside the key; how many. */
static size_t add_assignments(const Target *t, const TargetWrite *w, const char *from, Buf *out) {
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (target_is_key(t, w->columns[i])) continue;
        buf_cstr(out, n++ > 0 ? ", " : "");
        add_name(t, w->columns[i], out);
        buf_printf(out, " = %s.", from);
        add_name(t, w->columns[i], out);
    }
    return n;
}

static void add_insert(const Target *t, const TargetWrite *w, const char *temp, Buf *out) {
    buf_printf(out, "INSERT INTO %s AS t (", t->qualified);
    target_sql_names(t, w->columns, w->count, "", out);
    buf_cstr(out, t->table->has_identity ? ") OVERRIDING SYSTEM VALUE SELECT " : ") SELECT ");
    target_sql_names(t, w->columns, w->count, "s.", out);
    buf_cstr(out, " FROM ");
    add_source(t, w, temp, out);
    if (t->rules->insert != TARGET_UPSERT || t->key_count == 0) return;
    buf_cstr(out, " ON CONFLICT (");
    target_sql_names(t, t->key, t->key_count, "", out);
    size_t start = out->n;
    buf_cstr(out, ") DO UPDATE SET ");
    if (add_assignments(t, w, "EXCLUDED", out) > 0) return;
    out->n = start;
    buf_cstr(out, ") DO NOTHING");
}

static void add_update(const Target *t, const TargetWrite *w, const char *temp, Buf *out) {
    buf_printf(out, "UPDATE %s AS t SET ", t->qualified);
    if (add_assignments(t, w, "s", out) ==
        0) { /* nothing but the key: touch it, so that the statement stands */
        add_name(t, t->key[0], out);
        buf_cstr(out, " = s.");
        add_name(t, t->key[0], out);
    }
    buf_cstr(out, " FROM ");
    add_source(t, w, temp, out);
    buf_cstr(out, " WHERE ");
    add_key_match(t, out);
}

static void add_delete(const Target *t, const TargetWrite *w, const char *temp, Buf *out) {
    buf_printf(out, "DELETE FROM %s AS t USING ", t->qualified);
    add_source(t, w, temp, out);
    buf_cstr(out, " WHERE ");
    add_key_match(t, out);
}

/* "a", "b" of the written columns that w leaves out. */
static void add_hidden_names(const Target *t, const TargetWrite *w, Buf *out) {
    size_t n = 0;
    for (size_t i = 0; i < t->written_count; i++) {
        if (target_is_among(w->columns, w->count, t->written[i])) continue;
        buf_cstr(out, n++ > 0 ? ", t." : "t.");
        add_name(t, t->written[i], out);
    }
}

/* Conditions that an index can serve, beside the comparison of whole rows: equality of what is never NULL. */
static void add_plain_matches(const Target *t, const TargetWrite *w, Buf *out) {
    for (size_t i = 0; i < w->count; i++) {
        if (t->schema->columns[w->columns[i]].is_nullable) continue;
        buf_cstr(out, " AND x.");
        add_name(t, w->columns[i], out);
        buf_printf(out, " = k.c%zu", i);
    }
}

/* A bag's removal. Parameters: the comparable columns, how many times each, how many rows that must be in
 * all, and the table's name for the failure. k: what is to go; x: what is there; m: pairs, numbered; d: the
 * deletion. */
static void add_bag_delete(const Target *t, const TargetWrite *w, Buf *out) {
    size_t counts = w->count + 1;
    buf_cstr(out, "WITH k AS (SELECT u.*, ROW(");
    for (size_t i = 0; i < w->count; i++) buf_printf(out, "%su.c%zu", i > 0 ? ", " : "", i);
    buf_cstr(out, ") AS r FROM ROWS FROM (");
    add_arrays(counts, out);
    buf_cstr(out, ") WITH ORDINALITY AS u(");
    for (size_t i = 0; i < w->count; i++) buf_printf(out, "c%zu, ", i);
    buf_cstr(out, "n, o)), x AS (SELECT t.ctid AS mr_at, t.tableoid AS mr_part, ");
    target_sql_names(t, w->columns, w->count, "t.", out);
    buf_cstr(out, ", ROW(");
    target_sql_names(t, w->columns, w->count, "t.", out);
    buf_cstr(out, ") AS mr_row, pg_catalog.md5(ROW(");
    add_hidden_names(t, w, out);
    buf_printf(out,
               ")::text) AS mr_hidden FROM %s AS t), m AS (SELECT x.mr_at, x.mr_part, k.n,"
               " pg_catalog.row_number() OVER one AS i, pg_catalog.count(*) OVER same > k.n"
               " AND pg_catalog.min(x.mr_hidden) OVER same <> pg_catalog.max(x.mr_hidden) OVER same AS bad"
               " FROM x JOIN k ON x.mr_row = k.r",
               t->qualified);
    add_plain_matches(t, w, out);
    buf_printf(
        out,
        " WINDOW one AS (PARTITION BY k.o ORDER BY x.mr_part, x.mr_at), same AS (PARTITION BY k.o)),"
        " d AS (DELETE FROM %s AS t USING m WHERE t.ctid = m.mr_at AND t.tableoid = m.mr_part AND m.i <= m.n"
        " RETURNING 1) SELECT millrace.expect((SELECT pg_catalog.count(*) FROM d), $%zu,"
        " (SELECT pg_catalog.bool_or(m.bad) FROM m), $%zu)",
        t->qualified, counts + 1, counts + 2);
}

typedef void AddStatement(const Target *t, const TargetWrite *w, const char *temp, Buf *out);

/* Both forms of one statement over w->columns. */
static void make_write(const Target *t, TargetWrite *w, AddStatement *add, const char *temp) {
    CLEANUP(buf_done) Buf sql = {0};
    add(t, w, /* temp= */ NULL, &sql);
    w->small.sql = target_sql_take(&sql);
    uint32_t *types = x_calloc(w->count, sizeof *types);
    for (size_t i = 0; i < w->count; i++) types[i] = t->fields[w->columns[i]].array_oid;
    w->small.types = types;
    add(t, w, temp, &sql);
    w->merge.sql = target_sql_take(&sql);
    buf_printf(&sql,
               "DROP TABLE IF EXISTS pg_temp.%s; CREATE TEMPORARY TABLE %s ON COMMIT DELETE ROWS AS SELECT ",
               temp, temp);
    target_sql_names(t, w->columns, w->count, "", &sql);
    buf_printf(&sql, " FROM %s WITH NO DATA", t->qualified);
    w->temp_create = target_sql_take(&sql);
    buf_printf(&sql, "COPY pg_temp.%s FROM STDIN WITH (FORMAT binary)", temp);
    w->temp_copy = target_sql_take(&sql);
    buf_printf(&sql, "TRUNCATE pg_temp.%s", temp);
    w->temp_clear = target_sql_take(&sql);
}

/* An upsert looks for the key, locks the row and then writes it; an update of rows that are there is a tenth
 * cheaper. */
static void make_update(const Target *t, TargetWrite *w, const char *temp) {
    CLEANUP(buf_done) Buf sql = {0};
    if (t->rules->insert != TARGET_UPSERT || t->key_count == 0) return;
    add_update(t, w, temp, &sql);
    w->update.sql = target_sql_take(&sql);
}

static void make_copy(const Target *t, TargetWrite *w) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "COPY %s (", t->qualified);
    target_sql_names(t, w->columns, w->count, "", &sql);
    buf_cstr(&sql, ") FROM STDIN WITH (FORMAT binary)");
    w->copy = target_sql_take(&sql);
}

void target_sql_done(TargetWrite *w) {
    free(w->columns);
    free((char *)(uintptr_t)w->small.sql);
    free((uint32_t *)(uintptr_t)w->small.types);
    free((char *)(uintptr_t)w->merge.sql);
    free((char *)(uintptr_t)w->update.sql);
    free(w->temp_create);
    free(w->temp_copy);
    free(w->temp_clear);
    free(w->copy);
}

static void make_bag_removes(Target *t) {
    TargetWrite *w = &t->removes;
    w->columns = x_calloc(t->written_count, sizeof *w->columns);
    for (size_t i = 0; i < t->written_count; i++) {
        uint16_t column = t->written[i];
        bool is_found = pgtype_is_comparable(t->table->columns[t->places[column]].type.kind) &&
                        !t->schema->columns[column].is_lob && !t->schema->columns[column].is_computed;
        if (is_found) w->columns[w->count++] = column;
    }
    CLEANUP(buf_done) Buf sql = {0};
    add_bag_delete(t, w, &sql);
    w->small.sql = target_sql_take(&sql);
    enum { OID_INT8 = 20, OID_TEXT = 25, OID_INT8_ARRAY = 1016 };
    uint32_t *types = x_calloc(w->count + 3, sizeof *types);
    for (size_t i = 0; i < w->count; i++) types[i] = t->fields[w->columns[i]].array_oid;
    types[w->count] = OID_INT8_ARRAY;
    types[w->count + 1] = OID_INT8;
    types[w->count + 2] = OID_TEXT;
    w->small.types = types;
}

static void temp_name(const Target *t, const char *what, unsigned number, char buf[static 32]) {
    (void)snprintf(buf, 32, "mr_%s_%u_%u", what, (unsigned)t->table->oid, number);
}

void target_sql_removes(Target *t) {
    if (t->is_bag) {
        make_bag_removes(t);
        return;
    }
    if (t->key_count == 0) return;
    char temp[32];
    temp_name(t, "del", 0, temp);
    t->removes.columns = x_calloc(t->key_count, sizeof *t->removes.columns);
    memcpy(t->removes.columns, t->key, t->key_count * sizeof *t->key);
    t->removes.count = t->key_count;
    make_write(t, &t->removes, add_delete, temp);
}

void target_sql_puts(const Target *t, TargetShape *shape, unsigned number) {
    TargetWrite *w = &shape->write;
    w->columns = x_calloc(t->written_count, sizeof *w->columns);
    for (size_t i = 0; i < t->written_count; i++) {
        uint16_t column = t->written[i];
        if (!(shape->absent[column / 64] >> column % 64 & 1)) w->columns[w->count++] = column;
    }
    char temp[32];
    temp_name(t, "put", number, temp);
    make_write(t, w, t->rules->insert == TARGET_UPDATE ? add_update : add_insert, temp);
    make_update(t, w, temp);
    make_copy(t, w);
}
