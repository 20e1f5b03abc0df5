/* Sessions and the turn of the loop: what every workload and every protocol share.
 *
 * Lives here: opening sessions, dispatching input, the interface between protocol and workload.
 * Does not: decide when to send (workload_*.c) or how bytes look (mqtt.c, xmpp.c, link.c).
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"
#include "options.h"

/* Who a message is for; a volatile one may be dropped by policy (room). */
enum { TO_ROOM = UINT32_MAX, TO_ROOM_VOLATILE = UINT32_MAX - 1 };

/* One message still under way, remembered by its sender. */
struct slot {
    int64_t due_ns;
    uint32_t number;
    bool used, acked, delivered;
};

struct session {
    struct conn conn;
    uint32_t index;
    bool ready;
    int step;               /* of the protocol's handshake */
    uint32_t next_number;   /* of the next message this session sends; counts from 0 */
    uint32_t under_way;
    uint32_t next_expected; /* pair: number of the peer's next message, to see gaps and repeats */
    struct slot *slots;
};

struct outgoing {
    uint32_t number;
    uint32_t to; /* session index, or TO_ROOM */
    const char *body;
    size_t len;
};

struct engine;

struct protocol {
    const char *name;
    bool acknowledges; /* the server confirms a send to its sender */
    /* Appends the first bytes of a new session to its output. */
    void (*open)(struct engine *e, struct session *s);
    /* Takes whole units from the input; returns how many bytes it used. */
    size_t (*feed)(struct engine *e, struct session *s, const uint8_t *data, size_t len);
    /* Appends one message to the session's output. */
    void (*send)(struct engine *e, struct session *s, const struct outgoing *m);
};

extern const struct protocol PROTOCOL_MQTT, PROTOCOL_XMPP, PROTOCOL_LINK, PROTOCOL_NATS;

/* What a workload wants to hear. */
struct workload {
    void (*acked)(struct engine *e, struct session *s, uint32_t number);
    void (*delivered)(struct engine *e, struct session *s, const char *body, size_t len);
    void (*refused)(struct engine *e, struct session *s, uint32_t number, const char *why, size_t why_len);
};

struct engine {
    struct net net;
    const struct options *options;
    const struct protocol *protocol;
    const struct workload *workload;
    struct session *sessions;
    uint32_t session_count, opened, ready_count;
    char **tokens;
    int64_t now_ns; /* when the input now handled was read */
};

void engine_init(struct engine *e, const struct options *options, uint32_t session_count, const struct workload *w);

/* Opens every session and returns when all are ready. */
void engine_open_all(struct engine *e);

/* Waits up to timeout_ns, handles what came, writes what that caused. Returns the number of events. */
int engine_turn(struct engine *e, int64_t timeout_ns);

/* Called by a protocol when its handshake is complete. */
void engine_ready(struct engine *e, struct session *s);

void engine_send(struct engine *e, struct session *s, const struct outgoing *m);

#endif
