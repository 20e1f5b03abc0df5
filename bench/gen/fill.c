/* Filling a store: every session opens many 1:1 conversations and writes a few messages into each.
 *
 * The peers are parties that never sign in: numbers above the sessions'. A refused message is sent again a little later
 * under the same number, so that exactly what was asked for is stored in the end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"
#include "workload.h"

static const int64_t TURN_NS = 20 * INT64_C(1000000);
static const int64_t STALL_NS = 30 * INT64_C(1000000000);

struct refused {
    uint32_t session, number;
};

static struct refused *again;
static size_t again_count, again_cap;
static uint64_t stored, refusals;
static uint32_t per_session;

static void send_number(struct engine *e, struct session *s, uint32_t number)
{
    static char body[BODY_MAX];
    const struct options *o = e->options;
    uint32_t conversation = number / o->entries;
    uint32_t peer = e->session_count + s->index * (per_session / o->entries) + conversation;
    body_write(body, o->body_bytes, (struct body_id){s->index, number});
    engine_send(e, s, &(struct outgoing){number, peer, body, o->body_bytes});
}

static void send_more(struct engine *e, struct session *s)
{
    if (s->next_number < per_session)
        send_number(e, s, s->next_number++);
}

static void on_acked(struct engine *e, struct session *s, uint32_t number)
{
    (void)number;
    stored++;
    send_more(e, s);
}

static void on_refused(struct engine *e, struct session *s, uint32_t number, const char *why, size_t why_len)
{
    (void)e;
    if (refusals++ == 0)
        fprintf(stderr, "loadgen: a message was refused and is sent again: %.*s\n", (int)why_len, why);
    if (again_count == again_cap) {
        again_cap = again_cap ? again_cap * 2 : 256;
        if (!(again = realloc(again, again_cap * sizeof *again)))
            fail("out of memory");
    }
    again[again_count++] = (struct refused){s->index, number};
}

static void on_delivered(struct engine *e, struct session *s, const char *body, size_t len)
{
    (void)e, (void)s, (void)body, (void)len;
}

static const struct workload FILL = {on_acked, on_delivered, on_refused};

static void send_again(struct engine *e)
{
    size_t count = again_count;
    again_count = 0;
    for (size_t i = 0; i < count; i++)
        send_number(e, &e->sessions[again[i].session], again[i].number);
}

int run_fill(const struct options *options)
{
    struct engine e;
    engine_init(&e, options, options->sessions, &FILL);
    per_session = options->conversations / options->sessions * options->entries;
    uint64_t wanted = (uint64_t)per_session * options->sessions;
    engine_open_all(&e);
    int64_t start_ns = clock_now_ns(), progress_ns = start_ns, again_ns = start_ns;
    for (uint32_t i = 0; i < e.session_count; i++)
        for (uint32_t w = 0; w < options->in_flight; w++)
            send_more(&e, &e.sessions[i]);
    while (stored < wanted) {
        uint64_t before = stored;
        engine_turn(&e, TURN_NS);
        if (e.now_ns - again_ns > 5 * TURN_NS) {
            send_again(&e);
            again_ns = e.now_ns;
        }
        if (stored != before)
            progress_ns = e.now_ns;
        else if (e.now_ns - progress_ns > STALL_NS)
            fail("nothing was stored for 30 s: %llu of %llu messages are", (unsigned long long)stored,
                 (unsigned long long)wanted);
    }
    double seconds = (double)(clock_now_ns() - start_ns) / 1e9;
    printf("{\"conversations\":%u,\"messages\":%llu,\"seconds\":%.2f,\"messages_per_s\":%.0f,\"refused\":%llu}\n",
           per_session / options->entries * options->sessions, (unsigned long long)stored, seconds,
           (double)stored / seconds, (unsigned long long)refusals);
    return 0;
}
