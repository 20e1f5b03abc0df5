/* Trunkline link client: WebSocket, MessagePack frames (spec/link.md).
 *
 * Lives here: hello, message.send, replies, entry pushes, heartbeats. Does not: keep positions or resume; a lost
 * connection ends the run.
 */
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "mpack.h"
#include "room.h"
#include "workload.h"
#include "ws.h"

enum { STEP_UPGRADE, STEP_HELLO, STEP_DONE };
enum { FRAME_REQUEST = 1, FRAME_OK = 2, FRAME_ERROR = 3, FRAME_PUSH = 4 };
enum { HELLO_ID = 1, FIRST_SEND_ID = 2 };
/* Above every send's number. */
static const uint64_t JOIN_ID = UINT64_C(1) << 40, ENTRIES_ID = JOIN_ID + 1;
enum { MAX_FRAME = BODY_MAX + 9216 };

static void link_open(struct engine *e, struct session *s)
{
    s->step = STEP_UPGRADE;
    ws_put_request(&s->conn.out, "/v1/link", "trunkline.v1.msgpack", e->options->port);
}

static struct mpack_writer new_request(uint8_t *room, uint64_t id, const char *method, uint32_t params)
{
    struct mpack_writer w = {room, 0, MAX_FRAME};
    mpack_put_array(&w, 4);
    mpack_put_uint(&w, FRAME_REQUEST);
    mpack_put_uint(&w, id);
    mpack_put_str(&w, method);
    mpack_put_map(&w, params);
    return w;
}

static void put_hello(struct engine *e, struct session *s)
{
    static uint8_t room[MAX_FRAME];
    char outbox[64];
    snprintf(outbox, sizeof outbox, "bench-%.32s-%u", e->options->run_tag, s->index);
    struct mpack_writer w = new_request(room, HELLO_ID, "hello", 4);
    mpack_put_str(&w, "token");
    mpack_put_str(&w, e->tokens[s->index]);
    mpack_put_str(&w, "device");
    mpack_put_str(&w, "d1");
    mpack_put_str(&w, "outbox");
    mpack_put_str(&w, outbox);
    mpack_put_str(&w, "features");
    mpack_put_array(&w, 0);
    ws_put_frame(&s->conn.out, WS_BINARY, w.data, w.len);
}

static void put_join(struct engine *e, struct session *s)
{
    uint8_t room[256];
    struct mpack_writer w = {room, 0, sizeof room};
    mpack_put_array(&w, 4);
    mpack_put_uint(&w, FRAME_REQUEST);
    mpack_put_uint(&w, JOIN_ID);
    mpack_put_str(&w, "room.join");
    mpack_put_map(&w, 1);
    mpack_put_str(&w, "conversation");
    mpack_put_str(&w, e->options->conversation);
    ws_put_frame(&s->conn.out, WS_BINARY, w.data, w.len);
}

void room_ask_entries(struct engine *e, struct session *s, uint64_t after)
{
    static uint8_t room[MAX_FRAME];
    struct mpack_writer w = new_request(room, ENTRIES_ID, "room.entries", 3);
    mpack_put_str(&w, "conversation");
    mpack_put_str(&w, e->options->conversation);
    mpack_put_str(&w, "after");
    mpack_put_uint(&w, after);
    mpack_put_str(&w, "limit");
    mpack_put_uint(&w, 500);
    ws_put_frame(&s->conn.out, WS_BINARY, w.data, w.len);
    net_mark(&e->net, &s->conn);
}

/* A message in a room: a reliable one has an id, so that it could be repeated. */
static void send_in_room(struct engine *e, struct session *s, const struct outgoing *m)
{
    static uint8_t room[MAX_FRAME];
    bool reliable = m->to == TO_ROOM;
    struct mpack_writer w = new_request(room, FIRST_SEND_ID + (uint64_t)m->number, "room.send", reliable ? 5 : 3);
    mpack_put_str(&w, "conversation");
    mpack_put_str(&w, e->options->conversation);
    mpack_put_str(&w, "type");
    mpack_put_str(&w, reliable ? "x.say" : "x.chat");
    mpack_put_str(&w, "content");
    mpack_put_map(&w, 1);
    mpack_put_str(&w, "text");
    mpack_put_str_n(&w, m->body, m->len);
    if (reliable) {
        char outbox[64];
        snprintf(outbox, sizeof outbox, "bench-%.32s-%u", e->options->run_tag, s->index);
        mpack_put_str(&w, "outbox");
        mpack_put_str(&w, outbox);
        mpack_put_str(&w, "n");
        mpack_put_uint(&w, (uint64_t)m->number + 1);
    }
    ws_put_frame(&s->conn.out, WS_BINARY, w.data, w.len);
}

