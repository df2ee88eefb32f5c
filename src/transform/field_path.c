#include "transform/field_path.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static bool unpaired(const char *text, Err *e) {
    return err_set(e, ERR_INVALID, false,
                   "field path '%s': a backtick without its pair; \\` is the character itself", text);
}

/* A step in backticks, *p behind the first of them: it ends at one that a dot or the end follows. */
static bool quoted_step(const char *text, const char **p, Buf *step, Err *e) {
    for (const char *q = *p;; q++) {
        q = strchr(q, '`');
        if (!q) return unpaired(text, e);
        bool is_escaped = q[-1] == '\\', is_last = q[1] == '\0';
        if (is_last && is_escaped) return unpaired(text, e);
        if (!is_last && q[1] != '.') continue;
        if (is_escaped) {
            buf_add(step, *p, (size_t)(q - *p) - 1);
            buf_u8(step, '`');
            *p = q + 1;
            continue;
        }
        buf_add(step, *p, (size_t)(q - *p));
        *p = is_last ? q + 1 : q + 2;
        return true;
    }
}

bool field_path_parse(const char *text, bool is_v2, FieldPath *ret, Err *e) {
    *ret = (FieldPath){0};
    if (!is_v2) {
        textlist_add(&ret->steps, str_from(text));
        return true;
    }
    CLEANUP(buf_done) Buf step = {0};
    for (const char *p = text; *p;) {
        buf_clear(&step);
        if (*p == '`') {
            p++;
            if (!quoted_step(text, &p, &step, e)) return false;
        } else {
            size_t n = strcspn(p, ".");
            buf_add(&step, p, n);
            p += n + (p[n] == '.');
        }
        textlist_add(&ret->steps, buf_view(&step));
    }
    size_t n = strlen(text);
    if (n == 0 || text[n - 1] == '.') textlist_add(&ret->steps, STR_LIT(""));
    return true;
}

void field_path_done(FieldPath *p) {
    textlist_done(&p->steps);
}

const ConnectSchema *field_path_find(const FieldPath *p, const ConnectSchema *schema, int *ret_indices) {
    for (size_t i = 0; i < p->steps.count; i++) {
        if (schema->type != CONNECT_STRUCT) return NULL;
        int at = connect_schema_find(schema, str_from(p->steps.items[i]));
        if (at < 0) return NULL;
        ret_indices[i] = at;
        schema = schema->fields[at].schema;
    }
    return schema;
}
