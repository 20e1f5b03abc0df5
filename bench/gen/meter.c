#include "meter.h"

#include <stdio.h>
#include <string.h>

enum { REASONS_SHOWN = 3 };

void meter_start(struct meter *m, const struct options *options)
{
    memset(m, 0, sizeof *m);
    m->options = options;
    m->starts_ns = clock_now_ns() + (int64_t)(options->warmup_s * 1e9);
    m->ends_ns = m->starts_ns + (int64_t)(options->seconds * 1e9);
}

bool meter_tick(struct meter *m, int64_t now_ns, uint64_t writes, uint64_t reads)
{
    if (!m->counting && !m->finished && now_ns >= m->starts_ns) {
        m->counting = true;
        m->writes_begin = writes;
        m->reads_begin = reads;
        usage_sample(&m->options->usage, &m->begin);
    }
    if (m->counting && now_ns >= m->ends_ns) {
        m->counting = false;
        m->finished = true;
        m->writes = writes - m->writes_begin;
        m->reads = reads - m->reads_begin;
        usage_sample(&m->options->usage, &m->end);
        m->rss_kb = usage_server_rss_kb(&m->options->usage);
    }
    return !m->finished;
}

void meter_ack(struct meter *m, int64_t due_ns, int64_t now_ns)
{
    if (!m->counting)
        return;
    m->acks++;
    hist_record(&m->ack, now_ns - due_ns);
}

void meter_delivery(struct meter *m, int64_t due_ns, int64_t now_ns)
{
    if (!m->counting)
        return;
    m->deliveries++;
    hist_record(&m->delivery, now_ns - due_ns);
}

void meter_message(struct meter *m, int64_t now_ns)
{
    if (!m->counting)
        return;
    m->messages++;
    int64_t second = (now_ns - m->begin.at_ns) / 1000000000;
    if (second >= 0 && second <= METER_MAX_SECONDS)
        m->series[second]++;
}

bool meter_order(struct meter *m, uint32_t *next_expected, uint32_t number)
{
    if (number < *next_expected) {
        m->repeated++;
        return false;
    }
    m->missing += number - *next_expected;
    *next_expected = number + 1;
    return true;
}

void meter_refused(struct meter *m, const char *why, uint64_t len)
{
    if (m->refused++ < REASONS_SHOWN)
        fprintf(stderr, "loadgen: a message was refused: %.*s\n", (int)len, why);
}

static double percent(double cpu_s, double wall_s)
{
    return wall_s > 0 ? 100 * cpu_s / wall_s : 0;
}

/* Load of a core beyond what our process used there: other programs. Negative when unknown. */
static double other_percent(int core, double busy_s, double ours_s, double wall_s)
{
    if (core < 0)
        return -1;
    double other = percent(busy_s - ours_s, wall_s);
    return other > 0 ? other : 0;
}

static void print_usage(const struct meter *m, double wall_s)
{
    const struct usage_target *t = &m->options->usage;
    double generator_s = m->end.generator_cpu_s - m->begin.generator_cpu_s;
    double server_s = m->end.server_cpu_s - m->begin.server_cpu_s;
    printf(",\"generator_cpu_pct\":%.1f,\"server_cpu_pct\":%.1f", percent(generator_s, wall_s), percent(server_s, wall_s));
    printf(",\"generator_core_other_pct\":%.1f",
           other_percent(t->generator_core, m->end.generator_core_busy_s - m->begin.generator_core_busy_s, generator_s,
                         wall_s));
    printf(",\"server_core_other_pct\":%.1f",
           other_percent(t->server_core, m->end.server_core_busy_s - m->begin.server_core_busy_s, server_s, wall_s));
    printf(",\"stolen_pct\":%.1f,\"server_rss_kb\":%ld", percent(m->end.stolen_s - m->begin.stolen_s, wall_s), m->rss_kb);
}

void meter_print(const struct meter *m)
{
    const struct options *o = m->options;
    double wall_s = (double)(m->end.at_ns - m->begin.at_ns) / 1e9;
    printf("{\"protocol\":\"%s\",\"sessions\":%u,\"in_flight\":%u,\"rate_per_s\":%.0f,\"body_bytes\":%u,\"seconds\":%.3f",
           o->protocol, o->sessions, o->in_flight, o->rate_per_s, o->body_bytes, wall_s);
    printf(",\"messages\":%llu,\"messages_per_s\":%.1f", (unsigned long long)m->messages, (double)m->messages / wall_s);
    printf(",\"acks_per_s\":%.1f,\"deliveries_per_s\":%.1f", (double)m->acks / wall_s, (double)m->deliveries / wall_s);
    printf(",\"missing\":%llu,\"repeated\":%llu,\"refused\":%llu,\"overrun\":%llu,\"unfinished\":%llu",
           (unsigned long long)m->missing, (unsigned long long)m->repeated, (unsigned long long)m->refused,
           (unsigned long long)m->overrun, (unsigned long long)m->unfinished);
    printf(",\"writes_per_s\":%.1f,\"reads_per_s\":%.1f", (double)m->writes / wall_s, (double)m->reads / wall_s);
    print_usage(m, wall_s);
    printf(",\"ack_ms\":");
    hist_print_json(stdout, &m->ack);
    printf(",\"delivery_ms\":");
    hist_print_json(stdout, &m->delivery);
    printf(",\"series\":[");
    for (int i = 0; i < (int)wall_s && i <= METER_MAX_SECONDS; i++)
        printf("%s%u", i ? "," : "", m->series[i]);
    printf("]%s}\n", m->extra);
}
