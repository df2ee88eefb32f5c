/*
 * librdkafka tells of a connection in events of its own time; between two tries there is no client at all. So
 * the addresses are tried themselves: what takes a connection is worth a try of the client's.
 */
#include "transport/kafka_reach.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/net.h"
#include "base/str.h"
#include "transport/kafka_option.h"

enum { ALL_MS = 1000, STANDARD_PORT = 9092, SERVERS_SIZE = 4096, HOST_SIZE = 256 };

/* As librdkafka takes it: [protocol://]host[:port], IPv6 in brackets. */
static bool answers(Str server, int timeout_ms) {
    char host[HOST_SIZE];
    int64_t port = STANDARD_PORT;
    Err unused = {0};
    size_t colon = server.n, end = server.n;
    for (size_t i = 0; i + 2 < server.n; i++)
        if (memcmp(server.p + i, "://", 3) == 0) {
            server = (Str){server.p + i + 3, server.n - i - 3};
            colon = end = server.n;
            break;
        }
    for (size_t i = server.n; i-- > 0 && server.p[i] != ']';)
        if (server.p[i] == ':') colon = i;
    if (colon < server.n) {
        const Str digits = {server.p + colon + 1, server.n - colon - 1};
        if (!str_to_i64(digits, 1, UINT16_MAX, &port, &unused)) return true;
        end = colon;
    }
    bool is_bracketed = end >= 2 && server.p[0] == '[' && server.p[end - 1] == ']';
    (void)snprintf(host, sizeof host, STR_FMT,
                   STR_ARG(((Str){server.p + is_bracketed, end - 2 * (size_t)is_bracketed})));
    return net_answers(host, (uint16_t)port, timeout_ms);
}

bool kafka_reach_any(const Options *o, KafkaRole role) {
    char text[SERVERS_SIZE];
    rd_kafka_conf_t *conf = NULL;
    Err unused = {0};
    if (!kafka_option_client(o, role, /* warnings= */ NULL, &conf, &unused)) return true;
    (void)kafka_conf_get(conf, "bootstrap.servers", text, sizeof text);
    rd_kafka_conf_destroy(conf);
    Str rest = str_from(text), one;
    int count = 1;
    for (const char *p = text; *p; p++) count += *p == ',';
    if (rest.n == 0) return true;
    int64_t until_us = clock_mono_us() + ALL_MS * 1000;
    while (str_split(&rest, ',', &one) && clock_mono_us() < until_us)
        if (answers(str_trim(one), ALL_MS / count + 1)) return true;
    return false;
}
