#include "standin/tsql/parser.h"
#include "test.h"

#include <stdio.h>

static Arena arena;

static int clear(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static const ParserOptions options = {.quoted_identifier = true};

static AstStmt *parse(const char *text) {
    AstBatch batch;
    SqlError e = {0};
    if (!parser_batch(str_from(text), &options, &arena, &batch, &e))
        fail_msg("%s: %d %s", text, (int)e.number, e.text);
    return batch.first;
}

static const char *error_of(const char *text) {
    AstBatch batch;
    SqlError e = {0};
    if (parser_batch(str_from(text), &options, &arena, &batch, &e)) return "parsed";
    return arena_printf(&arena, "%d@%u: %s", (int)e.number, (unsigned)e.line, e.text);
}

#define SAME(a, b)     assert_string_equal((a), (b))
#define IS(s, literal) assert_true(str_eq_c((s), (literal)))

static size_t count_of(const AstStmt *s) {
    size_t n = 0;
    for (; s; s = s->next) n++;
    return n;
}

/* ---- queries ---- */

static void a_select_has_its_clauses(void **state) {
    (void)state;
    AstQuery *q =
        parse(
            "SELECT DISTINCT TOP (5) a, t.b AS x, c = 1, t.*, COUNT(*) n FROM [my db].dbo.t AS t WHERE a > 1 "
            "GROUP BY a HAVING COUNT(*) > 2 ORDER BY x DESC, 1")
            ->u.query.query;
    AstSelect *s = &q->u.select;
    assert_true(s->is_distinct);
    assert_int_equal(s->top.count->u.literal.value.v.i, 5);
    assert_int_equal(s->item_count, 5);
    IS(s->items[1].alias, "x");
    IS(s->items[2].alias, "c");
    assert_int_equal(s->items[3].kind, ITEM_STAR);
    IS(s->items[3].qualifier.name, "t");
    assert_true(s->items[4].expr->u.call.is_star);
    IS(s->from[0]->u.table.database, "my db");
    IS(s->from[0]->alias, "t");
    assert_non_null(s->where);
    assert_int_equal(s->group_count, 1);
    assert_non_null(s->having);
    IS(parse("SELECT a INTO #x FROM t")->u.query.query->u.select.into.name, "#x");
    assert_int_equal(q->order_count, 2);
    assert_true(q->order[0].is_descending);
}

static void operators_bind_as_the_manual_says(void **state) {
    (void)state;
    AstExpr *x = parse("IF 1 + 2 * 3 = 7 AND NOT a IN (1, 2) OR b LIKE 'x' PRINT 1")->u.if_.condition;
    assert_int_equal(x->u.binary.op, OP_OR);
    assert_int_equal(x->u.binary.left->u.binary.op, OP_AND);
    AstExpr *equal = x->u.binary.left->u.binary.left;
    assert_int_equal(equal->u.binary.op, OP_EQ);
    assert_int_equal(equal->u.binary.left->u.binary.op, OP_ADD);
    assert_int_equal(equal->u.binary.left->u.binary.right->u.binary.op, OP_MUL);
    assert_int_equal(x->u.binary.left->u.binary.right->u.unary.op, OP_NOT);
    assert_int_equal(x->u.binary.right->kind, EXPR_LIKE);
}

static void joins_lean_to_the_left_and_hold_their_hints(void **state) {
    (void)state;
    AstSelect *s = &parse("SELECT * FROM a WITH (TABLOCKX, HOLDLOCK) LEFT OUTER JOIN b (NOLOCK) ON a.x = b.x "
                          "CROSS JOIN c, sys.fn_f(1, N'x') AS f")
                        ->u.query.query->u.select;
    assert_int_equal(s->from_count, 2);
    AstFrom *cross = s->from[0];
    assert_int_equal(cross->u.join.kind, JOIN_CROSS);
    AstFrom *left = cross->u.join.left;
    assert_int_equal(left->u.join.kind, JOIN_LEFT);
    assert_int_equal(left->u.join.left->hints, HINT_TABLOCKX | HINT_HOLDLOCK);
    assert_int_equal(left->u.join.right->hints, HINT_NOLOCK);
    assert_int_equal(s->from[1]->kind, FROM_FUNCTION);
    assert_int_equal(s->from[1]->u.function.arg_count, 2);
}

static void nested_joins_close_with_the_later_on(void **state) {
    (void)state;
    AstFrom *f = parse("SELECT * FROM a LEFT JOIN b JOIN c ON b.x = c.x ON a.x = b.x")
                     ->u.query.query->u.select.from[0];
    assert_int_equal(f->u.join.kind, JOIN_LEFT);
    assert_int_equal(f->u.join.right->kind, FROM_JOIN);
    assert_int_equal(f->u.join.right->u.join.kind, JOIN_INNER);
}

static void set_operations_and_ctes_nest(void **state) {
    (void)state;
    AstStmt *s =
        parse("WITH a (x) AS (SELECT 1), b AS (SELECT 2 AS y) SELECT x FROM a UNION ALL SELECT y FROM b "
              "INTERSECT SELECT 3 ORDER BY 1 OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY OPTION (RECOMPILE)");
    assert_int_equal(s->u.query.with.count, 2);
    AstQuery *q = s->u.query.query;
    assert_int_equal(q->u.set.op, SET_OP_UNION_ALL);
    assert_int_equal(q->u.set.right->u.set.op, SET_OP_INTERSECT);
    assert_non_null(q->offset);
    assert_non_null(q->fetch);
}

static void calls_take_what_each_takes(void **state) {
    (void)state;
    AstItem *i = parse("SELECT DATEADD(day, 1, x), CONVERT(varchar(30), x, 121), CAST(x AS decimal(10, 2)), "
                       "[db].sys.fn_cdc_get_max_lsn(), CASE WHEN a = 1 THEN 2 END, IIF(a = 1, 2, 3), "
                       "ROW_NUMBER() OVER (PARTITION BY a ORDER BY b), LEFT('abc', 1), CURRENT_TIMESTAMP, "
                       "N'x' COLLATE Latin1_General_CI_AS")
                     ->u.query.query->u.select.items;
    IS(i[0].expr->u.call.datepart, "day");
    assert_int_equal(i[0].expr->u.call.arg_count, 2);
    assert_int_equal(i[1].expr->u.cast.to.type.length, 30);
    assert_non_null(i[1].expr->u.cast.style);
    assert_int_equal(i[2].expr->u.cast.to.type.scale, 2);
    IS(i[3].expr->u.call.name.database, "db");
    assert_int_equal(i[4].expr->kind, EXPR_CASE);
    assert_int_equal(i[5].expr->u.call.arg_count, 3);
    assert_int_equal(i[6].expr->u.call.over->partition_count, 1);
    IS(i[7].expr->u.call.name.name, "LEFT");
    assert_int_equal(i[8].expr->kind, EXPR_CALL);
    assert_int_equal(i[9].expr->kind, EXPR_COLLATE);
}

static void literals_have_types(void **state) {
    (void)state;
    AstItem *i = parse("SELECT 1, 3000000000, 1.50, 1e3, $2.5, 'ab', N'ab', 0x0102, NULL")
                     ->u.query.query->u.select.items;
    assert_int_equal(i[0].expr->u.literal.type.id, TYPE_INT);
    assert_int_equal(i[1].expr->u.literal.type.id, TYPE_NUMERIC);
    assert_int_equal(i[2].expr->u.literal.type.scale, 2);
    assert_int_equal(i[2].expr->u.literal.value.v.i, 150);
    assert_int_equal(i[3].expr->u.literal.type.id, TYPE_FLOAT);
    assert_int_equal(i[4].expr->u.literal.value.v.i, 25000);
    assert_int_equal(i[5].expr->u.literal.type.id, TYPE_VARCHAR);
    assert_int_equal(i[6].expr->u.literal.type.id, TYPE_NVARCHAR);
    assert_int_equal(i[7].expr->u.literal.type.length, 2);
    assert_int_equal(i[8].expr->u.literal.type.id, TYPE_NULL);
}

/* ---- data ---- */

static void inserts_take_values_queries_procedures_and_defaults(void **state) {
    (void)state;
    AstInsert *i =
        &parse("INSERT INTO dbo.t (a, b) OUTPUT inserted.id INTO @o VALUES (1, DEFAULT), (2, N'x')")
             ->u.insert;
    assert_int_equal(i->column_count, 2);
    assert_int_equal(i->query->u.values.row_count, 2);
    assert_int_equal(i->query->u.values.rows[0][1]->kind, EXPR_DEFAULT);
    IS(i->output.into.name, "@o");
    assert_int_equal(parse("INSERT t SELECT * FROM u")->u.insert.query->kind, QUERY_SELECT);
    i = &parse("INSERT INTO @t EXEC sp_columns_100 N't', @ODBCVer = 3")->u.insert;
    assert_int_equal(i->source, INSERT_FROM_EXEC);
    assert_int_equal(i->exec->arg_count, 2);
    IS(i->exec->args[1].name, "@ODBCVer");
    assert_int_equal(parse("INSERT t DEFAULT VALUES")->u.insert.source, INSERT_FROM_DEFAULTS);
}

static void updates_and_deletes_name_their_targets(void **state) {
    (void)state;
    AstUpdate *u =
        &parse("UPDATE TOP (3) t SET a = 1, b += 2, @v = c = 3 FROM dbo.x t WHERE a = 2")->u.update;
    assert_int_equal(u->set_count, 3);
    assert_int_equal(u->sets[1].op, OP_ADD);
    IS(u->sets[2].variable, "@v");
    IS(u->sets[2].column.name, "c");
    assert_int_equal(u->from_count, 1);
    AstDelete *d = &parse("DELETE FROM t OUTPUT deleted.* WHERE a IS NOT NULL")->u.delete_;
    assert_int_equal(d->output.item_count, 1);
    assert_true(d->where->u.is_null.is_not);
}

static void bulk_inserts_list_columns_and_options(void **state) {
    (void)state;
    AstInsertBulk *b =
        &parse("insert bulk [dbo].[t] ([a] int, [b] nvarchar(max) COLLATE Latin1_General_CI_AS) with "
               "(KEEP_NULLS, TABLOCK, ROWS_PER_BATCH = 100, CHECK_CONSTRAINTS)")
             ->u.insert_bulk;
    assert_int_equal(b->column_count, 2);
    assert_int_equal(b->columns[1].type.type.length, TYPE_MAX_LENGTH);
    assert_true(b->keep_nulls && b->check_constraints);
    assert_int_equal(b->rows_per_batch, 100);
    assert_int_equal(b->hints, HINT_TABLOCK);
}

/* ---- definitions ---- */

static void tables_have_columns_constraints_and_indexes(void **state) {
    (void)state;
    AstCreateTable *t =
        &parse("CREATE TABLE dbo.o (id int IDENTITY(10, 5) NOT NULL CONSTRAINT pk PRIMARY KEY CLUSTERED, "
               "n nvarchar(40) COLLATE Latin1_General_CI_AS NULL DEFAULT (N'x'), "
               "p decimal(12, 2) NOT NULL CHECK (p >= 0), s AS (p * 2) PERSISTED, rv rowversion, "
               "g uniqueidentifier ROWGUIDCOL UNIQUE NONCLUSTERED, "
               "c int REFERENCES dbo.c (id) ON DELETE CASCADE, "
               "CONSTRAINT u UNIQUE (n, p DESC), FOREIGN KEY (id, c) REFERENCES x (a, b), "
               "INDEX ix (p)) ON [PRIMARY]")
             ->u.create_table;
    assert_int_equal(t->column_count, 7);
    assert_int_equal(t->columns[0].identity_increment, 5);
    IS(t->columns[0].constraints[0].name, "pk");
    assert_int_equal(t->columns[0].constraints[0].clustered, CLUSTERED_YES);
    IS(t->columns[0].constraints[0].columns[0].name, "id");
    IS(t->columns[1].constraints[0].expr_text, "(N'x')");
    IS(t->columns[2].constraints[0].expr_text, "(p >= 0)");
    IS(t->columns[3].computed_text, "(p * 2)");
    assert_true(t->columns[3].is_persisted);
    assert_int_equal(t->columns[4].type.type.id, TYPE_ROWVERSION);
    assert_int_equal(t->columns[6].constraints[0].on_delete, ACTION_CASCADE);
    assert_int_equal(t->constraint_count, 2);
    assert_true(t->constraints[0].columns[1].is_descending);
    assert_int_equal(t->constraints[1].referenced_count, 2);
    assert_int_equal(t->index_count, 1);
}

static void types_have_their_lengths_and_synonyms(void **state) {
    (void)state;
    static const struct {
        const char *text;
        Type type;
    } cases[] = {
        {"varchar", {.id = TYPE_VARCHAR, .length = 1}},
        {"nvarchar(max)", {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH}},
        {"decimal", {.id = TYPE_DECIMAL, .precision = 18}},
        {"numeric(5, 3)", {.id = TYPE_NUMERIC, .precision = 5, .scale = 3}},
        {"datetime2", {.id = TYPE_DATETIME2, .scale = 7}},
        {"time(0)", {.id = TYPE_TIME, .scale = 0}},
        {"float(24)", {.id = TYPE_REAL}},
        {"double precision", {.id = TYPE_FLOAT}},
        {"character varying(7)", {.id = TYPE_VARCHAR, .length = 7}},
        {"national character(3)", {.id = TYPE_NCHAR, .length = 3}},
        {"integer", {.id = TYPE_INT}},
        {"sysname", {.id = TYPE_NVARCHAR, .length = 128, .is_sysname = true}},
        {"[sys].[bigint]", {.id = TYPE_BIGINT}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = arena_printf(&arena, "DECLARE @v %s", cases[i].text);
        Type t = parse(text)->u.declare.type.type;
        assert_int_equal(t.id, cases[i].type.id);
        assert_int_equal(t.length, cases[i].type.length);
        assert_int_equal(t.precision, cases[i].type.precision);
        assert_int_equal(t.scale, cases[i].type.scale);
        assert_int_equal(t.is_sysname, cases[i].type.is_sysname);
    }
}

static void tables_are_altered_one_way_at_a_time(void **state) {
    (void)state;
    AstAlterTable *a =
        &parse("ALTER TABLE t WITH NOCHECK ADD x int NULL, y int, CONSTRAINT c CHECK (x > 0)")->u.alter_table;
    assert_int_equal(a->column_count, 2);
    assert_true(a->constraints[0].with_nocheck);
    a = &parse("ALTER TABLE t DROP COLUMN IF EXISTS a, b, CONSTRAINT c")->u.alter_table;
    assert_int_equal(a->drop_count, 3);
    assert_true(a->drops[1].is_column && a->drops[1].if_exists);
    assert_false(a->drops[2].is_column);
    a = &parse("ALTER TABLE t ALTER COLUMN a nvarchar(50) NOT NULL")->u.alter_table;
    assert_true(a->columns[0].is_null_given && !a->columns[0].is_nullable);
    assert_int_equal(parse("ALTER TABLE t NOCHECK CONSTRAINT ALL")->u.alter_table.kind,
                     ALTER_CHECK_CONSTRAINT);
}

static void databases_schemas_and_indexes_are_made_and_dropped(void **state) {
    (void)state;
    AstDatabase *d =
        &parse("ALTER DATABASE [x] SET ALLOW_SNAPSHOT_ISOLATION ON, RECOVERY SIMPLE WITH ROLLBACK IMMEDIATE")
             ->u.database;
    assert_int_equal(d->option_count, 2);
    IS(d->options[0].name, "ALLOW_SNAPSHOT_ISOLATION");
    IS(d->options[0].value, "ON");
    assert_int_equal(parse("CREATE DATABASE x COLLATE Latin1_General_CI_AS")->kind, STMT_CREATE_DATABASE);
    IS(parse("CREATE SCHEMA s AUTHORIZATION dbo")->u.schema.name, "s");
    AstCreateIndex *i =
        &parse("CREATE UNIQUE NONCLUSTERED INDEX i ON dbo.t (a, b DESC) INCLUDE (c) WHERE a > 1 WITH "
               "(IGNORE_DUP_KEY = ON)")
             ->u.create_index;
    assert_true(i->is_unique && i->ignore_dup_key);
    assert_int_equal(i->include_count, 1);
    IS(i->where_text, "a > 1");
    AstDropObjects *o = &parse("DROP INDEX IF EXISTS i ON dbo.t")->u.drop;
    IS(o->indexes[0], "i");
    assert_int_equal(parse("DROP TABLE IF EXISTS a, b")->u.drop.count, 2);
    assert_int_equal(parse("TRUNCATE TABLE t")->kind, STMT_TRUNCATE);
}

static void principals_and_rights_are_read(void **state) {
    (void)state;
    AstPrincipal *x =
        &parse("CREATE LOGIN l WITH PASSWORD = N'p', CHECK_POLICY = OFF, DEFAULT_DATABASE = d")->u.principal;
    IS(x->password, "p");
    IS(x->default_database, "d");
    IS(parse("CREATE USER u FOR LOGIN l WITH DEFAULT_SCHEMA = s")->u.principal.for_login, "l");
    IS(parse("ALTER ROLE db_owner ADD MEMBER u")->u.role_member.role, "db_owner");
    AstGrant *g =
        &parse("GRANT SELECT, VIEW DATABASE STATE ON SCHEMA::cdc TO u, public WITH GRANT OPTION")->u.grant;
    assert_int_equal(g->permission_count, 2);
    IS(g->permissions[1], "VIEW DATABASE STATE");
    assert_int_equal(g->on, ON_SCHEMA);
    assert_int_equal(g->principal_count, 2);
    assert_int_equal(parse("REVOKE EXECUTE ON dbo.p FROM u")->u.grant.kind, GRANT_REVOKE);
}

/* ---- control ---- */

static void batches_are_lists_of_statements_with_lines_and_texts(void **state) {
    (void)state;
    AstStmt *s = parse(
        "SELECT 1;\n\nDECLARE @a int = 1, @b nvarchar(5)\nSET ANSI_NULLS, QUOTED_IDENTIFIER ON;;SELECT 2");
    assert_int_equal(count_of(s), 6);
    IS(s->text, "SELECT 1");
    assert_int_equal(s->next->line, 3);
    IS(s->next->next->u.declare.name, "@b");
    IS(s->next->next->next->u.set_option.name, "ANSI_NULLS");
    IS(s->next->next->next->next->u.set_option.name, "QUOTED_IDENTIFIER");
    assert_null(parse("  -- nothing\n"));
}

static void blocks_branches_and_loops_nest(void **state) {
    (void)state;
    AstStmt *s = parse("WHILE @i < 3 BEGIN SET @i += 1 IF @i = 2 CONTINUE ELSE BREAK END");
    assert_int_equal(s->kind, STMT_WHILE);
    AstStmt *inner = s->u.if_.then->u.block;
    assert_int_equal(inner->u.set_variable.op, OP_ADD);
    assert_int_equal(inner->next->u.if_.then->kind, STMT_CONTINUE);
    assert_int_equal(inner->next->u.if_.otherwise->kind, STMT_BREAK);
    s = parse("BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH PRINT ERROR_MESSAGE(); THROW; END CATCH");
    assert_int_equal(s->kind, STMT_TRY);
    assert_int_equal(s->u.try_.handler->next->kind, STMT_THROW);
}

static void transactions_and_options_are_read(void **state) {
    (void)state;
    IS(parse("BEGIN TRAN t")->u.tran.name, "t");
    IS(parse("SAVE TRANSACTION @s")->u.tran.name_variable, "@s");
    assert_true(parse("ROLLBACK WORK")->u.tran.is_work);
    assert_int_equal(parse("IF @@TRANCOUNT > 0 COMMIT TRAN")->u.if_.then->kind, STMT_COMMIT);
    IS(parse("set transaction isolation level repeatable read")->u.set_option.text, "REPEATABLE READ");
    assert_int_equal(parse("SET LOCK_TIMEOUT -1")->u.set_option.number, -1);
    IS(parse("set language us_english")->u.set_option.text, "us_english");
    IS(parse("SET IDENTITY_INSERT dbo.t ON")->u.set_option.table.name, "t");
    assert_int_equal(parse("SET TEXTSIZE 2147483647")->u.set_option.number, 2147483647);
}

static void procedures_are_called_with_and_without_exec(void **state) {
    (void)state;
    AstExec *x = &parse("EXEC @rc = [db].sys.sp_cdc_enable_table @source_schema = N'dbo', @role_name = NULL, "
                        "@n = -1, @out = @v OUTPUT, @d = DEFAULT")
                      ->u.exec;
    IS(x->status_variable, "@rc");
    IS(x->procedure.database, "db");
    assert_int_equal(x->arg_count, 5);
    assert_true(x->args[3].is_output);
    assert_int_equal(x->args[4].value->kind, EXPR_DEFAULT);
    x = &parse("sp_executesql N'SELECT @a', N'@a int', @a = 3")->u.exec;
    assert_int_equal(x->arg_count, 3);
    IS(parse("EXEC sp_help orders")->u.exec.args[0].value->u.literal.value.v.s, "orders");
    assert_non_null(parse("EXEC (@sql + N' x')")->u.exec.text);
    assert_int_equal(count_of(parse("SET FMTONLY ON SELECT * FROM t SET FMTONLY OFF")), 3);
}

static void messages_have_their_arguments(void **state) {
    (void)state;
    AstRaise *r = &parse("RAISERROR (N'x %d', 16, 1, @n) WITH NOWAIT, LOG")->u.raise;
    assert_int_equal(r->arg_count, 1);
    assert_true(r->with_nowait && r->with_log);
    assert_non_null(parse("THROW 50001, N'x', 1")->u.raise.state);
    assert_int_equal(parse("WAITFOR DELAY '00:00:01'")->kind, STMT_WAITFOR_DELAY);
}

/* ---- errors ---- */

static void syntax_errors_say_near_what_and_where(void **state) {
    (void)state;
    SAME(error_of("SELECT * FROM"), "102@1: Incorrect syntax near 'FROM'.");
    SAME(error_of("SELECT 1\nSELECT FROM t"), "156@2: Incorrect syntax near the keyword 'FROM'.");
    SAME(error_of("SELECT 1 2"), "102@1: Incorrect syntax near '2'.");
    SAME(error_of("foo bar baz"), "102@1: Incorrect syntax near 'baz'.");
    SAME(error_of("SELECT 1 foo()"), "102@1: Incorrect syntax near ')'.");
    SAME(error_of("SELECT 'abc"), "105@1: Unclosed quotation mark after the character string 'abc'.");
    SAME(error_of("SELECT 1 WHERE a"), "4145@1: An expression of non-boolean type specified in a context "
                                       "where a condition is expected, near 'a'.");
    SAME(error_of("SELECT CAST(1 AS nope)"), "243@1: Type nope is not a defined system type.");
    SAME(error_of("SET NOPE ON"), "195@1: 'NOPE' is not a recognized SET option.");
    SAME(error_of("BREAK"), "135@1: Cannot use a BREAK statement outside the scope of a WHILE statement.");
    SAME(error_of("BEGIN END"), "156@1: Incorrect syntax near the keyword 'END'.");
}

static void what_is_not_built_is_named(void **state) {
    (void)state;
    SAME(error_of("SELECT 1\nCREATE FUNCTION f() RETURNS int AS BEGIN RETURN 1 END"),
         "40510@2: Statement 'CREATE FUNCTION' is not supported in this version of SQL Server.");
    SAME(error_of("SELECT * FROM t FOR XML PATH"),
         "40517@1: Keyword or statement option 'FOR XML' is not supported in this version of SQL Server.");
    SAME(error_of("BACKUP DATABASE d TO DISK = 'x'"),
         "40510@1: Statement 'BACKUP' is not supported in this version of SQL Server.");
    SAME(error_of("DISABLE trigger ALL ON t"),
         "40510@1: Statement 'DISABLE TRIGGER' is not supported in this version of SQL Server.");
    SAME(error_of("SELECT a FROM t GROUP BY ALL a"), "40517@1: Keyword or statement option 'GROUP BY ALL' is "
                                                     "not supported in this version of SQL Server.");
    SAME(error_of("SELECT * FROM [openxml](1)"), "parsed");
    SAME(error_of("SELECT * FROM OPENXML(1)"),
         "40517@1: Keyword or statement option 'OPENXML' is not supported in this version of SQL Server.");
    SAME(error_of("SELECT 1 >> 2"),
         "40517@1: Keyword or statement option '>>' is not supported in this version of SQL Server.");
    SAME(error_of("KILL spid"), "102@1: Incorrect syntax near 'spid'.");
}

static void deep_nesting_ends_in_an_error_not_a_crash(void **state) {
    (void)state;
    Buf text = {0};
    buf_cstr(&text, "SELECT ");
    for (int i = 0; i < 100000; i++) buf_cstr(&text, "(");
    SqlError e = {0};
    AstBatch batch;
    assert_false(parser_batch(buf_view(&text), &options, &arena, &batch, &e));
    assert_int_equal(e.number, 191);
    buf_clear(&text);
    buf_cstr(&text, "SELECT 1");
    for (int i = 0; i < 100000; i++) buf_cstr(&text, "+1");
    assert_false(parser_batch(buf_view(&text), &options, &arena, &batch, &e));
    assert_int_equal(e.number, 8623);
    buf_done(&text);
}

static void parameter_lists_and_names_stand_alone(void **state) {
    (void)state;
    ParserParam *params;
    size_t count;
    SqlError e = {0};
    AstName name;
    assert_true(parser_parameters(STR_LIT("@a int, @b nvarchar(20) = N'x' OUTPUT"), &options, &arena, &params,
                                  &count, &e));
    assert_int_equal(count, 2);
    assert_true(params[1].is_output);
    assert_true(parser_parameters(STR_LIT(" "), &options, &arena, &params, &count, &e));
    assert_int_equal(count, 0);
    assert_true(parser_name(STR_LIT("db..[a b]"), &arena, &name));
    IS(name.database, "db");
    IS(name.name, "a b");
    assert_true(parser_name(STR_LIT("dbo.Order"), &arena, &name));
    assert_false(parser_name(STR_LIT("a b"), &arena, &name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_select_has_its_clauses, clear),
        cmocka_unit_test_teardown(operators_bind_as_the_manual_says, clear),
        cmocka_unit_test_teardown(joins_lean_to_the_left_and_hold_their_hints, clear),
        cmocka_unit_test_teardown(nested_joins_close_with_the_later_on, clear),
        cmocka_unit_test_teardown(set_operations_and_ctes_nest, clear),
        cmocka_unit_test_teardown(calls_take_what_each_takes, clear),
        cmocka_unit_test_teardown(literals_have_types, clear),
        cmocka_unit_test_teardown(inserts_take_values_queries_procedures_and_defaults, clear),
        cmocka_unit_test_teardown(updates_and_deletes_name_their_targets, clear),
        cmocka_unit_test_teardown(bulk_inserts_list_columns_and_options, clear),
        cmocka_unit_test_teardown(tables_have_columns_constraints_and_indexes, clear),
        cmocka_unit_test_teardown(types_have_their_lengths_and_synonyms, clear),
        cmocka_unit_test_teardown(tables_are_altered_one_way_at_a_time, clear),
        cmocka_unit_test_teardown(databases_schemas_and_indexes_are_made_and_dropped, clear),
        cmocka_unit_test_teardown(principals_and_rights_are_read, clear),
        cmocka_unit_test_teardown(batches_are_lists_of_statements_with_lines_and_texts, clear),
        cmocka_unit_test_teardown(blocks_branches_and_loops_nest, clear),
        cmocka_unit_test_teardown(transactions_and_options_are_read, clear),
        cmocka_unit_test_teardown(procedures_are_called_with_and_without_exec, clear),
        cmocka_unit_test_teardown(messages_have_their_arguments, clear),
        cmocka_unit_test_teardown(syntax_errors_say_near_what_and_where, clear),
        cmocka_unit_test_teardown(what_is_not_built_is_named, clear),
        cmocka_unit_test_teardown(deep_nesting_ends_in_an_error_not_a_crash, clear),
        cmocka_unit_test_teardown(parameter_lists_and_names_stand_alone, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
