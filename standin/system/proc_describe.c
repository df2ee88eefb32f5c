#include "standin/system/proc_describe.h"

#include "base/mem.h"
#include "standin/builtin/odbc_type.h"
#include "standin/builtin/proc_arg.h"
#include "standin/tsql/parser.h"
#include "standin/types/collation.h"

#define BIT(n)                                                                                               \
    { .name = {"" n, sizeof(n) - 1}, .type = {.id = TYPE_BIT}, .is_nullable = true }
#define INT(n)                                                                                               \
    { .name = {"" n, sizeof(n) - 1}, .type = {.id = TYPE_INT}, .is_nullable = true }
#define TINY(n)                                                                                              \
    { .name = {"" n, sizeof(n) - 1}, .type = {.id = TYPE_TINYINT}, .is_nullable = true }
#define SMALL(n)                                                                                             \
    { .name = {"" n, sizeof(n) - 1}, .type = {.id = TYPE_SMALLINT}, .is_nullable = true }
#define TEXT(n, size)                                                                                        \
    { .name = {"" n, sizeof(n) - 1}, .type = {.id = TYPE_NVARCHAR, .length = size}, .is_nullable = true }
#define NAME(n) TEXT(n, 128)

static const OutColumn COLUMNS[] = {
    BIT("is_hidden"),
    INT("column_ordinal"),
    NAME("name"),
    BIT("is_nullable"),
    INT("system_type_id"),
    TEXT("system_type_name", 256),
    SMALL("max_length"),
    TINY("precision"),
    TINY("scale"),
    NAME("collation_name"),
    INT("user_type_id"),
    NAME("user_type_database"),
    NAME("user_type_schema"),
    NAME("user_type_name"),
    TEXT("assembly_qualified_type_name", 4000),
    INT("xml_collection_id"),
    NAME("xml_collection_database"),
    NAME("xml_collection_schema"),
    NAME("xml_collection_name"),
    BIT("is_xml_document"),
    BIT("is_case_sensitive"),
    BIT("is_fixed_length_clr_type"),
    NAME("source_server"),
    NAME("source_database"),
    NAME("source_schema"),
    NAME("source_table"),
    NAME("source_column"),
    BIT("is_identity_column"),
    BIT("is_part_of_unique_key"),
    BIT("is_updateable"),
    BIT("is_computed_column"),
    BIT("is_sparse_column_set"),
    SMALL("ordinal_in_order_by_list"),
    SMALL("order_by_is_descending"),
    SMALL("order_by_list_length"),
    INT("tds_type_id"),
    INT("tds_length"),
    INT("tds_collation_id"),
    TINY("tds_collation_sort_id"),
};
enum { COLUMN_COUNT = sizeof COLUMNS / sizeof *COLUMNS, TDS_LENGTH_MAX = 65535 };

/* The wire's type token ([MS-TDS] 2.2.5.4.2): of numbers and old times the nullable family's, else the type's
 * own. */
static int64_t tds_type_id(const Type *t, bool is_nullable) {
    switch (t->id) {
    case TYPE_BIT: return is_nullable ? 104 : 50;
    case TYPE_TINYINT: return is_nullable ? 38 : 48;
    case TYPE_SMALLINT: return is_nullable ? 38 : 52;
    case TYPE_INT: return is_nullable ? 38 : 56;
    case TYPE_BIGINT: return is_nullable ? 38 : 127;
    case TYPE_REAL: return is_nullable ? 109 : 59;
    case TYPE_FLOAT: return is_nullable ? 109 : 62;
    case TYPE_MONEY: return is_nullable ? 110 : 60;
    case TYPE_SMALLMONEY: return is_nullable ? 110 : 122;
    case TYPE_DATETIME: return is_nullable ? 111 : 61;
    case TYPE_SMALLDATETIME: return is_nullable ? 111 : 58;
    case TYPE_ROWVERSION: return 173;
    default: return type_system_id(t->id);
    }
}

static int64_t tds_length(const Type *t) {
    int bytes = type_max_length_bytes(t);
    return bytes < 0 ? TDS_LENGTH_MAX : t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC ? 17 : bytes;
}