static void link_send(struct engine *e, struct session *s, const struct outgoing *m)
{
    static uint8_t room[MAX_FRAME];
    if (e->options->workload == WORKLOAD_ROOM) {
        send_in_room(e, s, m);
        return;
    }
    struct mpack_writer w = new_request(room, FIRST_SEND_ID + (uint64_t)m->number, "message.send", 4);
    if (m->to == TO_ROOM) {
        mpack_put_str(&w, "conversation");
        mpack_put_str(&w, e->options->conversation);
    } else {
        char party[32];
        snprintf(party, sizeof party, "user/u%u", m->to);
        mpack_put_str(&w, "to");
        mpack_put_str(&w, party);
    }
    mpack_put_str(&w, "type");
    mpack_put_str(&w, "text");
    mpack_put_str(&w, "content");
    mpack_put_map(&w, 1);
    mpack_put_str(&w, "text");
    mpack_put_str_n(&w, m->body, m->len);
    mpack_put_str(&w, "n");
    mpack_put_uint(&w, (uint64_t)m->number + 1);
    ws_put_frame(&s->conn.out, WS_BINARY, w.data, w.len);
}

static void take_error(struct engine *e, struct session *s, uint64_t id, struct mpack_reader *r)
{
    struct mpack_reader body = *r;
    struct mpack_text why = {"?", 1};
    if (mpack_find(&body, "message"))
        why = mpack_take_str(&body);
    if (id < FIRST_SEND_ID || id >= JOIN_ID)
        fail("hello or join of session %u refused: %.*s", s->index, (int)why.len, why.data);
    e->workload->refused(e, s, (uint32_t)(id - FIRST_SEND_ID), why.data, why.len);
}

static void take_push(struct engine *e, struct session *s, struct mpack_reader *r, const uint8_t *data, size_t len)
{
    struct mpack_text event = mpack_take_str(r);
    if (mpack_text_is(event, "room")) {
        ROOM_EARS.batch(e, s, data, len, r);
        return;
    }
    if (mpack_text_is(event, "lagged"))
        fail("the server dropped pushes of session %u (lagged): the run is void", s->index);
    if (!mpack_text_is(event, "entry") || !mpack_find(r, "content") || !mpack_find(r, "text"))
        return;
    struct mpack_text text = mpack_take_str(r);
    if (!r->bad)
        e->workload->delivered(e, s, text.data, text.len);
}

static void take_frame(struct engine *e, struct session *s, const uint8_t *data, size_t len)
{
    struct mpack_reader r = {data, data + len, false};
    mpack_take_array(&r);
    uint64_t kind = mpack_take_uint(&r);
    if (kind == FRAME_PUSH) {
        take_push(e, s, &r, data, len);
        return;
    }
    uint64_t id = mpack_take_uint(&r);
    if (r.bad)
        fail("session %u got a frame that is not understood", s->index);
    if (kind == FRAME_ERROR) {
        take_error(e, s, id, &r);
    } else if (kind == FRAME_OK && id == JOIN_ID) {
        if (!mpack_find(&r, "room") || !mpack_find(&r, "seq"))
            fail("session %u joined a room without a seq", s->index);
        ROOM_EARS.joined(e, s, mpack_take_uint(&r));
    } else if (kind == FRAME_OK && id == ENTRIES_ID) {
        ROOM_EARS.entries(e, s, &r);
    } else if (kind == FRAME_OK && id >= FIRST_SEND_ID) {
        e->workload->acked(e, s, (uint32_t)(id - FIRST_SEND_ID));
    } else if (kind == FRAME_OK) {
        s->step = STEP_DONE;
        if (e->options->workload == WORKLOAD_ROOM) {
            put_join(e, s);
            net_mark(&e->net, &s->conn);
        } else {
            engine_ready(e, s);
        }
    }
}

static size_t take_upgrade(struct engine *e, struct session *s, const uint8_t *data, size_t len)
{
    bool accepted = false;
    size_t used = ws_take_response(data, len, &accepted);
    if (used && !accepted)
        fail("no WebSocket for session %u: %.*s", s->index, (int)(used < 400 ? used : 400), (const char *)data);
    if (used) {
        s->step = STEP_HELLO;
        put_hello(e, s);
    }
    return used;
}

static size_t link_feed(struct engine *e, struct session *s, const uint8_t *data, size_t len)
{
    if (s->step == STEP_UPGRADE)
        return take_upgrade(e, s, data, len);
    struct ws_frame frame;
    size_t used = ws_take_frame(data, len, &frame);
    if (!used)
        return 0;
    if (frame.opcode == WS_BINARY)
        take_frame(e, s, frame.payload, frame.len);
    else if (frame.opcode == WS_PING)
        ws_put_frame(&s->conn.out, WS_PONG, frame.payload, frame.len);
    else if (frame.opcode == WS_CLOSE)
        fail("session %u was closed with code %d", s->index,
             frame.len < 2 ? 0 : frame.payload[0] << 8 | frame.payload[1]);
    return used;
}

const struct protocol PROTOCOL_LINK = {"link", true, link_open, link_feed, link_send};
