/* java_json.h - JSON texts in the bytes that Jackson writes them. Any thread. */
#ifndef CONVERT_JAVA_JSON_H
#define CONVERT_JAVA_JSON_H

#include "base/buf.h"
#include "base/str.h"

/* With its quotes; control characters escaped, all else as UTF-8. */
void java_json_text(Str s, Buf *out);

#endif
