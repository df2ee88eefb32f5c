#include "postgres/dead_letter.h"

#include <string.h>

#include "pg_rig.h"
#include "test.h"

typedef struct Letters {
    Rig rig;
    const Schema *schema;
    TargetRules rules;
    TargetSet *targets;
    Target *target;
    DeadLetters *letters;
} Letters;

static void letters_open(Letters *l) {
    static const TextList no_fields = {0};
    Err e = {0};
    *l = (Letters){.schema = NULL};
    rig_open(&l->rig, UPSERT);
    l->schema = items("items", true);
    begin(&l->rig, l->schema);
    const PgNameRuleSpec names = {.format = STR_LIT("${source.schema}.${source.table}")};
    PgNameRule *rule = NULL;
    if (!pgname_rule_new(&names, &rule, &e)) fail_msg("%s", e.msg);
    l->rules = (TargetRules){.insert = TARGET_UPSERT,
                             .key_mode = TARGET_KEY_RECORD_KEY,
                             .key_fields = &no_fields,
                             .may_delete = true,
                             .names = rule,
                             .metrics = l->rig.metrics};
    l->targets = target_set_new(&l->rules);
    if (!target_set_find(l->targets, l->rig.conn, l->schema, &l->target, &e)) fail_msg("%s", e.msg);
    l->letters = dead_letter_new(&(DeadLetterKey){.pipeline = "t", .database = NULL, .lane = 0});
}

static void letters_close(Letters *l) {
    dead_letter_free(l->letters);
    target_set_free(l->targets);
    pgname_rule_free(l->rules.names);
    schema_unref(l->schema);
    rig_close(&l->rig);
}

static void must_keep(Letters *l, const Change *change) {
    const Refusal why = {.failure = {.sqlstate = "23514", .constraint = "positive"}, .message = "refused"};
    Err e = {0};
    if (!dead_letter_keep(l->letters, l->rig.conn, l->target, change, "{\"a\":\"\\u0000\\ud800\"}", &why, &e))
        fail_msg("%s", e.msg);
}

static void a_letter_is_kept_with_its_reason_and_found_by_its_key(void **state) {
    (void)state;
    Letters l;
    letters_open(&l);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, l.schema, item(b, 7, "seven", 1));
    add(b, OP_CREATE, l.schema, item(b, 8, "eight", 1));
    must_keep(&l, &b->changes[0]);
    assert_string_equal(
        pg_fixture_text(l.rig.conn,
                        "SELECT concat_ws(' ', pipeline, source_table, target, op, key, sqlstate, "
                        "constraint_name, message, state, payload) FROM millrace.dead_letter"),
        "t items \"dbo\".\"items\" c {\"id\":7} 23514 positive refused open "
        "{\"a\":\"\\u0000\\ud800\"}");
    DeadOrder *order = dead_order_new();
    Err e = {0};
    uint64_t seven = 0, eight = 0;
    bool is_open = false;
    assert_true(dead_letter_load(l.letters, l.rig.conn, order, &e));
    assert_true(dead_letter_key(l.target, b->changes[0].after, &seven));
    assert_true(dead_letter_key(l.target, b->changes[1].after, &eight));
    assert_true(dead_order_has(order, seven));
    assert_false(dead_order_has(order, eight));
    assert_true(dead_letter_is_open(l.letters, l.rig.conn, l.target, &b->changes[1], &is_open, &e) &&
                !is_open);
    assert_true(dead_letter_is_open(l.letters, l.rig.conn, l.target, &b->changes[0], &is_open, &e) &&
                is_open);
    assert_true(dead_letter_supersede(l.letters, l.rig.conn, l.target, &b->changes[1], &e));
    assert_string_equal(pg_fixture_text(l.rig.conn, "SELECT state FROM millrace.dead_letter"), "open");
    assert_true(dead_letter_supersede(l.letters, l.rig.conn, l.target, &b->changes[0], &e));
    assert_string_equal(pg_fixture_text(l.rig.conn, "SELECT state FROM millrace.dead_letter"), "superseded");
    assert_true(dead_letter_load(l.letters, l.rig.conn, order, &e));
    assert_true(dead_order_is_empty(order));
    dead_order_free(order);
    batch_free(b);
    letters_close(&l);
}

static void only_what_is_closed_and_old_expires(void **state) {
    (void)state;
    Letters l;
    letters_open(&l);
    Batch *b = changes_batch(1, 2);
    for (int i = 0; i < 3; i++) {
        add(b, OP_CREATE, l.schema, item(b, i, "x", 1));
        must_keep(&l, &b->changes[i]);
    }
    pg_fixture_exec(l.rig.conn,
                    "UPDATE millrace.dead_letter SET created = now() - interval '40 days';"
                    "UPDATE millrace.dead_letter SET state = 'replayed', closed = now() - interval "
                    "'31 days' WHERE key->>'id' = '0';"
                    "UPDATE millrace.dead_letter SET state = 'superseded', closed = now() - "
                    "interval '29 days' WHERE key->>'id' = '1'");
    Err e = {0};
    bool has_more = true;
    assert_true(dead_letter_expire(l.letters, l.rig.conn, 30, &has_more, &e));
    assert_false(has_more);
    assert_string_equal(pg_fixture_text(l.rig.conn, "SELECT key->>'id' FROM millrace.dead_letter ORDER BY 1"),
                        "1|2");
    batch_free(b);
    letters_close(&l);
}

static void a_copy_from_the_start_supersedes_all_of_the_table(void **state) {
    (void)state;
    Letters l;
    letters_open(&l);
    Batch *b = changes_batch(1, 2);
    add(b, OP_CREATE, l.schema, item(b, 1, "x", 1));
    must_keep(&l, &b->changes[0]);
    const Schema *other = items("other", true);
    Err e = {0};
    assert_true(dead_letter_supersede_table(l.letters, l.rig.conn, other, &e));
    assert_string_equal(pg_fixture_text(l.rig.conn, "SELECT state FROM millrace.dead_letter"), "open");
    assert_true(dead_letter_supersede_table(l.letters, l.rig.conn, l.schema, &e));
    assert_string_equal(pg_fixture_text(l.rig.conn, "SELECT state FROM millrace.dead_letter"), "superseded");
    schema_unref(other);
    batch_free(b);
    letters_close(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_is_kept_with_its_reason_and_found_by_its_key),
        cmocka_unit_test(only_what_is_closed_and_old_expires),
        cmocka_unit_test(a_copy_from_the_start_supersedes_all_of_the_table),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
