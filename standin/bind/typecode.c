#include "standin/bind/typecode.h"

/* id 8 bits, precision 8, scale 8, collation 16, length + 1 in 16 (0 … 8001): 56 bits, never negative. */
int64_t typecode_of(const Type *t) {
    return (int64_t)t->id | (int64_t)t->precision << 8 | (int64_t)t->scale << 16 |
           (int64_t)t->collation << 24 | ((int64_t)t->length + 1) << 40;
}

Type typecode_type(int64_t code) {
    return (Type){.id = (TypeId)(code & 0xff),
                  .precision = (uint8_t)(code >> 8 & 0xff),
                  .scale = (uint8_t)(code >> 16 & 0xff),
                  .collation = (uint16_t)(code >> 24 & 0xffff),
                  .length = (int32_t)(code >> 40 & 0xffff) - 1};
}
