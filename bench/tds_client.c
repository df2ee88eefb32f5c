/*
 * tds_client.c - a TDS client that costs next to nothing, to measure a server by: it loads rows made in
 * memory by INSERT BULK, and reads answers without decoding them. One connection, no encryption, 127.0.0.1.
 *
 *   tds_client --port N [--database D] [--packet-bytes N] load TABLE FIRST COUNT   8-column rows, keys FIRST
 * … tds_client …                                          read SQL                 prints the rows of the
 * last DONE
 *
 * The table has the bench's shape: bigint key, nvarchar(60), nvarchar(40), decimal(12,2), decimal(19,4),
 * datetime2(7), bit, uniqueidentifier. The password of sa is taken from $STANDIN_PASSWORD.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { HEADER_BYTES = 8, STATUS_END = 1, TAIL_BYTES = 13, HEAD_BYTES = 4096, IN_BYTES = 256 * 1024 };
enum { TYPE_BATCH = 1, TYPE_BULK = 7, TYPE_LOGIN = 16, TYPE_PRELOGIN = 18 };
enum { TOKEN_COLMETADATA = 0x81, TOKEN_ERROR = 0xaa, TOKEN_ROW = 0xd1, TOKEN_DONE = 0xfd };

static const uint8_t collation[5] = {0x09, 0x04, 0xd0, 0x00, 0x34}; /* SQL_Latin1_General_CP1_CI_AS */

typedef struct Client {
    int fd;
    size_t packet_bytes;
    uint8_t number;
    Buf out;                  /* of the message being written */
    uint8_t head[HEAD_BYTES]; /* of the answer */
    size_t head_n;
    uint8_t tail[TAIL_BYTES]; /* of the answer: its last DONE */
    uint64_t answer_bytes;
} Client;

static void die(const char *what, const char *why) {
    (void)fprintf(stderr, "tds_client: %s: %s\n", what, why);
    _exit(1); /* a measuring program has no one to report to */
}

/* ---- packets ---- */

static void send_packet(Client *c, uint8_t type, const uint8_t *body, size_t n, bool is_last) {
    uint8_t packet[32768];
    size_t length = n + HEADER_BYTES;
    uint8_t header[HEADER_BYTES] = {
        type, is_last ? STATUS_END : 0, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, c->number++, 0};
    memcpy(packet, header, HEADER_BYTES);
    memcpy(packet + HEADER_BYTES, body, n);
    for (size_t done = 0; done < length;) {
        ssize_t sent = send(c->fd, packet + done, length - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) die("send", strerror(errno));
        done += (size_t)sent;
    }
}

/* Whole packets of what is in `out`; with is_last all of it. */
static void flush(Client *c, uint8_t type, bool is_last) {
    size_t room = c->packet_bytes - HEADER_BYTES, at = 0;
    for (; c->out.n - at > room; at += room) send_packet(c, type, c->out.p + at, room, false);
    if (is_last) {
        send_packet(c, type, c->out.p + at, c->out.n - at, true);
        c->number = 1;
        buf_clear(&c->out);
    } else if (at) {
        memmove(c->out.p, c->out.p + at, c->out.n - at);
        c->out.n -= at;
    }
}

static void keep(Client *c, const uint8_t *p, size_t n) {
    size_t room = HEAD_BYTES - c->head_n, first = n < room ? n : room;
    memcpy(c->head + c->head_n, p, first);
    c->head_n += first;
    c->answer_bytes += n;
    if (n >= TAIL_BYTES) {
        memcpy(c->tail, p + n - TAIL_BYTES, TAIL_BYTES);
    } else {
        memmove(c->tail, c->tail + n, TAIL_BYTES - n);
        memcpy(c->tail + TAIL_BYTES - n, p, n);
    }
}

/* Read an answer to its end. */
static void drain(Client *c) {
    static uint8_t in[IN_BYTES];
    size_t have = 0;
    bool is_end = false;
    c->head_n = c->answer_bytes = 0;
    while (!is_end) {
        ssize_t n = recv(c->fd, in + have, sizeof in - have, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) die("receive", n ? strerror(errno) : "the server hung up");
        have += (size_t)n;
        size_t at = 0;
        while (have - at >= HEADER_BYTES && !is_end) {
            size_t length = (size_t)(in[at + 2] << 8 | in[at + 3]);
            if (length < HEADER_BYTES) die("receive", "not a TDS packet");
            if (have - at < length) break;
            keep(c, in + at + HEADER_BYTES, length - HEADER_BYTES);
            is_end = (in[at + 1] & STATUS_END) != 0;
            at += length;
        }
        memmove(in, in + at, have - at);
        have -= at;
    }
}

