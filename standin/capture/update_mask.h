/*
 * update_mask.h - __$update_mask: which captured columns a change row's statement has changed. Plain bytes;
 * any thread. Read as one big-endian number, ordinal 1 is the lowest bit of the last byte; ceil(columns / 8)
 * bytes.
 */
#ifndef STANDIN_CAPTURE_UPDATE_MASK_H
#define STANDIN_CAPTURE_UPDATE_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { UPDATE_MASK_MAX_BYTES = 128, UPDATE_MASK_MAX_COLUMNS = 1024 };

typedef struct UpdateMask {
    uint8_t b[UPDATE_MASK_MAX_BYTES];
    size_t n; /* bytes used */
} UpdateMask;

/* For so many captured columns (1…1024), no bit or every column's bit set. */
UpdateMask update_mask_none(size_t columns);
UpdateMask update_mask_all(size_t columns);
void update_mask_set(UpdateMask *m, size_t ordinal); /* 1-based, within the columns */
Str update_mask_view(const UpdateMask *m);           /* borrowed from *m */
/* sys.fn_cdc_is_bit_set: false for an ordinal outside the mask. */
bool update_mask_has(Str mask, int64_t ordinal);

#endif
