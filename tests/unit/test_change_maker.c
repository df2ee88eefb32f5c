#include "convert/change_maker.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "test.h"

/* ---- schemas and records of a table: Id int, Price decimal(9,2), Seen datetime2(7) ---- */

typedef struct Rig {
    const ConnectSchema *key, *row, *envelope;
    Arena arena;
    TextList key_fields, exclude;
    ChangeRules rules;
    ChangeMaker *maker;
} Rig;

static const ConnectSchema *made(const ConnectSchema *spec) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static const ConnectSchema *structure(const char *name, bool is_optional, int32_t version,
                                      const ConnectField *fields, size_t count) {
    const ConnectSchema *s = made(&(ConnectSchema){.type = CONNECT_STRUCT,
                                                   .is_optional = is_optional,
                                                   .name = str_from(name),
                                                   .version = version,
                                                   .fields = fields,
                                                   .field_count = count});
    for (size_t i = 0; i < count; i++) connect_schema_unref(fields[i].schema);
    return s;
}

static const ConnectSchema *row_schema(const char *name, bool is_optional) {
    const ConnectParam params[] = {{STR_LIT("scale"), STR_LIT("2")},
                                   {STR_LIT("connect.decimal.precision"), STR_LIT("9")}};
    const ConnectField fields[] = {
        {STR_LIT("Id"), connect_schema_plain(CONNECT_INT32, false)},
        {STR_LIT("Price"), made(&(ConnectSchema){.type = CONNECT_BYTES,
                                                 .is_optional = true,
                                                 .name = str_from(CONNECT_DECIMAL),
                                                 .params = params,
                                                 .param_count = 2})},
        {STR_LIT("Seen"),
         made(&(ConnectSchema){
             .type = CONNECT_INT64, .is_optional = true, .name = STR_LIT("io.debezium.time.NanoTimestamp")})},
    };
    return structure(name, is_optional, 0, fields, 3);
}

enum { SOURCE_FIELDS = 9 };
static const ConnectSchema *envelope_schema(int32_t version) {
    const ConnectField source[SOURCE_FIELDS] = {
        {STR_LIT("name"), connect_schema_plain(CONNECT_STRING, false)},
        {STR_LIT("ts_ms"), connect_schema_plain(CONNECT_INT64, false)},
        {STR_LIT("snapshot"), connect_schema_plain(CONNECT_STRING, true)},
        {STR_LIT("db"), connect_schema_plain(CONNECT_STRING, false)},
        {STR_LIT("schema"), connect_schema_plain(CONNECT_STRING, false)},
        {STR_LIT("table"), connect_schema_plain(CONNECT_STRING, false)},
        {STR_LIT("change_lsn"), connect_schema_plain(CONNECT_STRING, true)},
        {STR_LIT("commit_lsn"), connect_schema_plain(CONNECT_STRING, true)},
        {STR_LIT("event_serial_no"), connect_schema_plain(CONNECT_INT64, true)},
    };
    const ConnectField fields[] = {
        {STR_LIT("before"), row_schema("sales.Shop.dbo.Item.Value", true)},
        {STR_LIT("after"), row_schema("sales.Shop.dbo.Item.Value", true)},
        {STR_LIT("source"),
         structure("io.debezium.connector.sqlserver.Source", false, 0, source, SOURCE_FIELDS)},
        {STR_LIT("op"), connect_schema_plain(CONNECT_STRING, false)},
    };
    return structure("sales.Shop.dbo.Item.Envelope", false, version, fields, 4);
}

static int set_up(void **state) {
    Rig *rig = calloc(1, sizeof *rig);
    const ConnectField key[] = {{STR_LIT("Id"), connect_schema_plain(CONNECT_INT32, false)}};
    rig->key = structure("sales.Shop.dbo.Item.Key", false, 0, key, 1);
    rig->row = row_schema("sales.Shop.dbo.Item.Value", false);
    rig->envelope = envelope_schema(2);
    rig->rules = (ChangeRules){.key_mode = CHANGE_KEY_RECORD_KEY, .may_delete = true};
    rig->maker = change_maker_new(&rig->rules);
    *state = rig;
    return 0;
}

