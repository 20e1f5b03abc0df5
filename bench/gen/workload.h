/* The workloads, and the body every message carries.
 *
 * Lives here: the entry points, the body format. Does not: count (meter.h) or speak a protocol.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct options;

/* A body is "#ssssssss.nnnnnnnn#" (sender and number in hexadecimal) and then filling. */
enum { BODY_HEADER = 19, BODY_MAX = 8192 };

struct body_id {
    uint32_t sender, number;
};

/* Fills `body` (len bytes, at least BODY_HEADER). */
void body_write(char *body, uint32_t len, struct body_id id);
bool body_read(const char *body, uint64_t len, struct body_id *id);

/* N/2 pairs, each of the two sends to the other. */
int run_pair(const struct options *options);
/* One publisher, N subscribers. */
int run_fan(const struct options *options);
/* Many conversations with a few messages each: a large store. */
int run_fill(const struct options *options);
/* N sessions in one room, some of which speak. */
int run_room(const struct options *options);
/* N connections that do nothing: memory. */
int run_idle(const struct options *options);

#endif
