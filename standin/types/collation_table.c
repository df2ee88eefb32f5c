/*
 * Windows collations are the product of their locales and of what may follow: BIN, BIN2, or CI/CS, AI/AS, KS,
 * WS, from version 100 on SC, and UTF8 where supplementary characters are known. SQL collations are a list.
 */
#include "standin/types/collation_table.h"

#include <stdio.h>
#include <string.h>

typedef struct Locale {
    const char *name;
    uint32_t lcid;
    uint16_t code_page;
    uint8_t version; /* of the sort tables: 0 = 80, 1 = 90, 2 = 100, 3 = 140 */
} Locale;

static const Locale locales[] = {
    {"Albanian", 0x041c, 1250, 0},
    {"Arabic", 0x0401, 1256, 0},
    {"Chinese_PRC", 0x0804, 936, 0},
    {"Chinese_PRC_Stroke", 0x20804, 936, 0},
    {"Chinese_Taiwan_Bopomofo", 0x30404, 950, 0},
    {"Chinese_Taiwan_Stroke", 0x0404, 950, 0},
    {"Croatian", 0x041a, 1250, 0},
    {"Cyrillic_General", 0x0419, 1251, 0},
    {"Czech", 0x0405, 1250, 0},
    {"Danish_Norwegian", 0x0406, 1252, 0},
    {"Estonian", 0x0425, 1257, 0},
    {"Finnish_Swedish", 0x040b, 1252, 0},
    {"French", 0x040c, 1252, 0},
    {"Georgian_Modern_Sort", 0x10437, 1252, 0},
    {"German_PhoneBook", 0x10407, 1252, 0},
    {"Greek", 0x0408, 1253, 0},
    {"Hebrew", 0x040d, 1255, 0},
    {"Hungarian", 0x040e, 1250, 0},
    {"Hungarian_Technical", 0x1040e, 1250, 0},
    {"Icelandic", 0x040f, 1252, 0},
    {"Japanese", 0x0411, 932, 0},
    {"Japanese_Unicode", 0x10411, 932, 0},
    {"Korean_Wansung", 0x0412, 949, 0},
    {"Latin1_General", 0x0409, 1252, 0},
    {"Latvian", 0x0426, 1257, 0},
    {"Lithuanian", 0x0427, 1257, 0},
    {"Modern_Spanish", 0x0c0a, 1252, 0},
    {"Polish", 0x0415, 1250, 0},
    {"Romanian", 0x0418, 1250, 0},
    {"Slovak", 0x041b, 1250, 0},
    {"Slovenian", 0x0424, 1250, 0},
    {"Thai", 0x041e, 874, 0},
    {"Traditional_Spanish", 0x040a, 1252, 0},
    {"Turkish", 0x041f, 1254, 0},
    {"Ukrainian", 0x0422, 1251, 0},
    {"Vietnamese", 0x042a, 1258, 0},
    {"Chinese_Hong_Kong_Stroke_90", 0x0c04, 950, 1},
    {"Chinese_PRC_90", 0x0804, 936, 1},
    {"Chinese_PRC_Stroke_90", 0x20804, 936, 1},
    {"Chinese_Taiwan_Bopomofo_90", 0x30404, 950, 1},
    {"Chinese_Taiwan_Stroke_90", 0x0404, 950, 1},
    {"Japanese_90", 0x0411, 932, 1},
    {"Korean_90", 0x0412, 949, 1},
    {"Albanian_100", 0x041c, 1250, 2},
    {"Arabic_100", 0x0401, 1256, 2},
    {"Chinese_Simplified_Pinyin_100", 0x0804, 936, 2},
    {"Chinese_Simplified_Stroke_Order_100", 0x20804, 936, 2},
    {"Chinese_Traditional_Bopomofo_100", 0x30404, 950, 2},
    {"Chinese_Traditional_Pinyin_100", 0x21404, 950, 2},
    {"Chinese_Traditional_Stroke_Count_100", 0x0404, 950, 2},
    {"Croatian_100", 0x041a, 1250, 2},
    {"Cyrillic_General_100", 0x0419, 1251, 2},
    {"Czech_100", 0x0405, 1250, 2},
    {"Danish_Greenlandic_100", 0x0406, 1252, 2},
    {"Estonian_100", 0x0425, 1257, 2},
    {"Finnish_Swedish_100", 0x040b, 1252, 2},
    {"French_100", 0x040c, 1252, 2},
    {"German_PhoneBook_100", 0x10407, 1252, 2},
    {"Greek_100", 0x0408, 1253, 2},
    {"Hebrew_100", 0x040d, 1255, 2},
    {"Hungarian_100", 0x040e, 1250, 2},
    {"Icelandic_100", 0x040f, 1252, 2},
    {"Japanese_Bushu_Kakusu_100", 0x40411, 932, 2},
    {"Japanese_XJIS_100", 0x0411, 932, 2},
    {"Korean_100", 0x0412, 949, 2},
    {"Latin1_General_100", 0x0409, 1252, 2},
    {"Latvian_100", 0x0426, 1257, 2},
    {"Lithuanian_100", 0x0427, 1257, 2},
    {"Modern_Spanish_100", 0x0c0a, 1252, 2},
    {"Norwegian_100", 0x0414, 1252, 2},
    {"Polish_100", 0x0415, 1250, 2},
    {"Romanian_100", 0x0418, 1250, 2},
    {"Slovak_100", 0x041b, 1250, 2},
    {"Slovenian_100", 0x0424, 1250, 2},
    {"Thai_100", 0x041e, 874, 2},
    {"Traditional_Spanish_100", 0x040a, 1252, 2},
    {"Turkish_100", 0x041f, 1254, 2},
    {"Ukrainian_100", 0x0422, 1251, 2},
    {"Vietnamese_100", 0x042a, 1258, 2},
    {"Japanese_Bushu_Kakusu_140", 0x40411, 932, 3},
    {"Japanese_XJIS_140", 0x0411, 932, 3},
};

