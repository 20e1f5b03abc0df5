/* Fan-out: session 0 publishes, all others receive.
 *
 * A message is done when every subscriber has it and the publisher's copy is acknowledged (where the protocol does
 * that). Closed loop: W messages are on their way at any time. Open loop: evenly spaced, latency from the due time.
 */
#include <stdlib.h>

#include "engine.h"
#include "meter.h"
#include "pacer.h"
#include "workload.h"

enum { RING = 8192 };
static const int64_t DRAIN_NS = 5 * INT64_C(1000000000);
static const int64_t TURN_NS = 20 * INT64_C(1000000);

struct flight {
    int64_t due_ns;
    uint32_t number, remaining;
    bool used, acked;
};

static struct meter meter;
static struct flight ring[RING];
static uint32_t under_way;

static struct flight *flight_of(uint32_t number)
{
    struct flight *f = &ring[number % RING];
    return f->used && f->number == number ? f : NULL;
}

static void publish(struct engine *e, int64_t due_ns)
{
    static char body[BODY_MAX];
    struct session *publisher = &e->sessions[0];
    uint32_t number = publisher->next_number++;
    struct flight *f = &ring[number % RING];
    if (f->used)
        fail("more than %d messages are on their way", RING);
    *f = (struct flight){due_ns, number, e->session_count - 1, true, !e->protocol->acknowledges};
    under_way++;
    body_write(body, e->options->body_bytes, (struct body_id){0, number});
    engine_send(e, publisher, &(struct outgoing){number, TO_ROOM, body, e->options->body_bytes});
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
    struct flight *f = flight_of(number);
    if (s->index != 0 || !f || f->acked)
        return;
    f->acked = true;
    meter_ack(&meter, f->due_ns, e->now_ns);
    check_done(e, f);
}

static void on_delivered(struct engine *e, struct session *s, const char *body, size_t len)
{
    struct body_id id;
    if (s->index == 0 || !body_read(body, len, &id) || id.sender != 0)
        return;
    if (!meter_order(&meter, &s->next_expected, id.number))
        return;
    struct flight *f = flight_of(id.number);
    if (!f)
        return;
    f->remaining--;
    meter_delivery(&meter, f->due_ns, e->now_ns);
    check_done(e, f);
}

static void on_refused(struct engine *e, struct session *s, uint32_t number, const char *why, size_t why_len)
{
    (void)e, (void)s, (void)number;
    fail("the publisher was refused: %.*s", (int)why_len, why);
}

static const struct workload FAN = {on_acked, on_delivered, on_refused};

static void run_window(struct engine *e)
{
    struct pacer pacer = {clock_now_ns(), e->options->rate_per_s, 0};
    bool open_loop = pacer.rate_per_s > 0;
    int64_t progress_ns = clock_now_ns();
    uint64_t seen = 0;
    e->now_ns = progress_ns;
    do {
        while (open_loop ? pacer_due_ns(&pacer) <= e->now_ns : under_way < e->options->in_flight) {
            publish(e, open_loop ? pacer_due_ns(&pacer) : e->now_ns);
            pacer.sent++;
        }
        engine_turn(e, open_loop ? pacer_wait_ns(&pacer, clock_now_ns(), TURN_NS) : TURN_NS);
        e->now_ns = clock_now_ns();
        if (e->net.reads != seen)
            progress_ns = e->now_ns;
        else if (e->now_ns - progress_ns > DRAIN_NS)
            fail("nothing arrived for 5 s with %u messages on their way", under_way);
        seen = e->net.reads;
    } while (meter_tick(&meter, e->now_ns, e->net.writes, e->net.reads));
    int64_t give_up_ns = e->now_ns + DRAIN_NS;
    while (under_way && clock_now_ns() < give_up_ns)
        engine_turn(e, TURN_NS);
    meter.unfinished = under_way;
}

int run_fan(const struct options *options)
{
    struct engine e;
    engine_init(&e, options, options->sessions + 1, &FAN);
    engine_open_all(&e);
    meter_start(&meter, options);
    run_window(&e);
    meter_print(&meter);
    return 0;
}
