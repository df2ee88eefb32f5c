/*
 * avro_cost.c - what Avro itself costs: CPU seconds per million envelopes of an 11-column table, encoded and
 * decoded by the plans of src/convert, without a registry or a broker.
 *
 *   avro_cost [MILLIONS, 2]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "convert/avro_decode.h"
#include "convert/avro_encode.h"
#include "convert/avro_from_connect.h"
#include "convert/avro_to_connect.h"
#include "record/record.h"

enum { COLUMNS = 11, SOURCE_FIELDS = 14, BATCH = 1000 };

static double cpu_s(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const ConnectSchema *must(const ConnectSchema *spec) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(spec, &s, &e)) {
        (void)fprintf(stderr, "avro_cost: %s\n", e.msg);
        abort();
    }
    return s;
}

static const ConnectSchema *structure(const char *name, const ConnectField *fields, size_t count,
                                      bool is_optional) {
    return must(&(ConnectSchema){.type = CONNECT_STRUCT,
                                 .is_optional = is_optional,
                                 .name = str_from(name),
                                 .fields = fields,
                                 .field_count = count});
}

static const ConnectSchema *envelope_schema(void) {
    const ConnectSchema *i32 = connect_schema_plain(CONNECT_INT32, false),
                        *i64 = connect_schema_plain(CONNECT_INT64, false),
                        *text = connect_schema_plain(CONNECT_STRING, false),
                        *text_null = connect_schema_plain(CONNECT_STRING, true),
                        *i64_null = connect_schema_plain(CONNECT_INT64, true),
                        *truth = connect_schema_plain(CONNECT_BOOLEAN, false);
    const ConnectSchema *decimal =
        must(&(ConnectSchema){.type = CONNECT_BYTES,
                              .is_optional = true,
                              .name = STR_LIT(CONNECT_DECIMAL),
                              .version = 1,
                              .params = (ConnectParam[]){{STR_LIT("scale"), STR_LIT("2")}},
                              .param_count = 1});
    const ConnectSchema *columns[COLUMNS] = {i32,      text,     text,  text_null, text_null, decimal,
                                             i64_null, i64_null, truth, i32,       text_null};
    ConnectField row[COLUMNS], source[SOURCE_FIELDS];
    char names[COLUMNS][8], source_names[SOURCE_FIELDS][8];
    for (int i = 0; i < COLUMNS; i++) {
        (void)snprintf(names[i], sizeof names[i], "c%d", i);
        row[i] = (ConnectField){str_from(names[i]), columns[i]};
    }
    for (int i = 0; i < SOURCE_FIELDS; i++) {
        (void)snprintf(source_names[i], sizeof source_names[i], "s%d", i);
        source[i] = (ConnectField){str_from(source_names[i]), i == 3                       ? i64
                                                              : i < 6 || i == 9 || i == 10 ? text
                                                              : i > 10                     ? text_null
                                                                                           : i64_null};
    }
    const ConnectSchema *value = structure("a.Value", row, COLUMNS, true),
                        *from = structure("a.Source", source, SOURCE_FIELDS, false);
    const ConnectField fields[] = {{STR_LIT("before"), value},   {STR_LIT("after"), value},
                                   {STR_LIT("source"), from},    {STR_LIT("op"), text},
                                   {STR_LIT("ts_ms"), i64_null}, {STR_LIT("ts_us"), i64_null},
                                   {STR_LIT("ts_ns"), i64_null}};
    return structure("a.Envelope", fields, sizeof fields / sizeof *fields, false);
}

static Value text_value(const char *s) {
    return value_bytes(s, (uint32_t)strlen(s));
}

static void fill(Value *fields, Value *row, Value *source) {
    row[0] = value_int(123456);
    row[1] = text_value("Maximilian");
    row[2] = text_value("Mustermann");
    row[3] = text_value("maximilian.mustermann@example.com");
    row[4] = text_value("1 Long Street, Some Town");
    row[5] = value_bytes("\x01\xe2\x40", 3);
    row[6] = row[7] = value_int(1767225600000000000);
    row[8] = value_int(1);
    row[9] = value_int(42);
    row[10] = value_null();
    static const char *const texts[] = {"2.7-millrace-0.1.0",
                                        "sqlserver",
                                        "server",
                                        NULL,
                                        "false",
                                        "Shop",
                                        NULL,
                                        NULL,
                                        NULL,
                                        "dbo",
                                        "customers",
                                        "00000027:00000758:0003",
                                        "00000027:00000758:0005",
                                        NULL};
    for (size_t i = 0; i < SOURCE_FIELDS; i++) source[i] = texts[i] ? text_value(texts[i]) : value_null();
    source[3] = source[7] = source[8] = value_int(1767225600000000);
    fields[0] = value_null();
    fields[1] = record_struct(row, COLUMNS);
    fields[2] = record_struct(source, SOURCE_FIELDS);
    fields[3] = text_value("c");
    fields[4] = fields[5] = fields[6] = value_int(1767225600000000);
}

static void report(const char *what, double seconds, size_t records, size_t bytes) {
    (void)printf("%s cpu_s_per_million=%.3f bytes=%zu\n", what, seconds * 1e6 / (double)records, bytes);
}

int main(int argc, char **argv) {
    size_t records = (argc > 1 ? strtoul(argv[1], NULL, 10) : 2) * 1000000;
    const ConnectSchema *s = envelope_schema();
    Value fields[7], row[COLUMNS], source[SOURCE_FIELDS];
    fill(fields, row, source);
    Value v = record_struct(fields, 7), got;
    Buf json = {0}, out = {0};
    AvroSchema *avro = NULL;
    AvroEncoder *encoder = NULL;
    AvroDecoder *decoder = NULL;
    Err e = {0};
    Arena a = {0};
    bool ok = avro_from_connect(s, true, &json, &e);
    Str text = buf_view(&json);
    ok = ok && avro_type_parse(&text, 1, &avro, &e) && avro_encode_plan(s, avro, false, &encoder, &e) &&
         avro_decode_plan(avro, &decoder, &e);
    double start = cpu_s();
    for (size_t i = 0; ok && i < records; i++) {
        buf_clear(&out);
        ok = avro_encode(encoder, &v, &out, &e);
    }
    report("encode", cpu_s() - start, records, out.n);
    start = cpu_s();
    for (size_t i = 0; ok && i < records; i++) {
        if (i % BATCH == 0) arena_clear(&a);
        ok = avro_decode(decoder, buf_view(&out), &a, &got, &e);
    }
    report("decode", cpu_s() - start, records, out.n);
    ok = ok && connect_value_equal(s, &v, &got);
    if (!ok) (void)fprintf(stderr, "avro_cost: %s\n", e.msg[0] ? e.msg : "another value came back");
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