typedef struct SqlCollation {
    const char *name;
    uint32_t lcid;
    uint16_t code_page;
    uint8_t sort_id;
} SqlCollation;

/* The first is the server's own. What the name ends in says how it compares. */
static const SqlCollation sql_collations[] = {
    {"SQL_Latin1_General_CP1_CI_AS", 0x0409, 1252, 52},
    {"SQL_Latin1_General_CP1_CS_AS", 0x0409, 1252, 51},
    {"SQL_Latin1_General_CP1_CI_AI", 0x0409, 1252, 54},
    {"SQL_Latin1_General_Pref_CP1_CI_AS", 0x0409, 1252, 53},
    {"SQL_Latin1_General_CP437_BIN", 0x0409, 437, 30},
    {"SQL_Latin1_General_CP437_BIN2", 0x0409, 437, 30},
    {"SQL_Latin1_General_CP437_CS_AS", 0x0409, 437, 31},
    {"SQL_Latin1_General_CP437_CI_AS", 0x0409, 437, 32},
    {"SQL_Latin1_General_Pref_CP437_CI_AS", 0x0409, 437, 33},
    {"SQL_Latin1_General_CP437_CI_AI", 0x0409, 437, 34},
    {"SQL_Latin1_General_CP850_BIN", 0x0409, 850, 40},
    {"SQL_Latin1_General_CP850_BIN2", 0x0409, 850, 40},
    {"SQL_Latin1_General_CP850_CS_AS", 0x0409, 850, 41},
    {"SQL_Latin1_General_CP850_CI_AS", 0x0409, 850, 42},
    {"SQL_Latin1_General_Pref_CP850_CI_AS", 0x0409, 850, 43},
    {"SQL_Latin1_General_CP850_CI_AI", 0x0409, 850, 44},
    {"SQL_1xCompat_CP850_CI_AS", 0x0409, 850, 49},
    {"SQL_AltDiction_CP850_CS_AS", 0x0409, 850, 55},
    {"SQL_AltDiction_Pref_CP850_CI_AS", 0x0409, 850, 56},
    {"SQL_AltDiction_CP850_CI_AI", 0x0409, 850, 57},
    {"SQL_Scandinavian_Pref_CP850_CI_AS", 0x0409, 850, 58},
    {"SQL_Scandinavian_CP850_CS_AS", 0x0409, 850, 59},
    {"SQL_Scandinavian_CP850_CI_AS", 0x0409, 850, 60},
    {"SQL_AltDiction_CP850_CI_AS", 0x0409, 850, 61},
    {"SQL_Latin1_General_CP1250_CS_AS", 0x0409, 1250, 81},
    {"SQL_Latin1_General_CP1250_CI_AS", 0x0409, 1250, 82},
    {"SQL_Czech_CP1250_CS_AS", 0x0405, 1250, 83},
    {"SQL_Czech_CP1250_CI_AS", 0x0405, 1250, 84},
    {"SQL_Hungarian_CP1250_CS_AS", 0x040e, 1250, 85},
    {"SQL_Hungarian_CP1250_CI_AS", 0x040e, 1250, 86},
    {"SQL_Polish_CP1250_CS_AS", 0x0415, 1250, 87},
    {"SQL_Polish_CP1250_CI_AS", 0x0415, 1250, 88},
    {"SQL_Romanian_CP1250_CS_AS", 0x0418, 1250, 89},
    {"SQL_Romanian_CP1250_CI_AS", 0x0418, 1250, 90},
    {"SQL_Croatian_CP1250_CS_AS", 0x041a, 1250, 91},
    {"SQL_Croatian_CP1250_CI_AS", 0x041a, 1250, 92},
    {"SQL_Slovak_CP1250_CS_AS", 0x041b, 1250, 93},
    {"SQL_Slovak_CP1250_CI_AS", 0x041b, 1250, 94},
    {"SQL_Slovenian_CP1250_CS_AS", 0x0424, 1250, 95},
    {"SQL_Slovenian_CP1250_CI_AS", 0x0424, 1250, 96},
    {"SQL_Latin1_General_CP1251_CS_AS", 0x0419, 1251, 105},
    {"SQL_Latin1_General_CP1251_CI_AS", 0x0419, 1251, 106},
    {"SQL_Ukrainian_CP1251_CS_AS", 0x0422, 1251, 107},
    {"SQL_Ukrainian_CP1251_CI_AS", 0x0422, 1251, 108},
    {"SQL_Latin1_General_CP1253_CS_AS", 0x0408, 1253, 113},
    {"SQL_Latin1_General_CP1253_CI_AS", 0x0408, 1253, 114},
    {"SQL_Latin1_General_CP1253_CI_AI", 0x0408, 1253, 124},
    {"SQL_Latin1_General_CP1254_CS_AS", 0x041f, 1254, 129},
    {"SQL_Latin1_General_CP1254_CI_AS", 0x041f, 1254, 130},
    {"SQL_Latin1_General_CP1255_CS_AS", 0x040d, 1255, 137},
    {"SQL_Latin1_General_CP1255_CI_AS", 0x040d, 1255, 138},
    {"SQL_Latin1_General_CP1256_CS_AS", 0x0401, 1256, 145},
    {"SQL_Latin1_General_CP1256_CI_AS", 0x0401, 1256, 146},
    {"SQL_Latin1_General_CP1257_CS_AS", 0x0425, 1257, 153},
    {"SQL_Latin1_General_CP1257_CI_AS", 0x0425, 1257, 154},
    {"SQL_Estonian_CP1257_CS_AS", 0x0425, 1257, 155},
    {"SQL_Estonian_CP1257_CI_AS", 0x0425, 1257, 156},
    {"SQL_Latvian_CP1257_CS_AS", 0x0426, 1257, 157},
    {"SQL_Latvian_CP1257_CI_AS", 0x0426, 1257, 158},
    {"SQL_Lithuanian_CP1257_CS_AS", 0x0427, 1257, 159},
    {"SQL_Lithuanian_CP1257_CI_AS", 0x0427, 1257, 160},
    {"SQL_Danish_Pref_CP1_CI_AS", 0x0406, 1252, 183},
    {"SQL_SwedishPhone_Pref_CP1_CI_AS", 0x041d, 1252, 184},
    {"SQL_SwedishStd_Pref_CP1_CI_AS", 0x041d, 1252, 185},
    {"SQL_Icelandic_Pref_CP1_CI_AS", 0x040f, 1252, 186},
};

