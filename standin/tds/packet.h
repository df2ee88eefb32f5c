/*
 * packet.h - TDS packets over a socket: messages in, messages out ([MS-TDS] 2.2.3). The connection's thread
 * only.
 *
 * TLS lies below (tls.h); a plain connection costs nothing for it.
 *
 * Out: tokens are appended to one growing buffer without thought of packets; headers are put between its
 * pieces when it is sent, many packets in one sendmsg(2). In: one packet at a time, its body borrowed, so
 * that bulk data needs no memory for the whole message.
 */
#ifndef STANDIN_TDS_PACKET_H
#define STANDIN_TDS_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "standin/tds/tls.h"

typedef enum PacketType {
    PACKET_BATCH = 0x01,
    PACKET_RPC = 0x03,
    PACKET_ANSWER = 0x04,
    PACKET_ATTENTION = 0x06,
    PACKET_BULK = 0x07,
    PACKET_TRANSACTION = 0x0e,
    PACKET_LOGIN7 = 0x10,
    PACKET_PRELOGIN = 0x12,
} PacketType;

enum {
    PACKET_STATUS_END = 0x01,
    PACKET_STATUS_IGNORE = 0x02, /* the client gave the message up */
    PACKET_STATUS_RESET = 0x08,
    PACKET_STATUS_RESET_KEEP = 0x10,
    PACKET_HEADER_BYTES = 8,
    PACKET_SIZE_DEFAULT = 4096,
    PACKET_SIZE_MIN = 512,
    PACKET_SIZE_MAX = 32767,
    PACKET_MESSAGE_MAX = 256 * 1024 * 1024, /* bytes of a request that is kept whole */
};

typedef struct Packet {
    uint8_t type, status;
    Str body; /* borrowed until the next packet is read */
} Packet;

typedef struct PacketIo PacketIo;

/* fd stays the caller's. */
PacketIo *packet_new(int fd);
PacketIo *packet_free(PacketIo *io);
/* Packet size of the messages from the next one on; clamped to what the protocol allows, which is returned.
 */
uint32_t packet_set_size(PacketIo *io, uint32_t size);
void packet_set_spid(PacketIo *io, uint16_t spid);

/* The first byte that the client sends, left where it is: 0x16 is a TLS handshake, of TDS 8. Errors: as
 * packet_next. */
MUST_CHECK bool packet_peek(PacketIo *io, uint8_t *ret, Err *e);
/* Shake hands; from here on everything goes through TLS. tls is borrowed. Errors: ERR_IO. */
MUST_CHECK bool packet_start_tls(PacketIo *io, TlsServer *tls, TlsMode mode, Err *e);
/* The whole session stays encrypted. */
void packet_keep_tls(PacketIo *io);
/* Only the login was encrypted: from here on both directions are plain, without any word of TLS's. */
void packet_drop_tls(PacketIo *io);

/* The next packet. Errors: ERR_IO the peer went away (ERR_CANCELLED at a message's border: it hung up in
 * order), ERR_INVALID not TDS. */
MUST_CHECK bool packet_next(PacketIo *io, Packet *ret, Err *e);
/* The whole body of the message that began with first, appended to body; *ret_ignored: the client gave it up.
 * Errors: as above, and ERR_RANGE past max bytes. */
MUST_CHECK bool packet_rest(PacketIo *io, const Packet *first, size_t max, Buf *body, bool *ret_ignored,
                            Err *e);

/* The message being written; append to it. */
Buf *packet_out(PacketIo *io);
/* To be called between tokens: sends full packets once there is enough. False: the client is gone. */
bool packet_flow(PacketIo *io);
/* Bytes of the message's body that are sent. */
uint64_t packet_sent(const PacketIo *io);
/* Sends the full packets there are. False: the client is gone. */
bool packet_push(PacketIo *io);
/* Fault: nothing is sent beyond that byte of the message's body (beyond those sent, if it is one of them),
 * and the connection is closed, within a packet. */
void packet_cut(PacketIo *io, uint64_t at);
/* Send the rest as the message's end. False: the client is gone. */
bool packet_end(PacketIo *io);

/* An attention has come, or the client is gone. Asked while a request runs, as often as one likes: it looks
 * at the socket at most every few milliseconds. */
bool packet_is_interrupted(PacketIo *io);
/* The client is gone; an attention is left for later. */
bool packet_is_gone(PacketIo *io);
/* Take the attention that stands next in the input, if one does. */
bool packet_take_attention(PacketIo *io);

#endif
