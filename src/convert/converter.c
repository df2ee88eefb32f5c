#include "convert/converter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "convert/avro_converter.h"
#include "convert/json_converter.h"
#include "convert/string_converter.h"

static const ConverterClass *const classes[] = {
    &avro_converter_class,
    &avro_converter_apicurio_class,
    &json_converter_class,
    &string_converter_class,
    NULL, /* the end */
};

const ConverterClass *converter_class_at(size_t i) {
    return classes[i];
}

/* "key.converter", of the prefix "key.converter.". */
static Str property_of(const ConverterSpec *spec) {
    Str prefix = str_from(spec->prefix);
    return str_sub(prefix, 0, prefix.n ? prefix.n - 1 : 0);
}

static bool refuse_class(const ConverterSpec *spec, Err *e) {
    CLEANUP(buf_done) Buf known = {0};
    for (size_t i = 0; classes[i]; i++) buf_printf(&known, "%s%s", i ? ", " : "", classes[i]->name);
    Str property = property_of(spec);
    return err_set(e, ERR_INVALID, false, STR_FMT ": there is no converter %.*s; known are: %s",
                   STR_ARG(property), (int)(spec->class_name.n < 100 ? spec->class_name.n : 100),
                   spec->class_name.p ? spec->class_name.p : "", buf_text(&known));
}

bool converter_new(const ConverterSpec *spec, Converter **ret, Err *e) {
    for (size_t i = 0; classes[i]; i++)
        if (str_eq_c(spec->class_name, classes[i]->name)) return converter_new_of(classes[i], spec, ret, e);
    return refuse_class(spec, e);
}

/* The properties that begin with the prefix, without it. */
static Props *own_props(const ConverterSpec *spec) {
    Props *own = props_new();
    size_t cut = strlen(spec->prefix);
    for (size_t i = 0; i < props_count(spec->props); i++) {
        Prop prop = *props_at(spec->props, i);
        if (!str_starts(str_from(prop.key), str_from(spec->prefix))) continue;
        prop.key += cut;
        props_add(own, &prop);
    }
    return own;
}

bool converter_new_of(const ConverterClass *class_, const ConverterSpec *spec, Converter **ret, Err *e) {
    Props *own = own_props(spec);
    Options *o = NULL;
    TextList warnings = {0};
    Converter *c = NULL;
    Str property = property_of(spec);
    bool ok = options_parse(class_->options, class_->option_count, own, &o, e);
    const TextList *noted = options_warnings(o);
    for (size_t i = 0; ok && i < noted->count; i++)
        textlist_printf(&warnings, STR_FMT ": %s", STR_ARG(property), noted->items[i]);
    ok = ok && class_->make(spec, o, &warnings, &c, e);
    props_free(own);
    if (!ok) {
        options_free(o);
        textlist_done(&warnings);
        return err_wrap(e, STR_FMT, STR_ARG(property));
    }
    c->class_ = class_;
    c->options = o;
    c->warnings = warnings;
    *ret = c;
    return true;
}

bool converter_ask(Converter *c, Buf *out, Err *e) {
    return !c->class_->ask || c->class_->ask(c, out, e);
}

Converter *converter_free(Converter *c) {
    if (!c) return NULL;
    Options *o = c->options;
    textlist_done(&c->warnings);
    c->class_->free(c);
    options_free(o);
    return NULL;
}

const TextList *converter_warnings(const Converter *c) {
    return &c->warnings;
}

const char *converter_foreign_header(const Converter *c) {
    return c->foreign_header;
}

bool converter_encode(Converter *c, Str topic, const ConnectSchema *schema, const Value *v, Buf *out,
                      bool *ret_is_null, Err *e) {
    size_t before = out->n;
    if (c->class_->encode(c, topic, schema, v, out, ret_is_null, e)) return true;
    out->n = before;
    return false;
}

bool converter_decode(Converter *c, Str topic, Str bytes, RecordBatch *into, const ConnectSchema **ret_schema,
                      Value *ret, Err *e) {
    return c->class_->decode(c, topic, bytes, into, ret_schema, ret, e);
}
