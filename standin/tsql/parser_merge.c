/* MERGE. */
#include "standin/tsql/parser_internal.h"

static const char *const match_names[] = {[MERGE_MATCHED] = "WHEN MATCHED",
                                          [MERGE_NOT_MATCHED] = "WHEN NOT MATCHED",
                                          [MERGE_NOT_MATCHED_BY_SOURCE] = "WHEN NOT MATCHED BY SOURCE"};
static const char *const action_names[] = {
    [MERGE_UPDATE] = "UPDATE", [MERGE_DELETE] = "DELETE", [MERGE_INSERT] = "INSERT"};

/* USING is no reserved word. */
static bool table_alias(Parser *p, Str *ret) {
    bool has_as = parser_accept_keyword(p, KW_AS);
    if (!has_as && (!parser_at_name(p) || parser_is_word(p, "using"))) return true;
    return parser_one_name(p, ret);
}

/* WHEN … THEN */
static bool when_head(Parser *p, AstMergeWhen *w) {
    w->line = parser_peek(p, 0)->line;
    p->at++;
    if (!parser_accept_word(p, "matched")) {
        w->match = MERGE_NOT_MATCHED;
        if (!parser_expect_keyword(p, KW_NOT) || !parser_expect_word(p, "matched")) return false;
        if (parser_accept_keyword(p, KW_BY)) {
            if (parser_accept_word(p, "source")) w->match = MERGE_NOT_MATCHED_BY_SOURCE;
            else if (!parser_expect_word(p, "target")) return false;
        }
    }
    if (parser_accept_keyword(p, KW_AND) && !(w->condition = parser_condition_expr(p))) return false;
    return parser_expect_keyword(p, KW_THEN);
}

static bool insert_columns(Parser *p, AstMergeWhen *w) {
    p->at++;
    do {
        AstName name = {0};
        if (!parser_dotted_name(p, &name)) return false;
        if (name.schema.n)
            return sqlerror_set(p->e, 10739, 1, name.line,
                                "The insert column list used in the MERGE statement cannot contain "
                                "multi-part identifiers. Use single part identifiers instead.");
        PARSER_PUSH(p, w->columns, w->column_count, name.name);
    } while (parser_accept_symbol(p, ','));
    return parser_expect_symbol(p, ')');
}

static bool insert_action(Parser *p, AstMergeWhen *w) {
    if (parser_is_symbol(p, '(') && !insert_columns(p, w)) return false;
    if (parser_accept_keyword(p, KW_DEFAULT)) return parser_expect_keyword(p, KW_VALUES);
    return parser_expect_keyword(p, KW_VALUES) && parser_expect_symbol(p, '(') &&
           parser_expr_list(p, &w->values, &w->value_count) && parser_expect_symbol(p, ')');
}

static bool update_action(Parser *p, AstMergeWhen *w) {
    uint32_t line = parser_peek(p, 0)->line;
    if (!parser_expect_keyword(p, KW_SET) || !parser_set_list(p, &w->sets, &w->set_count)) return false;
    for (size_t i = 0; i < w->set_count; i++)
        if (w->sets[i].variable.n && w->sets[i].column.name.n)
            return sqlerror_set(
                p->e, 10723, 1, line,
                "In a MERGE statement, a variable cannot be set to a column and expression in the same "
                "assignment in the SET clause of an UPDATE action. Assignments of the form 'SET @variable = "
                "column = expression' are not valid in the SET clause of an UPDATE action in a MERGE "
                "statement. Modify the SET clause to only specify assignments of the form 'SET @variable = "
                "column' or 'SET @variable = expression'.");
    return true;
}

static bool check_when(Parser *p, const AstMerge *m, const AstMergeWhen *w) {
    const char *match = match_names[w->match], *action = action_names[w->action];
    if (w->match == MERGE_NOT_MATCHED && w->action != MERGE_INSERT)
        return sqlerror_set(
            p->e, 10710, 1, w->line,
            "An action of type '%s' is not allowed in the 'WHEN NOT MATCHED' clause of a MERGE statement.",
            action);
    if (w->match != MERGE_NOT_MATCHED && w->action == MERGE_INSERT)
        return sqlerror_set(
            p->e, 10711, 1, w->line,
            "An action of type 'INSERT' is not allowed in the '%s' clause of a MERGE statement.", match);
    for (size_t i = 0; i < m->when_count; i++) {
        if (m->whens[i].match != w->match) continue;
        if (m->whens[i].action == w->action)
            return sqlerror_set(p->e, 10714, 1, w->line,
                                "An action of type '%s' cannot appear more than once in a '%s' clause of a "
                                "MERGE statement.",
                                match, action);
        if (!m->whens[i].condition)
            return sqlerror_set(p->e, 5324, 1, w->line,
                                "In a MERGE statement, a '%s' clause with a search condition cannot appear "
                                "after a '%s' clause with no search condition.",
                                match, match);
    }
    return true;
}

static bool when_clause(Parser *p, AstMerge *m) {
    AstMergeWhen w = {.match = MERGE_MATCHED};
    bool ok;
    if (!when_head(p, &w)) return false;
    if (parser_accept_keyword(p, KW_UPDATE)) {
        w.action = MERGE_UPDATE;
        ok = update_action(p, &w);
    } else if (parser_accept_keyword(p, KW_INSERT)) {
        w.action = MERGE_INSERT;
        ok = insert_action(p, &w);
    } else {
        w.action = MERGE_DELETE;
        ok = parser_expect_keyword(p, KW_DELETE);
    }
    if (!ok || !check_when(p, m, &w)) return false;
    PARSER_PUSH(p, m->whens, m->when_count, w);
    return true;
}

bool parser_merge(Parser *p, AstStmt *s, AstWith with) {
    AstMerge *m = &s->u.merge;
    s->kind = STMT_MERGE;
    p->at++;
    m->with = with;
    if (!parser_top(p, &m->top)) return false;
    (void)parser_accept_keyword(p, KW_INTO);
    if (!parser_target(p, &m->table, &m->hints) || !table_alias(p, &m->alias) ||
        !parser_expect_word(p, "using") || !(m->source = parser_from_item(p)) ||
        !parser_expect_keyword(p, KW_ON) || !(m->on = parser_condition_expr(p)))
        return false;
    do {
        if (!parser_is_keyword(p, KW_WHEN)) return parser_fail(p);
        if (!when_clause(p, m)) return false;
    } while (parser_is_keyword(p, KW_WHEN));
    if (!parser_output(p, &m->output) || !parser_option_clause(p)) return false;
    if (parser_is_symbol(p, ';')) return true;
    if (parser_peek(p, 0)->kind == TOKEN_SYMBOL) return parser_fail(p);
    return sqlerror_set(p->e, 10713, 1, p->tokens[p->at - 1].line,
                        "A MERGE statement must be terminated by a semi-colon (;).");
}
