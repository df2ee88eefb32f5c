/* Which types may be compared, sorted, grouped: text, ntext, image, xml and the spatial types may not. */
#include "standin/bind/bind_internal.h"

static bool is_old_lob(TypeId id) {
    return id == TYPE_TEXT || id == TYPE_NTEXT || id == TYPE_IMAGE;
}

static bool is_spatial(TypeId id) {
    return id == TYPE_GEOMETRY || id == TYPE_GEOGRAPHY;
}

static bool refuse_sort(Binder *b, TypeId id, const char *clause, uint32_t line) {
    if (is_old_lob(id))
        return sqlerror_set(b->e, 306, 2, line,
                            "The text, ntext, and image data types cannot be compared or sorted, except when "
                            "using IS NULL or LIKE operator.");
    if (id == TYPE_XML)
        return sqlerror_set(b->e, 305, 1, line,
                            "The xml data type cannot be compared or sorted, except when using the IS NULL "
                            "operator.");
    return sqlerror_set(b->e, 249, 1, line,
                        "The type \"%s\" is not comparable. It cannot be used in the %s clause.",
                        type_name(id), clause);
}

bool bindcomparable_check(Binder *b, const Type *t, BindCompare what, uint32_t line) {
    TypeId id = t->id;
    if (!is_old_lob(id) && id != TYPE_XML && !is_spatial(id)) return true;
    switch (what) {
    case COMPARE_ORDER: return refuse_sort(b, id, "ORDER BY", line);
    case COMPARE_GROUP: return refuse_sort(b, id, "GROUP BY", line);
    case COMPARE_PARTITION: return refuse_sort(b, id, "PARTITION BY", line);
    case COMPARE_DISTINCT:
        return sqlerror_set(b->e, 421, 1, line,
                            "The %s data type cannot be selected as DISTINCT because it is not comparable.",
                            type_name(id));
    case COMPARE_SET:
        return sqlerror_set(b->e, 5335, 1, line,
                            "The data type %s cannot be used as an operand to the UNION, INTERSECT or EXCEPT "
                            "operators because it is not comparable.",
                            type_name(id));
    }
    return true;
}

bool bindcomparable_operator(Binder *b, const Type *l, const Type *r, const char *name, uint32_t line) {
    if (is_old_lob(l->id) || is_old_lob(r->id))
        return sqlerror_set(b->e, 402, 1, line,
                            "The data types %s and %s are incompatible in the %s operator.", type_name(l->id),
                            type_name(r->id), name);
    if (l->id == TYPE_XML || r->id == TYPE_XML) return refuse_sort(b, TYPE_XML, "", line);
    TypeId spatial = is_spatial(l->id) ? l->id : is_spatial(r->id) ? r->id : TYPE_NULL;
    if (spatial == TYPE_NULL) return true;
    return sqlerror_set(b->e, 403, 1, line,
                        "Invalid operator for data type. Operator equals %s, type equals %s.", name,
                        type_name(spatial));
}
