#include "convert/java_map.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf.h"

enum { FIRST_PLACES = 16 };

int32_t java_map_hash(Str text) {
    CLEANUP(buf_done) Buf units = {0};
    size_t n = utf_8_to_16le(text, &units);
    uint32_t h = 0;
    for (size_t i = 0; i < n; i++) h = 31 * h + (units.p[2 * i] | (uint32_t)units.p[2 * i + 1] << 8);
    return (int32_t)h;
}

void java_map_order(const Str *keys, size_t count, size_t *ret) {
    size_t places = FIRST_PLACES;
    while (count > places / 4 * 3) places *= 2;
    CLEANUP_FREE size_t *place = x_calloc(count + 1, sizeof *place);
    for (size_t i = 0; i < count; i++) {
        uint32_t h = (uint32_t)java_map_hash(keys[i]);
        place[i] = (h ^ h >> 16) & (places - 1);
        size_t at = i; /* stable: keys of one place stay in the order they were put */
        for (; at > 0 && place[ret[at - 1]] > place[i]; at--) ret[at] = ret[at - 1];
        ret[at] = i;
    }
}