static Value number(int64_t v) {
    return VALUE_OF_INT(v);
}

static bool describe_column(Session *s, const OutColumn *c, size_t ordinal) {
    CLEANUP(buf_done) Buf type = {0};
    bool has_collation = type_is_text(c->type.id) && c->type.id != TYPE_XML;
    const Database *d = session_current_database(s);
    const Collation *collation = collation_get(c->type.collation ? c->type.collation : d->collation);
    type_format(&c->type, &type);
    Value row[COLUMN_COUNT] = {{.kind = VALUE_NULL}};
    size_t n = 0;
    row[n++] = number(0);
    row[n++] = number((int64_t)ordinal);
    row[n++] = c->name.n ? VALUE_OF_TEXT(c->name) : (Value){.kind = VALUE_NULL};
    row[n++] = number(c->is_nullable);
    row[n++] = number(type_system_id(c->type.id));
    row[n++] = VALUE_OF_TEXT(buf_view(&type));
    row[n++] = number(type_max_length_bytes(&c->type));
    row[n++] = number(type_sys_precision(&c->type));
    row[n++] = number(type_sys_scale(&c->type));
    if (has_collation) row[n] = VALUE_OF_TEXT(str_from(collation->name));
    n = 19;
    row[n++] = number(0);
    row[n++] = number(has_collation && collation->is_case_sensitive);
    row[n++] = number(0);
    n = 27;
    row[n++] = number(c->is_identity);
    n++;
    row[n++] = number(c->is_updatable && !c->is_identity);
    row[n++] = number(c->is_computed);
    row[n++] = number(0);
    n = 35;
    row[n++] = number(tds_type_id(&c->type, c->is_nullable));
    row[n++] = number(tds_length(&c->type));
    if (has_collation) {
        uint8_t wire[COLLATION_WIRE_BYTES];
        collation_to_wire(collation, wire);
        row[n++] = number((int32_t)((uint32_t)wire[0] | (uint32_t)wire[1] << 8 | (uint32_t)wire[2] << 16 |
                                    (uint32_t)wire[3] << 24));
        row[n++] = number(wire[4]);
    }
    return proc_row(s, row);
}

/* Columns, copied: they are sent after the describing has ended. In an arena of their own, as the call's is
 * lent to the described statement meanwhile. */
typedef struct Kept {
    Arena arena;
    OutColumn *columns;
    size_t count;
} Kept;

static bool keep_columns(void *arg, const OutColumn *columns, size_t count) {
    Kept *k = arg;
    k->columns = ARENA_ARRAY(&k->arena, OutColumn, count);
    k->count = count;
    for (size_t i = 0; i < count; i++) {
        k->columns[i] = columns[i];
        k->columns[i].name = arena_str(&k->arena, columns[i].name);
    }
    return true;
}

/* Parameters as @params declares them, all NULL. */
static bool declared(ProcCall *call, Str text, SessionParam **ret, size_t *ret_count, SqlError *e) {
    ParserOptions options = {.quoted_identifier = true};
    ParserParam *params = NULL;
    *ret_count = 0;
    if (text.n && !parser_parameters(text, &options, call->arena, &params, ret_count, e)) return false;
    *ret = ARENA_ARRAY(call->arena, SessionParam, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret)[i] = (SessionParam){.name = params[i].name, .type = params[i].type.type};
    return true;
}

static bool send(Session *s, const Kept *kept) {
    if (!proc_columns(s, COLUMNS, COLUMN_COUNT)) return false;
    for (size_t i = 0; i < kept->count; i++)
        if (!describe_column(s, &kept->columns[i], i + 1)) return false;
    return proc_rows_done(s);
}

static bool first_result_set(Session *s, ProcCall *call, SqlError *e) {
    Kept kept = {0};
    SessionParam *params;
    size_t count;
    int32_t id = session_current_database(s)->id;
    bool ok = declared(call, proc_arg_text(call, 1), &params, &count, e) &&
              proc_describe(s, id, proc_arg_text(call, 0), params, count, keep_columns, &kept, e) &&
              send(s, &kept);
    arena_done(&kept.arena);
    return ok;
}

