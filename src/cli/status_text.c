#include "cli/status_text.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/live.h"

/* ---- text ---- */

void status_text_number(int64_t n, int columns, Buf *out) {
    CLEANUP(buf_done) Buf text = {0};
    if (n < 0) buf_cstr(&text, "?");
    else live_number(n, &text);
    buf_printf(out, "%*s", columns, buf_text(&text));
}

void status_text_time(int64_t us, Buf *out) {
    char text[CLOCK_TEXT_SIZE];
    if (!us) {
        buf_cstr(out, "-");
        return;
    }
    clock_format(us, text);
    text[10] = ' ';
    buf_printf(out, "%.19s", text); /* to the second */
}

void status_text_duration(int64_t us, Buf *out) {
    if (us < 0) buf_cstr(out, "not known");
    else if (us < 7200 * INT64_C(1000000)) live_duration(us, out);
    else buf_printf(out, "%lld h", (long long)(us / (3600 * INT64_C(1000000))));
}

/* ---- JSON ---- */

void status_text_set(json_t *o, const char *key, const char *text) {
    json_object_set_new(o, key, text ? json_string(text) : json_null());
}

void status_text_set_number(json_t *o, const char *key, int64_t n, bool is_known) {
    json_object_set_new(o, key, is_known ? json_integer(n) : json_null());
}

void status_text_set_seconds(json_t *o, const char *key, int64_t us) {
    json_object_set_new(o, key, us >= 0 ? json_real((double)us / 1e6) : json_null());
}

void status_text_set_time(json_t *o, const char *key, int64_t us) {
    char text[CLOCK_TEXT_SIZE];
    status_text_set(o, key, us ? clock_format(us, text) : NULL);
}
