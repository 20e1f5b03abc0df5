/* Latency histogram with bounded relative error (log-linear buckets).
 *
 * Lives here: recording nanosecond values and asking for percentiles.
 * Does not: know what the values mean.
 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>
#include <stdio.h>

enum { HIST_BUCKETS = 128 + 36 * 64 };

struct hist {
    uint64_t counts[HIST_BUCKETS];
    uint64_t total;
    int64_t max_ns;
};

void hist_clear(struct hist *h);

/* Records one value; a negative one counts as 0. */
void hist_record(struct hist *h, int64_t value_ns);

/* The upper edge of the bucket that holds the given quantile (0..1), so a percentile is never understated.
 * The error is below 1.6 % of the value. 0 when nothing was recorded. */
int64_t hist_quantile_ns(const struct hist *h, double quantile);

/* Writes {"count":..,"p50":..,...} in milliseconds. */
void hist_print_json(FILE *out, const struct hist *h);

#endif
