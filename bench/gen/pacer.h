/* When the next message of an open loop is due.
 *
 * Lives here: even spacing from a start time. Does not: send.
 */
#ifndef BENCH_PACER_H
#define BENCH_PACER_H

#include <stdint.h>

struct pacer {
    int64_t start_ns;
    double rate_per_s;
    uint64_t sent;
};

static inline int64_t pacer_due_ns(const struct pacer *p)
{
    return p->start_ns + (int64_t)((double)p->sent / p->rate_per_s * 1e9);
}

/* How long the loop may sleep: until the next message is due, at most `most_ns`. */
static inline int64_t pacer_wait_ns(const struct pacer *p, int64_t now_ns, int64_t most_ns)
{
    int64_t wait = pacer_due_ns(p) - now_ns;
    return wait < 0 ? 0 : wait > most_ns ? most_ns : wait;
}

#endif
