/*
 * token.h - the answer as a token stream ([MS-TDS] 2.2.7): an Out that writes into a connection's packets.
 * The connection's thread only.
 *
 * Which DONE is the last of a message is known only when the next token comes or the request ends: one DONE
 * is held back until then.
 */
#ifndef STANDIN_TDS_TOKEN_H
#define STANDIN_TDS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/exec/out.h"
#include "standin/tds/packet.h"

typedef struct TokenOut TokenOut;

/* io is borrowed; server_name, too: it stands in every message. */
TokenOut *token_new(PacketIo *io, const char *server_name);
TokenOut *token_free(TokenOut *t);
Out *token_out(TokenOut *t);

/* Fault: strike is called within the answer being written, once it has more whole rows than `rows`, or as
 * many bytes as `bytes`; at: the byte where (of the message's body, within the row). False: the answer ends
 * there. */
typedef struct TokenTrap {
    uint64_t rows, bytes; /* UINT64_MAX: doesn't matter */
    bool (*strike)(void *arg, uint64_t at);
    void *arg;
} TokenTrap;
void token_set_trap(TokenOut *t, const TokenTrap *trap); /* NULL: none; until the answer ends */

/* A request's answer begins; is_rpc: statements end in DONEINPROC. */
void token_begin(TokenOut *t, bool is_rpc);
/* A procedure call of an RPC has ended: DONEPROC. */
void token_end_procedure(TokenOut *t);
/* The answer's end: the last DONE, everything sent. False: the client is gone. */
bool token_end(TokenOut *t);
/* A message that acknowledges an attention, after the answer that it broke off, if there is one: DONE with
 * the attention bit. */
bool token_end_attention(TokenOut *t);
/* The answer to a message that the client gave up while sending it (status bit ignore): DONE with the error
 * bit, [MS-TDS] 2.2.1.7. */
bool token_end_ignored(TokenOut *t);

/* Login and connection: ENVCHANGE 4, 7, 18; LOGINACK; FEATUREEXTACK of UTF8_SUPPORT. */
void token_packet_size(TokenOut *t, uint32_t now, uint32_t before);
void token_collation(TokenOut *t, uint16_t collation);
void token_reset_done(TokenOut *t);
void token_login_ack(TokenOut *t, uint32_t tds_version, uint32_t server_version);
void token_utf8_ack(TokenOut *t);
/* A message of the protocol layer's own; a class above 10 is followed by a failed DONE. */
void token_message(TokenOut *t, int32_t number, uint8_t class_, uint8_t state, const char *text);

#endif
