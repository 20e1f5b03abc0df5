/* Idle connections: signed in, then silent (heartbeats are answered). Measures the server's memory and the time to
 * open them all.
 */
#include <stdio.h>

#include "engine.h"
#include "workload.h"

static void ignore_acked(struct engine *e, struct session *s, uint32_t number)
{
    (void)e, (void)s, (void)number;
}

static void ignore_delivered(struct engine *e, struct session *s, const char *body, size_t len)
{
    (void)e, (void)s, (void)body, (void)len;
}

static void ignore_refused(struct engine *e, struct session *s, uint32_t number, const char *why, size_t why_len)
{
    (void)e, (void)s, (void)number, (void)why, (void)why_len;
}

static const struct workload IDLE = {ignore_acked, ignore_delivered, ignore_refused};

int run_idle(const struct options *options)
{
    struct engine e;
    struct usage_sample begin, opened;
    engine_init(&e, options, options->sessions, &IDLE);
    long before_kb = usage_server_rss_kb(&options->usage);
    usage_sample(&options->usage, &begin);
    engine_open_all(&e);
    usage_sample(&options->usage, &opened);
    int64_t settled_ns = opened.at_ns + (int64_t)(options->seconds * 1e9);
    while (clock_now_ns() < settled_ns)
        engine_turn(&e, 50 * 1000000);
    long after_kb = usage_server_rss_kb(&options->usage);
    double open_s = (double)(opened.at_ns - begin.at_ns) / 1e9;
    printf("{\"protocol\":\"%s\",\"sessions\":%u,\"rss_before_kb\":%ld,\"rss_after_kb\":%ld", options->protocol,
           options->sessions, before_kb, after_kb);
    printf(",\"kb_per_connection\":%.3f", (double)(after_kb - before_kb) / options->sessions);
    printf(",\"open_s\":%.3f,\"opened_per_s\":%.1f", open_s, options->sessions / open_s);
    printf(",\"server_cpu_s\":%.2f,\"generator_cpu_pct\":%.1f}\n", opened.server_cpu_s - begin.server_cpu_s,
           100 * (opened.generator_cpu_s - begin.generator_cpu_s) / open_s);
    return 0;
}