static int tear_down(void **state) {
    Rig *rig = *state;
    change_maker_free(rig->maker);
    connect_schema_unref(rig->key);
    connect_schema_unref(rig->row);
    connect_schema_unref(rig->envelope);
    arena_done(&rig->arena);
    textlist_done(&rig->key_fields);
    textlist_done(&rig->exclude);
    free(rig);
    return 0;
}

static void use_rules(Rig *rig) {
    change_maker_free(rig->maker);
    rig->maker = change_maker_new(&rig->rules);
}

static Value text(const char *s) {
    return s ? value_bytes(s, (uint32_t)strlen(s)) : value_null();
}

static Value fields(Rig *rig, const Value *values, size_t count) {
    Value *copy = ARENA_ARRAY(&rig->arena, Value, count);
    memcpy(copy, values, count * sizeof *copy);
    return record_struct(copy, count);
}

static Value row(Rig *rig, int64_t id) {
    return fields(rig, (Value[]){value_int(id), value_bytes("\x04\xC7", 2), value_int(1000)}, 3);
}

static Value key(Rig *rig, int64_t id) {
    return fields(rig, (Value[]){value_int(id)}, 1);
}

static Value source(Rig *rig, const char *table, const char *snapshot, const char *change,
                    const char *commit) {
    return fields(rig,
                  (Value[]){text("sales"), value_int(1700000001000), text(snapshot), text("Shop"),
                            text("dbo"), text(table), text(change), text(commit),
                            commit ? value_int(2) : value_null()},
                  SOURCE_FIELDS);
}

#define CHANGE_LSN "00000027:00000a10:0002"
#define COMMIT_LSN "00000027:00000a10:0003"

static Record envelope(Rig *rig, const char *op, Value before, Value after) {
    return (Record){
        .topic = STR_LIT("sales.Shop.dbo.Item"),
        .key_schema = rig->key,
        .key = key(rig, 7),
        .value_schema = rig->envelope,
        .value = fields(
            rig, (Value[]){before, after, source(rig, "Item", NULL, CHANGE_LSN, COMMIT_LSN), text(op)}, 4),
        .raw_key = STR_LIT("key 7"),
        .partition = 1,
        .offset = 42};
}

static Record flat(Rig *rig) {
    return (Record){.topic = STR_LIT("items"),
                    .key_schema = rig->key,
                    .key = key(rig, 7),
                    .value_schema = rig->row,
                    .value = row(rig, 7),
                    .partition = 1,
                    .offset = 42};
}

static MadeChange make(Rig *rig, const Record *r) {
    MadeChange ret;
    Err e = {0};
    if (!change_maker_make(rig->maker, r, &rig->arena, &ret, &e)) fail_msg("%s", e.msg);
    return ret;
}