/* The error that an answer begins with ends the program. */
static void check(const Client *c, const char *what) {
    enum { TEXT_AT = 11 };
    if (c->head_n < TEXT_AT || c->head[0] != TOKEN_ERROR) return;
    char text[512];
    size_t units = c->head[9] | (size_t)c->head[10] << 8, n = 0;
    for (size_t i = 0; i < units && n + 1 < sizeof text && TEXT_AT + 2 * i < c->head_n; i++)
        text[n++] = (char)c->head[TEXT_AT + 2 * i];
    text[n] = '\0';
    die(what, text);
}

static uint64_t done_rows(const Client *c) {
    uint64_t rows = 0;
    for (int i = 7; i >= 0; i--) rows = rows << 8 | c->tail[5 + i];
    return c->tail[0] == TOKEN_DONE ? rows : 0;
}

/* ---- login ---- */

static void add_utf16(Buf *b, const char *ascii) {
    for (; *ascii; ascii++) buf_le16(b, (uint16_t)(uint8_t)*ascii);
}

static void prelogin(Client *c) {
    static const uint8_t body[] = {0, 0,    11, 0, 6, 1, 0, 17, 0,
                                   1, 0xff, 0,  0, 0, 0, 0, 0,  /* no encryption */ 2};
    send_packet(c, TYPE_PRELOGIN, body, sizeof body, true);
    c->number = 1;
    drain(c);
}

static void login(Client *c, const char *database, const char *password) {
    enum {
        FIXED_BYTES = 94,
        FIELDS = 9,
        FIELD_USER = 1,
        FIELD_PASSWORD = 2,
        FIELD_APP = 3,
        FIELD_DATABASE = 8
    };
    const char *texts[FIELDS] = {"bench", "sa", password, "bench", "127.0.0.1", "", "bench", "", database};
    Buf data = {0}, b = {0};
    uint16_t at[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        at[i] = (uint16_t)(FIXED_BYTES + data.n);
        size_t start = data.n;
        add_utf16(&data, texts[i]);
        for (size_t k = start; i == FIELD_PASSWORD && k < data.n; k++)
            data.p[k] = (uint8_t)((data.p[k] << 4 | data.p[k] >> 4) ^ 0xa5);
    }
    uint32_t head[] = {(uint32_t)(FIXED_BYTES + data.n), 0x74000004, (uint32_t)c->packet_bytes, 0, 0, 0};
    for (size_t i = 0; i < 6; i++) buf_le32(&b, head[i]);
    buf_le32(&b, 0x000003e0); /* option flags: USE DB, warnings off */
    buf_le32(&b, 0);          /* time zone */
    buf_le32(&b, 0x0409);
    for (int i = 0; i < FIELDS; i++) {
        buf_le16(&b, at[i]);
        buf_le16(&b, (uint16_t)strlen(texts[i]));
    }
    static const uint8_t client_id[6] = {2, 0, 0, 0, 0, 1};
    buf_add(&b, client_id, sizeof client_id);
    for (int i = 0; i < 3; i++)
        buf_le32(&b, (uint32_t)(FIXED_BYTES + data.n)); /* SSPI, file, new password: none */
    buf_le32(&b, 0);
    buf_add(&b, data.p, data.n);
    send_packet(c, TYPE_LOGIN, b.p, b.n, true);
    c->number = 1;
    drain(c);
    check(c, "login");
    buf_done(&data);
    buf_done(&b);
}

static void dial(Client *c, uint16_t port) {
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect", strerror(errno));
    c->number = 1;
}

/* ---- requests ---- */

static void batch(Client *c, const char *sql) {
    static const uint8_t headers[] = {22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0};
    buf_add(&c->out, headers, sizeof headers);
    add_utf16(&c->out, sql);
    flush(c, TYPE_BATCH, true);
    drain(c);
    check(c, sql);
}

typedef struct LoadColumn {
    const char *name, *type;
    uint8_t info[9]; /* TYPE_INFO */
    uint8_t info_bytes;
} LoadColumn;

static const LoadColumn columns[] = {
    {"id", "bigint", {0x7f}, 1},
    {"name", "nvarchar(60)", {0xe7, 120, 0}, 3},
    {"city", "nvarchar(40)", {0xe7, 80, 0}, 3},
    {"price", "decimal(12,2)", {0x6a, 9, 12, 2}, 4},
    {"amount", "decimal(19,4)", {0x6a, 9, 19, 4}, 4},
    {"changed_at", "datetime2(7)", {0x2a, 7}, 2},
    {"is_active", "bit", {0x68, 1}, 2},
    {"code", "uniqueidentifier", {0x24, 16}, 2},
};
enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

static void put_columns(Buf *b) {
    buf_u8(b, TOKEN_COLMETADATA);
    buf_le16(b, COLUMN_COUNT);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        const LoadColumn *k = &columns[i];
        buf_le32(b, 0);
        buf_le16(b, i ? 1 : 0); /* nullable */
        buf_add(b, k->info, k->info_bytes);
        if (k->info[0] == 0xe7) buf_add(b, collation, sizeof collation);
        buf_u8(b, (uint8_t)strlen(k->name));
        add_utf16(b, k->name);
    }
}

