#include "standin/exec/property.h"

#include <stdlib.h>

#include "standin/exec/session_internal.h"
#include "standin/types/collation.h"
#include "standin/types/product.h"
#include "standin/types/variant.h"

static const Value none = {.kind = VALUE_NULL};
static const Type name_type = {.id = TYPE_NVARCHAR, .length = 128};

typedef struct Property {
    const char *name, *value; /* NULL: the property is there, its value is NULL */
    TypeId type;              /* nvarchar(128), or an integer type */
} Property;

static Value text(const char *s, Arena *a) {
    return s ? variant_pack(&name_type, VALUE_OF_TEXT(str_from(s)), a) : none;
}

static Value number(TypeId id, int64_t x, Arena *a) {
    return variant_pack(&(Type){.id = id}, VALUE_OF_INT(x), a);
}

static Value look_up(const Property *p, size_t count, Str name, Arena *a) {
    for (size_t i = 0; i < count; i++) {
        if (!str_eq_icase(name, str_from(p[i].name))) continue;
        if (!p[i].value || p[i].type == TYPE_NVARCHAR) return text(p[i].value, a);
        return number(p[i].type, strtoll(p[i].value, NULL, 10), a);
    }
    return none;
}

static const Property server_properties[] = {
    {"ProductVersion", PRODUCT_VERSION_TEXT, TYPE_NVARCHAR},
    {"ProductLevel", "RTM", TYPE_NVARCHAR},
    {"ProductUpdateLevel", "CU16", TYPE_NVARCHAR},
    {"ProductUpdateReference", "KB5048033", TYPE_NVARCHAR},
    {"ProductBuildType", NULL, TYPE_NVARCHAR},
    {"ResourceVersion", "16.00.4165", TYPE_NVARCHAR},
    {"BuildClrVersion", "v4.0.30319", TYPE_NVARCHAR},
    {"Edition", "Developer Edition (64-bit)", TYPE_NVARCHAR},
    {"EditionID", "-2117995310", TYPE_BIGINT},
    {"EngineEdition", "3", TYPE_INT},
    {"Collation", "SQL_Latin1_General_CP1_CI_AS", TYPE_NVARCHAR},
    {"CollationID", "872468488", TYPE_INT},
    {"ComparisonStyle", "196609", TYPE_INT},
    {"LCID", "1033", TYPE_INT},
    {"SqlCharSet", "1", TYPE_TINYINT},
    {"SqlCharSetName", "iso_1", TYPE_NVARCHAR},
    {"SqlSortOrder", "52", TYPE_TINYINT},
    {"SqlSortOrderName", "nocase_iso", TYPE_NVARCHAR},
    {"InstanceName", NULL, TYPE_NVARCHAR},
    {"LicenseType", "DISABLED", TYPE_NVARCHAR},
    {"NumLicenses", NULL, TYPE_INT},
    {"PathSeparator", "/", TYPE_NVARCHAR},
    {"FilestreamConfiguredLevel", "0", TYPE_INT},
    {"FilestreamEffectiveLevel", "0", TYPE_INT},
    {"HadrManagerStatus", "2", TYPE_INT},
    {"IsAdvancedAnalyticsInstalled", "0", TYPE_INT},
    {"IsBigDataCluster", "0", TYPE_INT},
    {"IsClustered", "0", TYPE_INT},
    {"IsExternalAuthenticationOnly", "0", TYPE_INT},
    {"IsFullTextInstalled", "0", TYPE_INT},
    {"IsHadrEnabled", "0", TYPE_INT},
    {"IsIntegratedSecurityOnly", "0", TYPE_INT},
    {"IsLocalDB", "0", TYPE_INT},
    {"IsPolyBaseInstalled", "0", TYPE_INT},
    {"IsServerSuspendedForSnapshotBackup", "0", TYPE_INT},
    {"IsSingleUser", "0", TYPE_INT},
    {"IsTempDbMetadataMemoryOptimized", "0", TYPE_INT},
    {"IsXTPSupported", "0", TYPE_INT},
    {"SuspendedDatabaseCount", "0", TYPE_INT},
};

Value property_server(struct Session *s, Str name, Arena *a) {
    if (str_eq_icase(name, STR_LIT("ServerName")) || str_eq_icase(name, STR_LIT("MachineName")) ||
        str_eq_icase(name, STR_LIT("ComputerNamePhysicalNetBIOS")))
        return text(server_name(s->server), a);
    if (str_eq_icase(name, STR_LIT("ProductMajorVersion")))
        return text(arena_printf(a, "%d", PRODUCT_MAJOR), a);
    if (str_eq_icase(name, STR_LIT("ProductMinorVersion")))
        return text(arena_printf(a, "%d", PRODUCT_MINOR), a);
    if (str_eq_icase(name, STR_LIT("ProductBuild"))) return text(arena_printf(a, "%d", PRODUCT_BUILD), a);
    return look_up(server_properties, sizeof server_properties / sizeof *server_properties, name, a);
}

