#include "convert/java_json.h"

void java_json_text(Str s, Buf *out) {
    static const char shorts[] = "btn_fr"; /* for 8 … 13; 11 has none */
    buf_u8(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c == '"' || c == '\\') {
            buf_u8(out, '\\');
            buf_u8(out, c);
        } else if (c >= 8 && c <= 13 && c != 11) {
            buf_u8(out, '\\');
            buf_u8(out, (uint8_t)shorts[c - 8]);
        } else if (c < 0x20) {
            buf_printf(out, "\\u%04X", c);
        } else {
            buf_u8(out, c);
        }
    }
    buf_u8(out, '"');
}
