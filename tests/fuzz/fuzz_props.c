/*
 * fuzz_props.c - configuration files and addresses as libFuzzer makes them up. The first byte picks the
 * reader. What parses must hold what the interfaces promise; sanitizers watch the rest.
 *
 *   clang -fsanitize=fuzzer,address,undefined … && ./fuzz_props -max_total_time=60 corpus/
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf.h"
#include "config/option_connect.h"
#include "config/props.h"
#include "config/regexlist.h"
#include "config/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_options(const Props *p) {
    OptionTable table = option_connect_table();
    Options *o = NULL;
    Err e = {0};
    bool ok = options_parse_tables(&table, 1, p, &o, &e);
    assert(o && ok == (options_errors(o)->count == 0));
    (void)options_free(o);
}

static void check_props(Str text, bool is_json) {
    Props *p = props_new();
    Err e = {0};
    bool ok = is_json ? props_parse_json(p, "f", text, &e) : props_parse_properties(p, "f", text, &e);
    if (!ok) assert(e.code != ERR_OK && e.msg[0]);
    for (size_t i = 0; i < props_count(p); i++) {
        const Prop *prop = props_at(p, i);
        assert(props_get(p, prop->key) == prop);
        assert(utf_valid8(str_from(prop->key)) && utf_valid8(str_from(prop->value)));
        assert(is_json || prop->line > 0);
    }
    if (ok) check_options(p);
    (void)props_free(p);
}

static void check_urls(Str text) {
    CLEANUP_FREE char *url = str_dup(text);
    CLEANUP(buf_done) Buf conninfo = {0};
    CLEANUP(textlist_done) TextList notes = {0};
    Err e = {0};
    Props *p = props_new();
    bool is_refused = !url_refuse_password(url, "--from", "a file", &e);
    bool is_parsed = url_parse_mssql(url, "--from", p, &e);
    assert(!(is_refused && is_parsed));
    (void)props_free(p);
    (void)!url_to_conninfo(url, &conninfo, &notes, &e);
}

static void check_regexes(Str text) {
    RegexList *l = NULL;
    Err e = {0};
    if (text.n > 200 || !regexlist_compile(text, &l, &e)) return;
    (void)regexlist_match(l, STR_LIT("dbo.orders"));
    (void)regexlist_free(l);
}

static void check_references(Str text) {
    Props *p = props_new();
    Err e = {0};
    if (!memmem(text.n ? text.p : "", text.n, "file", 4)) { /* no reading of this machine's files */
        props_set(p, "a", text, "f", 1);
        (void)!props_resolve(p, &e);
    }
    (void)props_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    Str text = {(const char *)data + 1, size - 1};
    switch (data[0] % 5) {
    case 0: check_props(text, /* is_json= */ false); break;
    case 1: check_props(text, /* is_json= */ true); break;
    case 2: check_urls(text); break;
    case 3: check_regexes(text); break;
    default: check_references(text);
    }
    return 0;
}
