/* NATS core client: every session subscribes to "room" (room), or to its own subject.
 *
 * Lives here: INFO, CONNECT, SUB, PUB, MSG, PING. Does not: headers, JetStream. Nothing is acknowledged.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum { MAX_LINE = 65536 };

static void nats_open(struct engine *e, struct session *s)
{
    static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
    (void)e;
    buffer_append(&s->conn.out, hello, sizeof hello - 1);
    static const char subscribe[] = "SUB room 1\r\nPING\r\n";
    buffer_append(&s->conn.out, subscribe, sizeof subscribe - 1);
}

static void nats_send(struct engine *e, struct session *s, const struct outgoing *m)
{
    (void)e;
    char head[64];
    int len = snprintf(head, sizeof head, "PUB room %zu\r\n", m->len);
    buffer_append(&s->conn.out, head, (size_t)len);
    buffer_append(&s->conn.out, m->body, m->len);
    buffer_append(&s->conn.out, "\r\n", 2);
}

static size_t nats_feed(struct engine *e, struct session *s, const uint8_t *data, size_t len)
{
    const uint8_t *end = memmem(data, len < MAX_LINE ? len : MAX_LINE, "\r\n", 2);
    if (!end)
        return 0;
    size_t line = (size_t)(end - data), used = line + 2;
    if (line > 4 && memcmp(data, "MSG ", 4) == 0) {
        const uint8_t *last = memrchr(data, ' ', line);
        size_t size = strtoul((const char *)last + 1, NULL, 10);
        if (len < used + size + 2)
            return 0;
        e->workload->delivered(e, s, (const char *)data + used, size);
        return used + size + 2;
    }
    if (line == 4 && memcmp(data, "PING", 4) == 0)
        buffer_append(&s->conn.out, "PONG\r\n", 6);
    else if (line == 4 && memcmp(data, "PONG", 4) == 0 && !s->ready)
        engine_ready(e, s);
    else if (line >= 4 && memcmp(data, "-ERR", 4) == 0)
        fail("session %u: %.*s", s->index, (int)line, (const char *)data);
    return used;
}

const struct protocol PROTOCOL_NATS = {"nats", false, nats_open, nats_feed, nats_send};
