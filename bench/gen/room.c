/* A live room: every session is in it, the first few also speak.
 *
 * Messages are of two kinds: reliable ones (tracked until every session has them) and volatile ones (counted). Open
 * loop: evenly spaced, latency from the due time. Closed loop: W reliable messages are on their way at any time.
 *
 * Trunkline sends every member the same batch. The first copy is parsed and kept; a later copy is compared with it byte
 * by byte, which proves as much as parsing it again and leaves the core to the kernel's copying. Other protocols deliver
 * one body at a time.
 */
#include "room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "meter.h"
#include "mpack.h"
#include "pacer.h"
#include "workload.h"

enum { RING = 1 << 15, REFS = 512, LOOK_AHEAD = 256, SPEAKERS = 64 };
enum { VOLATILE_BIT = 1u << 31 };
static const int64_t DRAIN_NS = 8 * INT64_C(1000000000);
static const int64_t TURN_NS = 20 * INT64_C(1000000);

struct flight {
    int64_t due_ns;
    uint32_t number, remaining;
    bool used, acked;
};

/* An item of a batch, as far as it is ours. */
struct item {
    uint64_t seq;
    uint32_t number;
};

/* A batch as the first of its receivers saw it. */
struct ref {
    uint8_t *data;
    size_t len, cap;
    uint64_t index, prev, seq;
    struct item *items;
    uint32_t count, room;
};

struct member {
    uint64_t next, last, highest;
    bool pulling;
};

static struct meter meter;
static struct flight ring[RING];
static int64_t volatile_due_ns[RING];
static struct ref refs[REFS];
static uint64_t ref_count;
static struct member *members;
static uint32_t under_way, next_number, next_volatile;
static uint64_t reliable_received, volatile_received, volatile_acked, gaps, pulled;

static struct flight *flight_of(uint32_t number)
{
    struct flight *f = &ring[number % RING];
    return f->used && f->number == number ? f : NULL;
}

static uint32_t speaker(const struct engine *e, uint32_t number)
{
    return number % (e->session_count < SPEAKERS ? e->session_count : SPEAKERS);
}

static void publish(struct engine *e, int64_t due_ns)
{
    static char body[BODY_MAX];
    uint32_t number = next_number;
    struct flight *f = &ring[number % RING];
    if (f->used) {
        meter.overrun++;
        return;
    }
    next_number++;
    *f = (struct flight){due_ns, number, e->session_count, true, !e->protocol->acknowledges};
    under_way++;
    struct session *s = &e->sessions[speaker(e, number)];
    s->next_number = number + 1; /* MQTT finds a packet's number by it */
    body_write(body, e->options->body_bytes, (struct body_id){0, number});
    engine_send(e, s, &(struct outgoing){number, TO_ROOM, body, e->options->body_bytes});
}

static void publish_volatile(struct engine *e, int64_t due_ns)
{
    static char body[BODY_MAX];
    uint32_t number = next_volatile++ | VOLATILE_BIT;
    volatile_due_ns[number % RING] = due_ns;
    struct session *s = &e->sessions[speaker(e, next_volatile)];
    body_write(body, e->options->body_bytes, (struct body_id){1, number});
    engine_send(e, s, &(struct outgoing){number, TO_ROOM_VOLATILE, body, e->options->body_bytes});
}

static void check_done(struct engine *e, struct flight *f)
{
    if (f->remaining || !f->acked)
        return;
    f->used = false;
    under_way--;
    meter_message(&meter, e->now_ns);
}

static void on_acked(struct engine *e, struct session *s, uint32_t number)
{
    (void)s;
    if (number & VOLATILE_BIT) {
        volatile_acked++;
        return;
    }
    struct flight *f = flight_of(number);
    if (!f || f->acked)
        return;
    f->acked = true;
    meter_ack(&meter, f->due_ns, e->now_ns);
    check_done(e, f);
}

