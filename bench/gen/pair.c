/* 1:1 messages: session i and session i^1 write to each other.
 *
 * A message is done when it was acknowledged to its sender (where the protocol does that) and its peer has it.
 * Closed loop: a done message makes room for the sender's next. Open loop: messages are due at even intervals, and
 * latency counts from the due time, so a server that stalls cannot hide it.
 */
#include <stdlib.h>

#include "engine.h"
#include "meter.h"
#include "pacer.h"
#include "workload.h"

enum { OPEN_LOOP_SLOTS = 256, SESSION_STRIDE = 7919 };
static const int64_t DRAIN_NS = 5 * INT64_C(1000000000);
static const int64_t TURN_NS = 20 * INT64_C(1000000);

static struct meter meter;
static uint32_t slot_mask;
static uint64_t under_way;
static bool refill;

static struct slot *slot_of(struct session *s, uint32_t number)
{
    struct slot *slot = &s->slots[number & slot_mask];
    return slot->used && slot->number == number ? slot : NULL;
}

static bool send_next(struct engine *e, struct session *s, int64_t due_ns)
{
    static char body[BODY_MAX];
    uint32_t number = s->next_number;
    struct slot *slot = &s->slots[number & slot_mask];
    if (slot->used)
        return false;
    *slot = (struct slot){.due_ns = due_ns, .number = number, .used = true};
    s->next_number++;
    s->under_way++;
    under_way++;
    body_write(body, e->options->body_bytes, (struct body_id){s->index, number});
    engine_send(e, s, &(struct outgoing){number, s->index ^ 1, body, e->options->body_bytes});
    return true;
}

static void release(struct engine *e, struct session *s, struct slot *slot)
{
    slot->used = false;
    s->under_way--;
    under_way--;
    if (refill)
        send_next(e, s, e->now_ns);
}

static void check_done(struct engine *e, struct session *s, struct slot *slot)
{
    if (!slot->delivered || (!slot->acked && e->protocol->acknowledges))
        return;
    meter_message(&meter, e->now_ns);
    release(e, s, slot);
}

static void on_acked(struct engine *e, struct session *s, uint32_t number)
{
    struct slot *slot = slot_of(s, number);
    if (!slot || slot->acked)
        return;
    slot->acked = true;
    meter_ack(&meter, slot->due_ns, e->now_ns);
    check_done(e, s, slot);
}

static void on_delivered(struct engine *e, struct session *s, const char *body, size_t len)
{
    struct body_id id;
    if (!body_read(body, len, &id) || id.sender != (s->index ^ 1))
        return; /* an echo of our own message, or not ours */
    if (!meter_order(&meter, &s->next_expected, id.number))
        return;
    struct session *sender = &e->sessions[id.sender];
    struct slot *slot = slot_of(sender, id.number);
    if (!slot || slot->delivered)
        return;
    slot->delivered = true;
    meter_delivery(&meter, slot->due_ns, e->now_ns);
    check_done(e, sender, slot);
}

static void on_refused(struct engine *e, struct session *s, uint32_t number, const char *why, size_t why_len)
{
    struct slot *slot = slot_of(s, number);
    meter_refused(&meter, why, why_len);
    if (!slot)
        return;
    /* The peer will never get this number: it is not a gap. */
    struct session *peer = &e->sessions[s->index ^ 1];
    if (peer->next_expected == number)
        peer->next_expected++;
    release(e, s, slot);
}

static const struct workload PAIR = {on_acked, on_delivered, on_refused};

static void send_due(struct engine *e, struct pacer *pacer)
{
    for (int64_t due = pacer_due_ns(pacer); due <= e->now_ns; due = pacer_due_ns(pacer)) {
        struct session *s = &e->sessions[pacer->sent * SESSION_STRIDE % e->session_count];
        if (!send_next(e, s, due))
            meter.overrun++;
        pacer->sent++;
    }
}

static void run_window(struct engine *e)
{
    struct pacer pacer = {clock_now_ns(), e->options->rate_per_s, 0};
    bool open_loop = pacer.rate_per_s > 0;
    refill = !open_loop;
    e->now_ns = clock_now_ns();
    for (uint32_t w = 0; w < e->options->in_flight && !open_loop; w++)
        for (uint32_t i = 0; i < e->session_count; i++)
            send_next(e, &e->sessions[i], e->now_ns);
    do {
        engine_turn(e, open_loop ? pacer_wait_ns(&pacer, clock_now_ns(), TURN_NS) : TURN_NS);
        e->now_ns = clock_now_ns();
        if (open_loop)
            send_due(e, &pacer);
    } while (meter_tick(&meter, e->now_ns, e->net.writes, e->net.reads));
    refill = false;
    int64_t give_up_ns = e->now_ns + DRAIN_NS;
    while (under_way && clock_now_ns() < give_up_ns)
        engine_turn(e, TURN_NS);
    meter.unfinished = under_way;
}

int run_pair(const struct options *options)
{
    struct engine e;
    engine_init(&e, options, options->sessions, &PAIR);
    uint32_t slots = options->rate_per_s > 0 ? OPEN_LOOP_SLOTS : 1;
    while (slots < options->in_flight)
        slots *= 2;
    slot_mask = slots - 1;
    for (uint32_t i = 0; i < e.session_count; i++)
        if (!(e.sessions[i].slots = calloc(slots, sizeof(struct slot))))
            fail("out of memory");
    engine_open_all(&e);
    meter_start(&meter, options);
    run_window(&e);
    meter_print(&meter);
    return 0;
}
