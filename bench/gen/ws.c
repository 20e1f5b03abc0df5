#define _GNU_SOURCE
#include "ws.h"

#include <stdio.h>
#include <string.h>

enum { MAX_HEADER = 14 };

void ws_put_request(struct buffer *out, const char *path, const char *subprotocol, uint16_t port)
{
    char head[512];
    int n = snprintf(head, sizeof head,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dHJ1bmtsaW5lIGJlbmNoIQ==\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Protocol: %s\r\n\r\n",
                     path, port, subprotocol);
    buffer_append(out, head, (size_t)n);
}

size_t ws_take_response(const uint8_t *data, size_t len, bool *accepted)
{
    const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
    if (!end)
        return 0;
    *accepted = len > 12 && memcmp(data, "HTTP/1.1 101", 12) == 0;
    return (size_t)(end - data) + 4;
}

/* A mask that changes per frame, so that the server cannot skip unmasking. Its quality does not matter here. */
static uint32_t next_mask(void)
{
    static uint32_t state = 0x9e3779b9;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static size_t put_header(uint8_t *head, enum ws_opcode opcode, size_t len)
{
    size_t n = 0;
    head[n++] = (uint8_t)(0x80 | opcode);
    if (len < 126) {
        head[n++] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        head[n++] = 0x80 | 126;
        head[n++] = (uint8_t)(len >> 8);
        head[n++] = (uint8_t)len;
    } else {
        head[n++] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            head[n++] = (uint8_t)((uint64_t)len >> shift);
    }
    return n;
}

static void copy_masked(uint8_t *to, const uint8_t *from, size_t len, uint32_t mask)
{
    uint64_t wide = (uint64_t)mask << 32 | mask;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, from + i, 8);
        word ^= wide;
        memcpy(to + i, &word, 8);
    }
    uint8_t key[4];
    memcpy(key, &mask, 4);
    for (; i < len; i++)
        to[i] = from[i] ^ key[i & 3];
}

void ws_put_frame(struct buffer *out, enum ws_opcode opcode, const uint8_t *payload, size_t len)
{
    uint8_t *at = buffer_reserve(out, len + MAX_HEADER);
    size_t n = put_header(at, opcode, len);
    uint32_t mask = next_mask();
    memcpy(at + n, &mask, 4);
    copy_masked(at + n + 4, payload, len, mask);
    out->len += n + 4 + len;
}

size_t ws_take_frame(const uint8_t *data, size_t len, struct ws_frame *frame)
{
    if (len < 2)
        return 0;
    if (data[1] & 0x80)
        fail("the server masked a frame");
    size_t header = 2, size = data[1] & 127;
    if (size >= 126) {
        int bytes = size == 126 ? 2 : 8;
        header += (size_t)bytes;
        if (len < header)
            return 0;
        size = 0;
        for (int i = 0; i < bytes; i++)
            size = size << 8 | data[2 + i];
    }
    if (len < header + size)
        return 0;
    frame->opcode = data[0] & 15;
    frame->payload = data + header;
    frame->len = size;
    return header + size;
}
