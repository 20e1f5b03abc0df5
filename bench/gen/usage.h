/* Clock and processor accounting.
 *
 * Lives here: the monotonic clock, CPU time and memory of this process and of the server, load of one core.
 * Does not: decide what a busy core means for a result; the report does.
 */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>

enum { USAGE_MAX_PIDS = 32 };

struct usage_target {
    int pids[USAGE_MAX_PIDS];
    int pid_count;
    int server_core; /* -1 when not pinned */
    int generator_core;
};

/* Seconds, all cumulative. */
struct usage_sample {
    int64_t at_ns;
    double generator_cpu_s;
    double server_cpu_s;
    double server_core_busy_s;    /* user + nice + system of every process on that core */
    double generator_core_busy_s;
    double stolen_s;              /* taken by the hypervisor, both cores */
};

int64_t clock_now_ns(void);

void usage_sample(const struct usage_target *target, struct usage_sample *out);

/* Sum of VmRSS over the server's processes, in kB. */
long usage_server_rss_kb(const struct usage_target *target);

#endif