static void assert_refused(Rig *rig, const Record *r, const char *part) {
    MadeChange ret;
    Err e = {0};
    assert_false(change_maker_make(rig->maker, r, &rig->arena, &ret, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_false(e.retriable);
    if (!strstr(e.msg, part)) fail_msg("%s", e.msg);
}

static void assert_columns(const Schema *s, const char *expected) {
    Buf text_ = {0};
    for (size_t i = 0; i < s->column_count; i++) {
        buf_printf(&text_, "%s" STR_FMT " ", i ? ", " : "", STR_ARG(s->columns[i].name));
        column_type_format(&s->columns[i], &text_);
        if (s->columns[i].key) buf_printf(&text_, " key %d", s->columns[i].key);
    }
    assert_string_equal(buf_text(&text_), expected);
    buf_done(&text_);
}

/* ---- tests ---- */

static void an_envelope_is_the_change_it_tells_of(void **state) {
    Rig *rig = *state;
    Record r = envelope(rig, "u", row(rig, 7), row(rig, 7));
    MadeChange m = make(rig, &r);
    assert_int_equal(m.change.op, OP_UPDATE);
    assert_null(m.change.before); /* nobody asks */
    assert_int_equal(m.change.after[0].v.i, 7);
    assert_int_equal(m.change.after[1].v.i, 1223);
    assert_int_equal(m.change.source_us, 1700000001000000);
    assert_columns(m.change.schema, "Id int key 1, Price decimal(9,2), Seen datetime2(7)");
    assert_string_equal(m.change.schema->qualified, "dbo.Item");
    assert_true(str_eq_c(m.change.schema->topic, "sales.Shop.dbo.Item"));
    assert_true(m.origin.is_envelope && m.origin.has_lsn && !m.origin.is_snapshot);
    assert_int_equal(m.origin.event_serial_no, 2);
    char lsn[LSN_TEXT_SIZE];
    assert_string_equal(lsn_format(&m.origin.commit_lsn, lsn), COMMIT_LSN);
    assert_string_equal(lsn_format(&m.change.position.seqval, lsn), CHANGE_LSN);
    static const struct {
        const char *op;
        ChangeOp expected;
    } others[] = {{"c", OP_CREATE}, {"r", OP_READ}};
    for (size_t i = 0; i < 2; i++) {
        r = envelope(rig, others[i].op, value_null(), row(rig, 7));
        m = make(rig, &r);
        assert_int_equal(m.change.op, others[i].expected);
        assert_int_equal(m.origin.is_snapshot, i == 1);
    }
}

static void a_delete_and_a_tombstone_have_the_key(void **state) {
    Rig *rig = *state;
    Record r = envelope(rig, "d", row(rig, 7), value_null());
    MadeChange m = make(rig, &r);
    assert_int_equal(m.change.op, OP_DELETE);
    assert_null(m.change.after);
    assert_int_equal(change_key(&m.change, 0)->v.i, 7);
    r.value = value_null();
    r.value_schema = NULL;
    m = make(rig, &r); /* compaction may have left nothing else */
    assert_int_equal(m.change.op, OP_DELETE);
    assert_false(m.is_key_only);
    assert_int_equal(change_key(&m.change, 0)->v.i, 7);
}

static void a_tombstone_before_any_value_is_a_delete_by_key_alone(void **state) {
    Rig *rig = *state;
    Record r = envelope(rig, "c", value_null(), row(rig, 7));
    r.value = value_null();
    r.value_schema = NULL;
    MadeChange m = make(rig, &r);
    assert_int_equal(m.change.op, OP_DELETE);
    assert_true(m.is_key_only);
    assert_columns(m.change.schema, "Id int key 1");
    assert_string_equal(m.change.schema->qualified, "dbo.Item");
}

static void without_delete_enabled_deletes_are_skipped_and_counted(void **state) {
    Rig *rig = *state;
    rig->rules.may_delete = false;
    use_rules(rig);
    Record r = envelope(rig, "d", row(rig, 7), value_null());
    assert_int_equal(make(rig, &r).skip, CHANGE_SKIP_DELETE);
    r.value = value_null();
    assert_int_equal(make(rig, &r).skip, CHANGE_SKIP_TOMBSTONE);
    assert_int_equal(change_maker_skipped(rig->maker, CHANGE_SKIP_DELETE), 1);
}

static void a_flat_record_is_an_upsert(void **state) {
    Rig *rig = *state;
    Record r = flat(rig);
    MadeChange m = make(rig, &r);
    assert_int_equal(m.change.op, OP_UPSERT);
    assert_false(m.origin.is_envelope);
    assert_columns(m.change.schema, "Id int key 1, Price decimal(9,2), Seen datetime2(7)");
    assert_string_equal(m.change.schema->qualified, "items");
    r.value = value_null();
    m = make(rig, &r);
    assert_int_equal(m.change.op, OP_DELETE);
    assert_int_equal(change_key(&m.change, 0)->v.i, 7);
}

static void a_mark_of_deletion_deletes_where_deletes_are_enabled(void **state) {
    Rig *rig = *state;
    const ConnectField f[] = {{STR_LIT("Id"), connect_schema_plain(CONNECT_INT32, false)},
                              {STR_LIT("__deleted"), connect_schema_plain(CONNECT_STRING, true)}};
    const ConnectSchema *s = structure("v", false, 0, f, 2);
    Record r = flat(rig);
    r.value_schema = s;
    r.value = fields(rig, (Value[]){value_int(7), text("true")}, 2);
    MadeChange m = make(rig, &r);
    assert_int_equal(m.change.op, OP_DELETE);
    assert_columns(m.change.schema, "Id int key 1");
    r.value = fields(rig, (Value[]){value_int(7), text("false")}, 2);
    assert_int_equal(make(rig, &r).change.op, OP_UPSERT);
    rig->rules.may_delete = false;
    use_rules(rig);
    m = make(rig, &r);
    assert_int_equal(m.change.op, OP_UPSERT);
    assert_columns(m.change.schema, "Id int key 1, __deleted nvarchar(max)");
    connect_schema_unref(s);
}

static void what_is_no_row_is_skipped_by_its_kind(void **state) {
    Rig *rig = *state;
    static const struct {
        const char *name;
        ChangeSkip skip;
    } cases[] = {{"io.debezium.connector.common.Heartbeat", CHANGE_SKIP_HEARTBEAT},
                 {"io.debezium.connector.sqlserver.SchemaChangeValue", CHANGE_SKIP_SCHEMA},
                 {"io.debezium.connector.common.TransactionMetadataValue", CHANGE_SKIP_TRANSACTION}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ConnectField f[] = {{STR_LIT("ts_ms"), connect_schema_plain(CONNECT_INT64, false)}};
        const ConnectSchema *s = structure(cases[i].name, false, 1, f, 1);
        Record r = flat(rig);
        r.value_schema = s;
        r.value = fields(rig, (Value[]){value_int(7)}, 1);
        assert_int_equal(make(rig, &r).skip, cases[i].skip);
        connect_schema_unref(s);
    }
    Record r = envelope(rig, "t", value_null(), value_null());
    assert_int_equal(make(rig, &r).skip, CHANGE_SKIP_TRUNCATE);
    r = envelope(rig, "m", value_null(), value_null());
    assert_int_equal(make(rig, &r).skip, CHANGE_SKIP_MESSAGE);
}

static void a_table_without_a_key_gets_the_rows_before(void **state) {
    Rig *rig = *state;
    Record r = envelope(rig, "u", row(rig, 6), row(rig, 7));
    r.key = value_null();
    r.key_schema = NULL;
    MadeChange m = make(rig, &r);
    assert_int_equal(m.change.schema->key_count, 0);
    assert_int_equal(m.change.before[0].v.i, 6);
    assert_int_equal(m.change.after[0].v.i, 7);
    r.value = envelope(rig, "d", row(rig, 6), value_null()).value;
    m = make(rig, &r);
    assert_int_equal(m.change.before[0].v.i, 6);
    assert_int_equal(m.change.before[1].v.i, 1223);
    r.value = envelope(rig, "d", value_null(), value_null()).value;
    assert_refused(rig, &r, "without the row before");
    r = flat(rig);
    r.key = value_null();
    r.key_schema = NULL;
    assert_refused(rig, &r, "pk.mode=record_key");
}

static void key_modes_make_the_key(void **state) {
    Rig *rig = *state;
    Record r = flat(rig);
    rig->rules = (ChangeRules){.key_mode = CHANGE_KEY_KAFKA};
    use_rules(rig);
    MadeChange m = make(rig, &r);
    assert_columns(m.change.schema,
                   "Id int, Price decimal(9,2), Seen datetime2(7), __connect_topic nvarchar(max) key 1, "
                   "__connect_partition int key 2, __connect_offset bigint key 3");
    assert_int_equal(m.change.after[4].v.i, 1);
    assert_int_equal(m.change.after[5].v.i, 42);
    rig->rules.key_mode = CHANGE_KEY_NONE;
    use_rules(rig);
    assert_int_equal(make(rig, &r).change.schema->key_count, 0);
    textlist_add(&rig->key_fields, STR_LIT("Seen"));
    textlist_add(&rig->key_fields, STR_LIT("Id"));
    rig->rules = (ChangeRules){.key_mode = CHANGE_KEY_RECORD_VALUE, .key_fields = &rig->key_fields};
    use_rules(rig);
    assert_columns(make(rig, &r).change.schema, "Id int key 2, Price decimal(9,2), Seen datetime2(7) key 1");
    rig->rules.key_mode = CHANGE_KEY_RECORD_KEY;
    use_rules(rig);
    assert_refused(rig, &r, "Seen");
}

static void a_key_of_one_value_is_the_column_that_pk_fields_names(void **state) {
    Rig *rig = *state;
    Record r = flat(rig);
    r.key_schema = NULL; /* StringConverter's */
    r.key = text("seven");
    assert_refused(rig, &r, "exactly one");
    textlist_add(&rig->key_fields, STR_LIT("code"));
    rig->rules.key_fields = &rig->key_fields;
    use_rules(rig);
    MadeChange m = make(rig, &r);
    assert_columns(m.change.schema,
                   "Id int, Price decimal(9,2), Seen datetime2(7), code nvarchar(max) key 1");
    assert_true(str_eq_c(value_str(change_key(&m.change, 0)), "seven"));
}

static void fields_that_are_not_wanted_are_left_out_but_for_the_key(void **state) {
    Rig *rig = *state;
    textlist_add(&rig->exclude, STR_LIT("Id"));
    textlist_add(&rig->exclude, STR_LIT("items:Price"));
    textlist_add(&rig->exclude, STR_LIT("others:Seen"));
    rig->rules.exclude = &rig->exclude;
    use_rules(rig);
    Record r = flat(rig);
    assert_columns(make(rig, &r).change.schema, "Id int key 1, Seen datetime2(7)");
    rig->rules.include = &rig->exclude;
    rig->rules.exclude = NULL;
    use_rules(rig);
    assert_columns(make(rig, &r).change.schema, "Id int key 1, Price decimal(9,2)");
}

static void equal_columns_of_a_table_are_one_schema(void **state) {
    Rig *rig = *state;
    Record r = envelope(rig, "c", value_null(), row(rig, 7));
    const Schema *first = make(rig, &r).change.schema;
    const ConnectSchema *newer = envelope_schema(3);
    r.value_schema = newer;
    assert_ptr_equal(make(rig, &r).change.schema, first);
    r.topic = STR_LIT("sales.Shop.dbo.Other");
    assert_ptr_not_equal(make(rig, &r).change.schema, first);
    connect_schema_unref(newer);
}

static void names_come_from_the_source_block_where_the_format_asks(void **state) {
    Rig *rig = *state;
    rig->rules.names_from_source = true;
    use_rules(rig);
    Record r = envelope(rig, "c", value_null(), row(rig, 7));
    r.topic = STR_LIT("all");
    const Schema *first = make(rig, &r).change.schema;
    assert_string_equal(first->qualified, "dbo.Item");
    assert_true(str_eq_c(first->database, "Shop"));
    Value *values = (Value *)(uintptr_t)r.value.v.p;
    values[2] = source(rig, "Other", "true", NULL, COMMIT_LSN);
    MadeChange m = make(rig, &r);
    assert_string_equal(m.change.schema->qualified, "dbo.Other");
    assert_true(m.origin.is_snapshot);
    assert_false(m.origin.has_lsn);
    values[2] = source(rig, "Item", NULL, CHANGE_LSN, COMMIT_LSN);
    assert_ptr_equal(make(rig, &r).change.schema, first);
}

static void what_cannot_be_written_is_refused_with_the_topic(void **state) {
    Rig *rig = *state;
    Record r = flat(rig);
    r.value_schema = NULL;
    assert_refused(rig, &r, "schemas.enable=true");
    assert_refused(rig, &r, "topic items");
    const ConnectSchema *plain = connect_schema_plain(CONNECT_STRING, true);
    r.value_schema = plain;
    r.value = text("x");
    assert_refused(rig, &r, "struct");
    assert_refused(rig, &r, "struct"); /* found again */
    connect_schema_unref(plain);
    r = envelope(rig, "x", value_null(), value_null());
    assert_refused(rig, &r, "op");
    r = envelope(rig, "u", value_null(), value_null());
    assert_refused(rig, &r, "after");
    r = flat(rig);
    r.value =
        fields(rig, (Value[]){value_int(7), value_bytes("\x7F\xFF\xFF\xFF\xFF\xFF", 6), value_null()}, 3);
    assert_refused(rig, &r, "Price");
}

static void plans_are_bounded(void **state) {
    Rig *rig = *state;
    Record r = flat(rig);
    const ConnectSchema *kept = NULL;
    for (int i = 0; i < 5000; i++) {
        const ConnectField f[] = {{STR_LIT("Id"), connect_schema_plain(CONNECT_INT32, false)}};
        const ConnectSchema *s = structure("v", false, i + 1, f, 1);
        r.value_schema = s;
        r.value = fields(rig, (Value[]){value_int(i)}, 1);
        assert_int_equal(make(rig, &r).change.after[0].v.i, 7);
        connect_schema_unref(kept);
        kept = s;
    }
    r.value = value_null();
    r.value_schema = NULL;
    assert_int_equal(make(rig, &r).change.op, OP_DELETE);
    connect_schema_unref(kept);
}

/* Their names come from outside. */
static void schemas_are_bounded(void **state) {
    Rig *rig = *state;
    rig->rules.names_from_source = true;
    use_rules(rig);
    Record r = envelope(rig, "c", value_null(), row(rig, 7));
    Value *values = (Value *)(uintptr_t)r.value.v.p;
    const Schema *first = schema_ref(make(rig, &r).change.schema);
    uint32_t made = 0;
    for (int i = 0; i < 10000; i++) {
        CLEANUP_FREE char *name = x_asprintf("t%d", i);
        values[2] = source(rig, name, "true", NULL, COMMIT_LSN);
        const Schema *s = make(rig, &r).change.schema;
        assert_true(str_eq_c(s->table, name));
        made = s->version;
    }
    assert_true(made >= 10000);
    values[2] = source(rig, "Item", NULL, CHANGE_LSN, COMMIT_LSN);
    const Schema *again = make(rig, &r).change.schema;
    assert_ptr_not_equal(again, first); /* it was forgotten in between */
    assert_int_equal(again->fingerprint, first->fingerprint);
    assert_string_equal(again->qualified, first->qualified);
    schema_unref(first);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_envelope_is_the_change_it_tells_of),
        TEST(a_delete_and_a_tombstone_have_the_key),
        TEST(a_tombstone_before_any_value_is_a_delete_by_key_alone),
        TEST(without_delete_enabled_deletes_are_skipped_and_counted),
        TEST(a_flat_record_is_an_upsert),
        TEST(a_mark_of_deletion_deletes_where_deletes_are_enabled),
        TEST(what_is_no_row_is_skipped_by_its_kind),
        TEST(a_table_without_a_key_gets_the_rows_before),
        TEST(key_modes_make_the_key),
        TEST(a_key_of_one_value_is_the_column_that_pk_fields_names),
        TEST(fields_that_are_not_wanted_are_left_out_but_for_the_key),
        TEST(equal_columns_of_a_table_are_one_schema),
        TEST(names_come_from_the_source_block_where_the_format_asks),
        TEST(what_cannot_be_written_is_refused_with_the_topic),
        TEST(plans_are_bounded),
        TEST(schemas_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