static void put_text(Buf *b, const char *text, uint64_t n) {
    char whole[64];
    int length = snprintf(whole, sizeof whole, "%s %" PRIu64, text, n);
    buf_le16(b, (uint16_t)(2 * length));
    add_utf16(b, whole);
}

static void put_decimal(Buf *b, uint64_t n) {
    buf_u8(b, 9);
    buf_u8(b, 1); /* positive */
    buf_le64(b, n);
}

static void put_row(Buf *b, uint64_t id) {
    uint64_t mixed = id * 0x9e3779b97f4a7c15u;
    uint64_t ticks = mixed % 864000000000u;
    uint32_t day = 737000 + (uint32_t)(id % 3000);
    buf_u8(b, TOKEN_ROW);
    buf_le64(b, id);
    put_text(b, "customer", id);
    put_text(b, "city", mixed % 5000);
    put_decimal(b, mixed % 10000000);
    put_decimal(b, mixed % 100000000000);
    buf_u8(b, 8);
    for (int i = 0; i < 5; i++) buf_u8(b, (uint8_t)(ticks >> (8 * i)));
    for (int i = 0; i < 3; i++) buf_u8(b, (uint8_t)(day >> (8 * i)));
    buf_u8(b, 1);
    buf_u8(b, (uint8_t)(id & 1));
    buf_u8(b, 16);
    buf_le64(b, mixed);
    buf_le64(b, id);
}

static void load(Client *c, const char *table, uint64_t first, uint64_t count) {
    Buf sql = {0};
    buf_printf(&sql, "INSERT BULK %s (", table);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        buf_printf(&sql, "%s[%s] %s", i ? ", " : "", columns[i].name, columns[i].type);
    buf_cstr(&sql, ") WITH (TABLOCK)");
    batch(c, buf_text(&sql));
    buf_done(&sql);
    put_columns(&c->out);
    for (uint64_t i = 0; i < count; i++) {
        put_row(&c->out, first + i);
        if (c->out.n > 16 * c->packet_bytes) flush(c, TYPE_BULK, false);
    }
    static const uint8_t done[13] = {TOKEN_DONE};
    buf_add(&c->out, done, sizeof done);
    flush(c, TYPE_BULK, true);
    drain(c);
    check(c, "load");
}

/* Statements at a steady rate; one that is late doesn't hold up the next ones' times. */
static void beat(Client *c, uint64_t rate, uint64_t seconds, uint64_t keys, const char *text) {
    Buf sql = {0};
    int64_t begin_us = clock_mono_us();
    for (uint64_t i = 0; i < rate * seconds; i++) {
        buf_clear(&sql);
        buf_printf(&sql, "DECLARE @n int = %" PRIu64 "; %s", 1 + i % keys, text);
        batch(c, buf_text(&sql));
        int64_t left_us = begin_us + (int64_t)((i + 1) * 1000000 / rate) - clock_mono_us();
        if (left_us > 0) (void)usleep((useconds_t)left_us);
    }
    printf("seconds=%.3f\n", (double)(clock_mono_us() - begin_us) / 1e6);
    buf_done(&sql);
}

static _Noreturn void usage(void) {
    (void)fprintf(stderr, "usage: tds_client --port N [--database D] [--packet-bytes N] load TABLE FIRST "
                          "COUNT | read SQL | beat RATE "
                          "SECONDS KEYS SQL\n");
    _exit(2);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"database", required_argument, NULL, 'd'},
                                            {"packet-bytes", required_argument, NULL, 's'},
                                            {0}};
    Client c = {.packet_bytes = 4096};
    const char *database = "master", *password = getenv("STANDIN_PASSWORD");
    unsigned long port = 0;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'p') port = strtoul(optarg, NULL, 10);
        else if (o == 'd') database = optarg;
        else if (o == 's') c.packet_bytes = strtoul(optarg, NULL, 10);
        else usage();
    }
    argc -= optind;
    argv += optind;
    bool is_load = argc == 4 && strcmp(argv[0], "load") == 0,
         is_read = argc == 2 && strcmp(argv[0], "read") == 0,
         is_beat = argc == 5 && strcmp(argv[0], "beat") == 0 && strtoull(argv[1], NULL, 10) &&
                   strtoull(argv[3], NULL, 10);
    if (port == 0 || port > UINT16_MAX || c.packet_bytes < 512 || c.packet_bytes > 32767 ||
        !(is_load || is_read || is_beat))
        usage();
    dial(&c, (uint16_t)port);
    prelogin(&c);
    login(&c, database, password ? password : "");
    if (is_load) load(&c, argv[1], strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    else if (is_beat)
        beat(&c, strtoull(argv[1], NULL, 10), strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10),
             argv[4]);
    else batch(&c, argv[1]);
    if (!is_beat) printf("rows=%" PRIu64 " bytes=%" PRIu64 "\n", done_rows(&c), c.answer_bytes);
    (void)close(c.fd);
    buf_done(&c.out);
    return 0;
}