/* ---- sp_describe_undeclared_parameters */

static const OutColumn PARAMETER_COLUMNS[] = {
    INT("parameter_ordinal"),
    NAME("name"),
    INT("suggested_system_type_id"),
    TEXT("suggested_system_type_name", 256),
    SMALL("suggested_max_length"),
    TINY("suggested_precision"),
    TINY("suggested_scale"),
    INT("suggested_user_type_id"),
    NAME("suggested_user_type_database"),
    NAME("suggested_user_type_schema"),
    NAME("suggested_user_type_name"),
    TEXT("suggested_assembly_qualified_type_name", 4000),
    INT("suggested_xml_collection_id"),
    NAME("suggested_xml_collection_database"),
    NAME("suggested_xml_collection_schema"),
    NAME("suggested_xml_collection_name"),
    BIT("suggested_is_xml_document"),
    BIT("suggested_is_case_sensitive"),
    BIT("suggested_is_fixed_length_clr_type"),
    BIT("suggested_is_input"),
    BIT("suggested_is_output"),
    NAME("formal_parameter_name"),
    INT("suggested_tds_type_id"),
    INT("suggested_tds_length"),
};
enum { PARAMETER_COLUMN_COUNT = sizeof PARAMETER_COLUMNS / sizeof *PARAMETER_COLUMNS };

static bool describe_parameter(Session *s, const ProcUndeclared *p, size_t ordinal) {
    CLEANUP(buf_done) Buf type = {0};
    Type plain = p->type;
    plain.is_sysname = false; /* the system type is asked for */
    type_format(&plain, &type);
    const Collation *collation =
        collation_get(plain.collation ? plain.collation : session_current_database(s)->collation);
    Value row[PARAMETER_COLUMN_COUNT] = {{.kind = VALUE_NULL}};
    size_t n = 0;
    row[n++] = number((int64_t)ordinal);
    row[n++] = VALUE_OF_TEXT(p->name);
    row[n++] = number(plain.id);
    row[n++] = VALUE_OF_TEXT(buf_view(&type));
    row[n++] = number(type_max_length_bytes(&plain));
    row[n++] = number(type_sys_precision(&plain));
    row[n++] = number(type_sys_scale(&plain));
    n = 16;
    row[n++] = number(0);
    row[n++] = number(type_is_text(plain.id) && collation->is_case_sensitive);
    row[n++] = number(0);
    row[n++] = number(1);
    row[n++] = number(p->is_output);
    row[n++] = p->formal.n ? VALUE_OF_TEXT(p->formal) : (Value){.kind = VALUE_NULL};
    row[n++] = number(tds_type_id(&plain, /* is_nullable= */ true));
    row[n++] = number(tds_length(&plain));
    return proc_row(s, row);
}

static bool undeclared_parameters(Session *s, ProcCall *call, SqlError *e) {
    SessionParam *params;
    ProcUndeclared *found;
    size_t count, found_count;
    if (!declared(call, proc_arg_text(call, 1), &params, &count, e) ||
        !proc_undeclared(s, proc_arg_text(call, 0), params, count, call->arena, &found, &found_count, e))
        return false;
    if (!proc_columns(s, PARAMETER_COLUMNS, PARAMETER_COLUMN_COUNT)) return false;
    for (size_t i = 0; i < found_count; i++)
        if (!describe_parameter(s, &found[i], i + 1)) return false;
    return proc_rows_done(s);
}

static const ProcParam PARAMS[] = {
    {.name = "@tsql", .type = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH}, .is_required = true},
    PROC_TEXT("@params"),
    PROC_INT("@browse_information_mode"),
};

static const Proc PROCS[] = {
    {.name = "sp_describe_first_result_set", .params = PARAMS, .param_count = 3, .call = first_result_set},
    {.name = "sp_describe_undeclared_parameters",
     .params = PARAMS,
     .param_count = 2,
     .call = undeclared_parameters}};

void proc_describe_add(ProcRegistry *r) {
    procregistry_add(r, PROCS, sizeof PROCS / sizeof *PROCS);
}