static const Property database_properties[] = {
    {"Status", "ONLINE", TYPE_NVARCHAR},
    {"Updateability", "READ_WRITE", TYPE_NVARCHAR},
    {"UserAccess", "MULTI_USER", TYPE_NVARCHAR},
    {"Recovery", "FULL", TYPE_NVARCHAR},
    {"IsAnsiNullDefault", "0", TYPE_INT},
    {"IsAnsiNullsEnabled", "0", TYPE_INT},
    {"IsAnsiPaddingEnabled", "0", TYPE_INT},
    {"IsAnsiWarningsEnabled", "0", TYPE_INT},
    {"IsArithmeticAbortEnabled", "0", TYPE_INT},
    {"IsAutoClose", "0", TYPE_INT},
    {"IsAutoCreateStatistics", "1", TYPE_INT},
    {"IsAutoShrink", "0", TYPE_INT},
    {"IsAutoUpdateStatistics", "1", TYPE_INT},
    {"IsCloseCursorsOnCommitEnabled", "0", TYPE_INT},
    {"IsFulltextEnabled", "0", TYPE_INT},
    {"IsInStandBy", "0", TYPE_INT},
    {"IsLocalCursorsDefault", "0", TYPE_INT},
    {"IsMergePublished", "0", TYPE_INT},
    {"IsNullConcat", "0", TYPE_INT},
    {"IsNumericRoundAbortEnabled", "0", TYPE_INT},
    {"IsParameterizationForced", "0", TYPE_INT},
    {"IsPublished", "0", TYPE_INT},
    {"IsQuotedIdentifiersEnabled", "0", TYPE_INT},
    {"IsRecursiveTriggersEnabled", "0", TYPE_INT},
    {"IsSubscribed", "0", TYPE_INT},
    {"IsSyncWithBackup", "0", TYPE_INT},
    {"IsTornPageDetectionEnabled", "0", TYPE_INT},
    {"Version", "957", TYPE_INT},
};

Value property_database(const Database *d, Str name, Arena *a) {
    const Collation *c = collation_get(d->collation);
    if (str_eq_icase(name, STR_LIT("Collation"))) return text(c->name, a);
    if (str_eq_icase(name, STR_LIT("LCID"))) return number(TYPE_INT, c->lcid, a);
    if (str_eq_icase(name, STR_LIT("SQLSortOrder"))) return number(TYPE_TINYINT, c->sort_id, a);
    return look_up(database_properties, sizeof database_properties / sizeof *database_properties, name, a);
}

Value property_connection(Str name, Arena *a) {
    static const Property known[] = {{"net_transport", "TCP", TYPE_NVARCHAR},
                                     {"protocol_type", "TSQL", TYPE_NVARCHAR},
                                     {"auth_scheme", "SQL", TYPE_NVARCHAR},
                                     {"physical_net_transport", "TCP", TYPE_NVARCHAR}};
    return look_up(known, sizeof known / sizeof *known, name, a);
}

Value property_session(struct Session *s, Str name, Arena *a) {
    const Options *o = &s->options;
    const struct {
        const char *name;
        bool is_on;
    } known[] = {{"ANSI_NULLS", o->ansi_nulls},
                 {"ANSI_PADDING", o->ansi_padding},
                 {"ANSI_WARNINGS", o->ansi_warnings},
                 {"ARITHABORT", o->arithabort},
                 {"CONCAT_NULL_YIELDS_NULL", o->concat_null},
                 {"NUMERIC_ROUNDABORT", o->numeric_roundabort},
                 {"QUOTED_IDENTIFIER", o->quoted_identifier}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq_icase(name, str_from(known[i].name))) return number(TYPE_INT, known[i].is_on, a);
    return none;
}

/* As CompareInfo's flags: 1 case, 2 accents, 65536 kana, 131072 width are ignored; 0 for binary ones. */
static int64_t comparison_style(const Collation *c) {
    if (c->is_binary) return 0;
    return (c->is_case_sensitive ? 0 : 1) | (c->is_accent_sensitive ? 0 : 2) |
           (c->is_kana_sensitive ? 0 : 0x10000) | (c->is_width_sensitive ? 0 : 0x20000);
}

Value property_collation(Str collation, Str name, Arena *a) {
    uint16_t index = collation_by_name(collation);
    if (index == COLLATION_NONE) return none;
    const Collation *c = collation_get(index);
    if (str_eq_icase(name, STR_LIT("CodePage"))) return number(TYPE_INT, c->code_page, a);
    if (str_eq_icase(name, STR_LIT("LCID"))) return number(TYPE_INT, c->lcid, a);
    if (str_eq_icase(name, STR_LIT("ComparisonStyle"))) return number(TYPE_INT, comparison_style(c), a);
    return str_eq_icase(name, STR_LIT("Version")) ? number(TYPE_TINYINT, c->version, a) : none;
}
