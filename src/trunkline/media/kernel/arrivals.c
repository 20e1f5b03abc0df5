/* When packets of a publisher arrived, and the transport-wide feedback made of it.
 *
 * The twins are protocol/rtp/arrivals and transport_cc (draft-holmer-rmcat-transport-wide-cc-extensions-01).
 */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

enum { TICK_US = 250, REFERENCE_TICKS = 256, MAX_RUN = 0x1FFF, MAX_DISTANCE_US = 4000000 };
#define MASK_LAG_S 0.15
#define MOST_LAG_S 0.45

void arrivals_end(struct arrivals *arrivals)
{
    free(arrivals->slots);
    arrivals->slots = NULL;
}

static struct arrival *slot_of(const struct arrivals *arrivals, int64_t number)
{
    return &arrivals->slots[number & (ARRIVAL_SLOTS - 1)];
}

static bool arrived(const struct arrivals *arrivals, int64_t number)
{
    return slot_of(arrivals, number)->number == number;
}

bool arrivals_on_packet(struct arrivals *arrivals, uint16_t number, double now_s)
{
    int64_t extended = number;
    if (!arrivals->slots) {
        arrivals->slots = malloc(ARRIVAL_SLOTS * sizeof *arrivals->slots);
        if (!arrivals->slots)
            return false;
        for (size_t i = 0; i < ARRIVAL_SLOTS; i++)
            arrivals->slots[i].number = INT64_MIN;
        arrivals->highest = arrivals->next = extended;
    } else {
        extended = nearest_number(arrivals->highest, number);
        if (extended > arrivals->highest)
            arrivals->highest = extended;
    }
    if (extended <= arrivals->highest - ARRIVAL_SLOTS)
        return true; /* too old to be told */
    if (!arrived(arrivals, extended))
        *slot_of(arrivals, extended) =
            (struct arrival){extended, (int64_t)((now_s - arrivals->origin_s) * 1000000)};
    if (arrivals->next - MAX_SPAN / 4 < extended && extended < arrivals->next)
        arrivals->next = extended;
    return true;
}

/* --- the body: statuses in chunks, then arrivals as differences ----------------------------------- */

static size_t write_chunks(uint8_t *out, const uint8_t *symbols, size_t count)
{
    size_t at = 0, written = 0;
    while (at < count) {
        size_t run = 1;
        while (at + run < count && run < MAX_RUN && symbols[at + run] == symbols[at])
            run++;
        uint16_t chunk = 0;
        if (run >= 7 || at + run == count) {
            chunk = (uint16_t)(symbols[at] << 13 | run);
            at += run;
        } else {
            size_t wide = count - at < 14 ? count - at : 14;
            bool large = memchr(symbols + at, 2, wide) != NULL;
            size_t places = large ? 7 : 14, taken = wide < places ? wide : places;
            for (size_t i = 0; i < places; i++)
                chunk = (uint16_t)(chunk << (large ? 2 : 1) | (i < taken ? symbols[at + i] : 0));
            chunk |= large ? 0xC000 : 0x8000;
            at += taken;
        }
        write_u16(out + written, chunk);
        written += 2;
    }
    return written;
}

/* The same with a time for every number: that of the one before it; before the first, that of the first. */
static void fill(int64_t *times, size_t count)
{
    int64_t last = -1;
    for (size_t i = 0; i < count && last < 0; i++)
        last = times[i];
    for (size_t i = 0; i < count; i++) {
        if (times[i] < 0)
            times[i] = last;
        last = times[i];
    }
}

static size_t write_feedback(const struct arrivals *arrivals, int64_t base, const int64_t *times, size_t count,
                             uint8_t *out)
{
    uint8_t symbols[MAX_SPAN], deltas[2 * MAX_SPAN];
    size_t delta_bytes = 0, at = 0;
    while (at < count && times[at] < 0)
        at++;
    int64_t reference = (at < count ? times[at] / TICK_US : 0) / REFERENCE_TICKS, last_ticks = reference * REFERENCE_TICKS;
    for (size_t i = 0; i < count; i++) {
        symbols[i] = 0;
        if (times[i] < 0)
            continue;
        int64_t delta = times[i] / TICK_US - last_ticks;
        last_ticks += delta;
        symbols[i] = delta >= 0 && delta <= 255 ? 1 : 2;
        if (symbols[i] == 1) {
            deltas[delta_bytes++] = (uint8_t)delta;
        } else {
            write_u16(deltas + delta_bytes, (uint16_t)delta);
            delta_bytes += 2;
        }
    }
    write_u16(out, (uint16_t)base);
    write_u16(out + 2, (uint16_t)count);
    write_u32(out + 4, ((uint32_t)reference & 0xFFFFFF) << 8 | arrivals->count);
    size_t size = 8 + write_chunks(out + 8, symbols, count);
    memcpy(out + size, deltas, delta_bytes);
    return size + delta_bytes;
}

size_t arrivals_feedback(struct arrivals *arrivals, double now_s, uint8_t out[MAX_FEEDBACK_BYTES])
{
    int64_t times[MAX_SPAN], until_us = INT64_MAX;
    if (!arrivals->slots)
        return 0;
    if (arrivals->masked) {
        double until_s = arrivals->has_missing && arrivals->missing_s < now_s ? arrivals->missing_s : now_s;
        until_s -= MASK_LAG_S;
        if (until_s < now_s - MOST_LAG_S)
            until_s = now_s - MOST_LAG_S;
        until_us = (int64_t)((until_s - arrivals->origin_s) * 1000000);
    }
    int64_t end = arrivals->highest, base = arrivals->next;
    while (end >= base && !(arrived(arrivals, end) && slot_of(arrivals, end)->arrived_us <= until_us))
        end--;
    if (end < base)
        return 0;
    if (base < end - MAX_SPAN + 1)
        base = end - MAX_SPAN + 1;
    int64_t last_us = slot_of(arrivals, end)->arrived_us;
    for (int64_t number = base; number < end; number++) {
        int64_t arrived_us = slot_of(arrivals, number)->arrived_us;
        if (arrived(arrivals, number) && arrived_us <= until_us && llabs(last_us - arrived_us) > MAX_DISTANCE_US)
            base = number + 1;
    }
    if (base != arrivals->next) /* what is told begins with an arrival when something had to be left out */
        while (!arrived(arrivals, base) || slot_of(arrivals, base)->arrived_us > until_us)
            base++;
    size_t count = (size_t)(end - base + 1);
    arrivals->told = count;
    arrivals->lost = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t arrived_us = slot_of(arrivals, base + (int64_t)i)->arrived_us;
        /* One that came only now, long after those around it, cannot be told with them. */
        bool there = arrived(arrivals, base + (int64_t)i) && llabs(last_us - arrived_us) <= MAX_DISTANCE_US;
        times[i] = there ? arrived_us : -1;
        arrivals->lost += !there;
    }
    if (arrivals->masked)
        fill(times, count);
    arrivals->count++;
    arrivals->next = end + 1;
    return write_feedback(arrivals, base, times, count, out);
}
