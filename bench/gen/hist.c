#include "hist.h"

#include <string.h>

/* Values below 128 have a bucket each. Above, every power of two is cut into 64 equal parts. */
static int bucket_of(uint64_t value)
{
    if (value < 128)
        return (int)value;
    int top_bit = 63 - __builtin_clzll(value);
    int shift = top_bit - 6;
    int index = 128 + (shift - 1) * 64 + (int)(value >> shift) - 64;
    return index < HIST_BUCKETS ? index : HIST_BUCKETS - 1;
}

static int64_t upper_edge(int index)
{
    if (index < 128)
        return index;
    int shift = (index - 128) / 64 + 1;
    int64_t part = (index - 128) % 64 + 64;
    return ((part + 1) << shift) - 1;
}

void hist_clear(struct hist *h)
{
    memset(h, 0, sizeof *h);
}

void hist_record(struct hist *h, int64_t value_ns)
{
    if (value_ns < 0)
        value_ns = 0;
    h->counts[bucket_of((uint64_t)value_ns)]++;
    h->total++;
    if (value_ns > h->max_ns)
        h->max_ns = value_ns;
}

int64_t hist_quantile_ns(const struct hist *h, double quantile)
{
    if (h->total == 0)
        return 0;
    uint64_t rank = (uint64_t)(quantile * (double)h->total);
    if (rank >= h->total)
        rank = h->total - 1;
    uint64_t seen = 0;
    for (int i = 0; i < HIST_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > rank) {
            int64_t edge = upper_edge(i);
            return edge < h->max_ns ? edge : h->max_ns;
        }
    }
    return h->max_ns;
}

void hist_print_json(FILE *out, const struct hist *h)
{
    static const struct {
        const char *name;
        double quantile;
    } columns[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    fprintf(out, "{\"count\":%llu", (unsigned long long)h->total);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        fprintf(out, ",\"%s\":%.4f", columns[i].name, (double)hist_quantile_ns(h, columns[i].quantile) / 1e6);
    fprintf(out, ",\"max\":%.4f}", (double)h->max_ns / 1e6);
}