static void on_refused(struct engine *e, struct session *s, uint32_t number, const char *why, size_t why_len)
{
    (void)e, (void)s;
    meter_refused(&meter, why, why_len);
    struct flight *f = number & VOLATILE_BIT ? NULL : flight_of(number);
    if (f) {
        f->used = false;
        under_way--;
    }
}

static void arrived(struct engine *e, uint32_t number)
{
    if (number & VOLATILE_BIT) {
        volatile_received++;
        return;
    }
    reliable_received++;
    struct flight *f = flight_of(number);
    if (!f)
        return;
    f->remaining--;
    meter_delivery(&meter, f->due_ns, e->now_ns);
    check_done(e, f);
}

/* One body at a time: other servers. */
static void on_delivered(struct engine *e, struct session *s, const char *body, size_t len)
{
    (void)s;
    struct body_id id;
    if (body_read(body, len, &id))
        arrived(e, id.number);
}

/* ---- batches ---- */

static void take_items(struct mpack_reader *r, struct ref *ref)
{
    uint32_t count = mpack_take_array(r);
    ref->count = 0;
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        uint32_t fields = mpack_take_array(r);
        for (int skipped = 0; skipped < 3; skipped++) /* type, sender, after_ms */
            mpack_skip(r);
        struct mpack_reader content = *r;
        mpack_skip(r);
        uint64_t seq = mpack_take_uint(r);
        for (uint32_t field = 5; field < fields; field++)
            mpack_skip(r);
        struct body_id id;
        if (!mpack_find(&content, "text"))
            continue;
        struct mpack_text text = mpack_take_str(&content);
        if (content.bad || !body_read(text.data, text.len, &id))
            continue;
        if (ref->count == ref->room) {
            ref->room = ref->room ? ref->room * 2 : 256;
            ref->items = realloc(ref->items, ref->room * sizeof *ref->items);
            if (!ref->items)
                fail("out of memory");
        }
        ref->items[ref->count++] = (struct item){seq, id.number};
    }
}

/* Reads a map with prev, seq, more and items. */
static bool take_batch(struct mpack_reader *r, struct ref *ref)
{
    bool more = false;
    uint32_t keys = mpack_take_map(r);
    ref->prev = ref->seq = ref->count = 0;
    for (uint32_t i = 0; i < keys && !r->bad; i++) {
        struct mpack_text key = mpack_take_str(r);
        if (mpack_text_is(key, "prev")) {
            ref->prev = mpack_take_uint(r);
        } else if (mpack_text_is(key, "seq")) {
            ref->seq = mpack_take_uint(r);
        } else if (mpack_text_is(key, "items")) {
            take_items(r, ref);
        } else if (mpack_text_is(key, "more")) {
            more = r->at < r->end && *r->at == 0xc3;
            mpack_skip(r);
        } else {
            mpack_skip(r);
        }
    }
    if (r->bad)
        fail("a batch is not understood");
    return more;
}

static void pull(struct engine *e, struct session *s)
{
    members[s->index].pulling = true;
    room_ask_entries(e, s, members[s->index].last);
}

static void apply(struct engine *e, struct session *s, const struct ref *ref)
{
    struct member *m = &members[s->index];
    if (ref->seq > m->highest)
        m->highest = ref->seq;
    bool whole = ref->prev <= m->last;
    for (uint32_t i = 0; i < ref->count; i++) {
        const struct item *item = &ref->items[i];
        if (!item->seq || (whole && item->seq > m->last))
            arrived(e, item->number);
    }
    if (whole && ref->seq > m->last) {
        m->last = ref->seq;
    } else if (!whole && !m->pulling) {
        gaps++;
        pull(e, s);
    }
}

static struct ref *known(struct member *m, const uint8_t *data, size_t len)
{
    if (m->next + REFS <= ref_count)
        m->next = ref_count - REFS + 1;
    for (uint64_t i = m->next; i < ref_count && i < m->next + LOOK_AHEAD; i++) {
        struct ref *ref = &refs[i % REFS];
        if (ref->len == len && memcmp(ref->data, data, len) == 0)
            return ref;
    }
    return NULL;
}