enum {
    LOCALES = sizeof locales / sizeof *locales,
    SQL_COLLATIONS = sizeof sql_collations / sizeof *sql_collations,
    SENSITIVITIES = 16,                 /* case, accent, kana, width */
    FORMS_MOST = 3 + 3 * SENSITIVITIES, /* BIN, BIN2, BIN2_UTF8; plain, SC, SC_UTF8 */
    TABLE_MOST = SQL_COLLATIONS + LOCALES * FORMS_MOST,
    NAME_MOST = 64,
    CODE_PAGE_UTF8 = 65001,
};

static Collation table[TABLE_MOST];
static char names[TABLE_MOST][NAME_MOST];
static size_t count;

static Collation *add(const char *name, const char *suffix) {
    (void)snprintf(names[count], NAME_MOST, "%s%s", name, suffix);
    Collation *c = &table[count];
    c->name = names[count++];
    return c;
}

static void add_windows(const Locale *l, const char *suffix, const Collation *how) {
    Collation *c = add(l->name, suffix);
    const char *name = c->name;
    *c = *how;
    c->name = name;
    c->lcid = l->lcid;
    c->version = l->version;
    c->code_page = how->is_utf8 ? CODE_PAGE_UTF8 : l->code_page;
}

static void add_sensitive(const Locale *l, unsigned bits, const char *rest, bool is_sc, bool is_utf8) {
    char suffix[NAME_MOST];
    Collation c = {.is_case_sensitive = bits & 8,
                   .is_accent_sensitive = bits & 4,
                   .is_kana_sensitive = bits & 2,
                   .is_width_sensitive = bits & 1,
                   .has_supplementary = is_sc,
                   .is_utf8 = is_utf8};
    (void)snprintf(suffix, sizeof suffix, "_%s_%s%s%s%s", c.is_case_sensitive ? "CS" : "CI",
                   c.is_accent_sensitive ? "AS" : "AI", c.is_kana_sensitive ? "_KS" : "",
                   c.is_width_sensitive ? "_WS" : "", rest);
    add_windows(l, suffix, &c);
}

