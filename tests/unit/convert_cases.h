/* convert_cases.h - conversions as tables of texts: shared by the tests of convert's parts. */
#ifndef TESTS_CONVERT_CASES_H
#define TESTS_CONVERT_CASES_H

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "standin/types/convert.h"
#include "test.h"

#define INT      ((Type){.id = TYPE_INT})
#define BIGINT   ((Type){.id = TYPE_BIGINT})
#define SMALLINT ((Type){.id = TYPE_SMALLINT})
#define TINYINT  ((Type){.id = TYPE_TINYINT})
#define BIT      ((Type){.id = TYPE_BIT})
#define FLOAT    ((Type){.id = TYPE_FLOAT})
#define REAL     ((Type){.id = TYPE_REAL})
#define MONEY    ((Type){.id = TYPE_MONEY})
#define GUID     ((Type){.id = TYPE_UNIQUEIDENTIFIER})
#define DATETIME ((Type){.id = TYPE_DATETIME})
#define DATE     ((Type){.id = TYPE_DATE})
#define XML      ((Type){.id = TYPE_XML})

static inline Type dec(uint8_t p, uint8_t s) {
    return (Type){.id = TYPE_DECIMAL, .precision = p, .scale = s};
}
static inline Type sized(TypeId id, int32_t length) {
    return (Type){.id = id, .length = length};
}
static inline Type scaled(TypeId id, uint8_t scale) {
    return (Type){.id = id, .scale = scale};
}

static Arena arena;
static char shown[2048];

/* text as varchar(8000) → `from` → `to` (by style), shown as text by style 121 and binary as 0x…; an error
 * shows as its number. */
static inline const char *through(const char *text, Type from, Type to, int style) {
    ConvertError e = {0};
    Value v;
    Convert in = {.from = sized(TYPE_VARCHAR, 8000), .to = from, .style = type_is_binary(from.id) ? 1 : -1};
    if (!convert_value(&in, VALUE_OF_TEXT(str_from(text)), &arena, &v, &e)) {
        (void)snprintf(shown, sizeof shown, "in %d", e.number);
        return shown;
    }
    Convert c = {.from = from, .to = to, .style = style};
    if (!convert_value(&c, v, &arena, &v, &e)) {
        (void)snprintf(shown, sizeof shown, "%d", e.number);
        return shown;
    }
    CLEANUP(buf_done) Buf out = {0};
    int show = type_is_binary(to.id) ? 1 : type_is_temporal(to.id) ? 121 : to.id == TYPE_MONEY ? 2 : -1;
    assert_true(convert_to_text(&to, v, show, &out, &e));
    (void)snprintf(shown, sizeof shown, "%s", buf_text(&out));
    return shown;
}

typedef struct Case {
    const char *text;
    Type from, to;
    const char *want;
    int style;
} Case;

static inline void check(const Case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *got = through(cases[i].text, cases[i].from, cases[i].to, cases[i].style);
        if (strcmp(got, cases[i].want) != 0) {
            fail_msg("case %zu: %s from %s to %s: %s, not %s", i, cases[i].text, type_name(cases[i].from.id),
                     type_name(cases[i].to.id), got, cases[i].want);
        }
    }
}
#define CHECK(cases) check((cases), sizeof(cases) / sizeof *(cases))

#endif