static void on_batch(struct engine *e, struct session *s, const uint8_t *data, size_t len, struct mpack_reader *body)
{
    struct member *m = &members[s->index];
    struct ref *ref = known(m, data, len);
    if (!ref) {
        ref = &refs[ref_count % REFS];
        ref->index = ref_count++;
        if (ref->cap < len) {
            free(ref->data);
            ref->data = malloc(ref->cap = len * 2);
            if (!ref->data)
                fail("out of memory");
        }
        memcpy(ref->data, data, len);
        ref->len = len;
        take_batch(body, ref);
    }
    m->next = ref->index + 1;
    apply(e, s, ref);
}

static void on_joined(struct engine *e, struct session *s, uint64_t seq)
{
    members[s->index].last = members[s->index].highest = seq;
    engine_ready(e, s);
}

static void on_entries(struct engine *e, struct session *s, struct mpack_reader *body)
{
    static struct ref page;
    struct member *m = &members[s->index];
    bool more = take_batch(body, &page);
    for (uint32_t i = 0; i < page.count; i++) {
        if (page.items[i].seq > m->last) {
            pulled++;
            arrived(e, page.items[i].number);
        }
    }
    if (page.seq > m->last)
        m->last = page.seq;
    m->pulling = false;
    if (more || m->last < m->highest)
        pull(e, s);
}

const struct room_ears ROOM_EARS = {on_batch, on_joined, on_entries};
static const struct workload ROOM = {on_acked, on_delivered, on_refused};

/* ---- the run ---- */

static void run_window(struct engine *e)
{
    const struct options *o = e->options;
    int64_t now_ns = clock_now_ns();
    struct pacer pacer = {now_ns, o->rate_per_s, 0}, noise = {now_ns, o->volatile_per_s, 0};
    e->now_ns = now_ns;
    do {
        if (o->rate_per_s > 0) {
            for (; pacer_due_ns(&pacer) <= e->now_ns; pacer.sent++)
                publish(e, pacer_due_ns(&pacer));
        } else {
            while (under_way < o->in_flight)
                publish(e, e->now_ns);
        }
        if (o->volatile_per_s > 0)
            for (; pacer_due_ns(&noise) <= e->now_ns; noise.sent++)
                publish_volatile(e, pacer_due_ns(&noise));
        engine_turn(e, o->rate_per_s > 0 ? pacer_wait_ns(&pacer, clock_now_ns(), TURN_NS) : TURN_NS);
        e->now_ns = clock_now_ns();
    } while (meter_tick(&meter, e->now_ns, e->net.writes, e->net.reads));
    int64_t give_up_ns = e->now_ns + DRAIN_NS;
    while ((under_way || volatile_acked + meter.refused < next_volatile) && clock_now_ns() < give_up_ns)
        engine_turn(e, TURN_NS);
    /* What was accepted last is still on its way to the members. */
    give_up_ns = clock_now_ns() + (o->volatile_per_s > 0 ? 3 : 1) * INT64_C(1000000000);
    while (clock_now_ns() < give_up_ns)
        engine_turn(e, TURN_NS);
    meter.unfinished = under_way;
}

int run_room(const struct options *options)
{
    struct engine e;
    engine_init(&e, options, options->sessions, &ROOM);
    members = calloc(options->sessions, sizeof *members);
    if (!members)
        fail("out of memory");
    engine_open_all(&e);
    meter_start(&meter, options);
    run_window(&e);
    snprintf(meter.extra, sizeof meter.extra,
             ",\"reliable_sent\":%u,\"volatile_sent\":%u,\"reliable_received\":%llu,\"volatile_received\":%llu,"
             "\"gaps\":%llu,\"pulled\":%llu,\"batches\":%llu",
             next_number, next_volatile, (unsigned long long)reliable_received, (unsigned long long)volatile_received,
             (unsigned long long)gaps, (unsigned long long)pulled, (unsigned long long)ref_count);
    meter_print(&meter);
    return 0;
}
