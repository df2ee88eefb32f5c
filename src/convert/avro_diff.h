/* avro_diff.h - what makes a newer schema unreadable beside an older one, in words. Any thread. */
#ifndef CONVERT_AVRO_DIFF_H
#define CONVERT_AVRO_DIFF_H

#include <stdbool.h>

#include "base/buf.h"
#include "convert/avro_type.h"

/* Append up to three differences that matter to compatibility: "field Envelope.after.Qty is new and has no
 * default; …". false: there is none. */
bool avro_diff(const AvroType *older, const AvroType *newer, Buf *out);

#endif
