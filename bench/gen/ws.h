/* The client side of WebSocket (RFC 6455): handshake, masked frames out, unmasked frames in.
 *
 * Lives here: framing. Does not: know what a message holds.
 */
#ifndef BENCH_WS_H
#define BENCH_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_frame {
    enum ws_opcode opcode;
    const uint8_t *payload;
    size_t len;
};

/* Appends the upgrade request. */
void ws_put_request(struct buffer *out, const char *path, const char *subprotocol, uint16_t port);

/* Bytes taken by the response head, 0 when it is incomplete; *accepted tells whether the answer was 101. */
size_t ws_take_response(const uint8_t *data, size_t len, bool *accepted);

/* Appends one final frame, masked with a fresh key. */
void ws_put_frame(struct buffer *out, enum ws_opcode opcode, const uint8_t *payload, size_t len);

/* Reads one frame. Returns the bytes it takes, 0 when it is incomplete. */
size_t ws_take_frame(const uint8_t *data, size_t len, struct ws_frame *frame);

#endif
