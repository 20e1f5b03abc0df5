/* What was sent to a peer, by transport number, so that feedback becomes packets with both times.
 *
 * The twins are media/congestion/history and protocol/rtp/transport_cc. The ring grows while packets of the last
 * seconds are not reported on: a listener who never reports costs little.
 */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

enum { TICK_US = 250, REFERENCE_TICKS = 256, REMEMBERED_S = 6 };
static const int64_t CLOCK_US = (int64_t)(1 << 24) * 64000; /* the receiver's reference time wraps here */

static struct sent *sent_at(const struct history *history, int64_t number)
{
    return &history->ring[number & (int64_t)(history->capacity - 1)];
}

static bool grow(struct history *history)
{
    size_t capacity = history->capacity ? 2 * history->capacity : HISTORY_FIRST;
    struct history larger = *history;
    larger.capacity = capacity;
    larger.ring = calloc(capacity, sizeof *larger.ring);
    if (!larger.ring)
        return false;
    for (int64_t number = history->oldest; number < history->next; number++)
        *sent_at(&larger, number) = *sent_at(history, number);
    free(history->ring);
    *history = larger;
    return true;
}

static void forget(struct history *history, int64_t number)
{
    struct sent *sent = sent_at(history, number);
    if (sent->kept && !sent->lost)
        history->in_flight -= sent->size;
    sent->kept = false;
}

void history_fetch(const struct history *history)
{
    if (history->capacity)
        __builtin_prefetch(sent_at(history, history->next), 1);
}

uint16_t history_on_sent(struct history *history, size_t size, double now_s, uint16_t cluster, struct carried carried)
{
    int64_t number = history->next;
    if (number - history->oldest >= (int64_t)history->capacity) {
        bool recent = history->capacity && sent_at(history, history->oldest)->sent_s > now_s - REMEMBERED_S;
        bool wanted = !history->capacity || (recent && history->capacity < HISTORY_PACKETS);
        if (!(wanted && grow(history)) && history->capacity)
            forget(history, history->oldest++);
    }
    history->next++;
    if (history->capacity) {
        size = size < UINT16_MAX ? size : UINT16_MAX;
        *sent_at(history, number) =
            (struct sent){now_s, carried.down, carried.sequence, (uint16_t)size, cluster, true, false, carried.twice, false};
        history->in_flight += (int64_t)size;
    }
    return (uint16_t)number;
}

void history_on_sent_again(struct history *history, uint16_t number)
{
    int64_t extended = nearest_number(history->next - 1, number);
    if (extended >= history->oldest && extended < history->next && sent_at(history, extended)->kept)
        sent_at(history, extended)->again = true;
}

/* --- feedback as bytes ------------------------------------------------------------------------------ */

static size_t read_chunk(uint16_t chunk, uint8_t *symbols, size_t room)
{
    size_t count = 0;
    if (!(chunk & 0x8000)) {
        size_t run = chunk & 0x1FFF;
        count = run < room ? run : room;
        memset(symbols, chunk >> 13 & 3, count);
        return count;
    }
    int bits = chunk & 0x4000 ? 2 : 1;
    for (int shift = 14 - bits; shift >= 0 && count < room; shift -= bits)
        symbols[count++] = (uint8_t)(chunk >> shift & (bits == 2 ? 3 : 1));
    return count;
}

long feedback_parse(struct span body, uint16_t *base, uint8_t *count, int64_t **arrivals)
{
    *arrivals = NULL;
    if (body.size < 10)
        return -1;
    size_t expected = read_u16(body.data + 2), found = 0, at = 8;
    uint8_t *symbols = malloc(expected + 1);
    int64_t *times = malloc((expected + 1) * sizeof *times);
    bool sound = symbols && times;
    while (sound && found < expected) {
        sound = at + 2 <= body.size;
        if (sound)
            found += read_chunk(read_u16(body.data + at), symbols + found, expected - found);
        at += 2;
    }
    int64_t ticks = (int64_t)(read_u32(body.data + 4) >> 8) * REFERENCE_TICKS;
    for (size_t i = 0; sound && i < expected; i++) {
        uint8_t symbol = symbols[i];
        times[i] = -1;
        if (!symbol)
            continue;
        sound = symbol != 3 && at + symbol <= body.size;
        if (!sound)
            break;
        ticks += symbol == 1 ? body.data[at] : (int16_t)read_u16(body.data + at);
        at += symbol;
        times[i] = ticks * TICK_US;
        if (times[i] < 0) /* before the beginning of its clock: as good as the beginning */
            times[i] = 0;
    }
    free(symbols);
    if (!sound) {
        free(times);
        return -1;
    }
    *base = read_u16(body.data);
    *count = body.data[7];
    *arrivals = times;
    return (long)expected;
}

static int64_t unwrap(struct history *history, int64_t arrived_us)
{
    if (history->has_highest)
        while (arrived_us + history->clock_us < history->highest_us - CLOCK_US / 2)
            history->clock_us += CLOCK_US;
    int64_t extended = arrived_us + history->clock_us;
    if (!history->has_highest || extended > history->highest_us)
        history->highest_us = extended;
    history->has_highest = true;
    return extended;
}

size_t history_on_feedback(struct history *history, uint16_t base, const int64_t *arrivals, size_t count,
                           struct reported *found)
{
    size_t reported = 0;
    int64_t highest = history->next - 1;
    if (highest < history->oldest)
        return 0;
    int64_t first = nearest_number(highest, base);
    for (size_t i = 0; i < count; i++) {
        int64_t number = first + (int64_t)i;
        if (number < history->oldest || number > highest)
            continue;
        struct sent *sent = sent_at(history, number);
        bool missing = arrivals[i] < 0;
        if (!sent->kept || (missing && sent->lost))
            continue;
        if (!sent->lost)
            history->in_flight -= sent->size;
        found[reported++] = (struct reported){number, missing ? -1 : unwrap(history, arrivals[i]), sent->sent_s,
                                              sent->size, sent->cluster, {sent->down, sent->sequence, sent->twice},
                                              sent->again, sent->lost};
        sent->lost = missing;
        sent->kept = missing;
    }
    /* What lies before and was in no feedback never will be: that feedback was lost on its way. */
    while (history->oldest < history->next &&
           (history->oldest < first - HISTORY_PACKETS / 4 || !sent_at(history, history->oldest)->kept))
        forget(history, history->oldest++);
    return reported;
}

void history_end(struct history *history)
{
    free(history->ring);
    *history = (struct history){0};
}
