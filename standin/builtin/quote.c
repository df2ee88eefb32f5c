#include "standin/builtin/quote.h"

void quote_name(Str name, Buf *out) {
    buf_u8(out, '[');
    for (size_t i = 0; i < name.n; i++) {
        buf_u8(out, (uint8_t)name.p[i]);
        if (name.p[i] == ']') buf_u8(out, ']');
    }
    buf_u8(out, ']');
}