static void add_locale(const Locale *l) {
    Collation binary = {.is_case_sensitive = true,
                        .is_accent_sensitive = true,
                        .is_kana_sensitive = true,
                        .is_width_sensitive = true,
                        .is_binary = true};
    bool is_140 = l->version == 3;
    if (!is_140) {
        binary.is_old_binary = true;
        add_windows(l, "_BIN", &binary);
        binary.is_old_binary = false;
    }
    add_windows(l, "_BIN2", &binary);
    if (l->version >= 2) {
        binary.is_utf8 = true;
        add_windows(l, "_BIN2_UTF8", &binary);
    }
    for (unsigned bits = 0; bits < SENSITIVITIES; bits++) {
        add_sensitive(l, bits, "", is_140, false);
        if (l->version == 2) {
            add_sensitive(l, bits, "_SC", true, false);
            add_sensitive(l, bits, "_SC_UTF8", true, true);
        }
        if (is_140) add_sensitive(l, bits, "_UTF8", true, true);
    }
}

static bool ends_in(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static void add_sql(const SqlCollation *s) {
    Collation *c = add(s->name, "");
    bool is_binary = ends_in(s->name, "_BIN") || ends_in(s->name, "_BIN2");
    c->lcid = s->lcid;
    c->sort_id = s->sort_id;
    c->code_page = s->code_page;
    c->is_binary = is_binary;
    c->is_old_binary = ends_in(s->name, "_BIN");
    c->is_case_sensitive = is_binary || ends_in(s->name, "_CS_AS");
    c->is_accent_sensitive = !ends_in(s->name, "_AI");
    c->is_kana_sensitive = c->is_width_sensitive = is_binary;
}

__attribute__((constructor)) static void make_table(void) {
    for (size_t i = 0; i < SQL_COLLATIONS; i++) add_sql(&sql_collations[i]);
    for (size_t i = 0; i < LOCALES; i++) add_locale(&locales[i]);
}

size_t collationtable_count(void) {
    return count;
}

const Collation *collationtable_get(size_t index) {
    return &table[index];
}
