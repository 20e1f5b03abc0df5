/* What a run counts: warm-up, the counted window, latencies, order, and the JSON that reports them.
 *
 * Lives here: numbers. Does not: decide when to send.
 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"
#include "options.h"
#include "usage.h"

enum { METER_MAX_SECONDS = 3600 };

struct meter {
    const struct options *options;
    int64_t starts_ns, ends_ns; /* of the counted window */
    bool counting, finished;
    uint64_t messages, acks, deliveries; /* inside the window */
    uint64_t missing, repeated;          /* whole run: numbers jumped over, numbers seen again */
    uint64_t refused, overrun;           /* whole run: error replies; open loop: due while 256 were unanswered */
    uint64_t unfinished;                 /* still under way when the drain gave up */
    struct hist ack, delivery;
    uint32_t series[METER_MAX_SECONDS + 1]; /* messages per second of the window */
    struct usage_sample begin, end;
    uint64_t writes_begin, reads_begin, writes, reads; /* system calls of the generator in the window */
    long rss_kb;
    char extra[512]; /* further JSON members, each with a leading comma */
};

void meter_start(struct meter *m, const struct options *options);

/* Opens and closes the window as time passes; false once it is over. */
bool meter_tick(struct meter *m, int64_t now_ns, uint64_t writes, uint64_t reads);

void meter_ack(struct meter *m, int64_t due_ns, int64_t now_ns);
void meter_delivery(struct meter *m, int64_t due_ns, int64_t now_ns);
void meter_message(struct meter *m, int64_t now_ns);

/* Follows one stream of numbers and returns whether this one was due. */
bool meter_order(struct meter *m, uint32_t *next_expected, uint32_t number);

/* A refused message: counted, the first reasons go to standard error. */
void meter_refused(struct meter *m, const char *why, uint64_t len);

void meter_print(const struct meter *m);

#endif
