/* What a receiver keeps of one source: counts for reports, jitter, and which packets to ask for again.
 *
 * The twin, with the reasons, is protocol/rtp/reception.
 */
#include "thread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void reception_begin(struct reception *reception, uint32_t ssrc, uint32_t clock_rate)
{
    *reception = (struct reception){.ssrc = ssrc, .clock_rate = clock_rate, .missing = reception->missing};
}

void reception_end(struct reception *reception)
{
    free(reception->missing);
    reception->missing = NULL;
}

static void note_missing(struct reception *reception, int64_t number, double now_s)
{
    if (number - reception->highest - 1 > MAX_MISSING) { /* a jump: what lies between never comes */
        reception->missing_count = 0;
        reception->gave_up++;
        return;
    }
    for (int64_t gone = reception->highest + 1; gone < number; gone++) {
        if (!reception->missing && !(reception->missing = calloc(MAX_MISSING, sizeof *reception->missing)))
            return;
        if (reception->missing_count == MAX_MISSING) {
            memmove(reception->missing, reception->missing + 1, (MAX_MISSING - 1) * sizeof *reception->missing);
            reception->missing_count--;
            reception->gave_up++;
        }
        reception->missing[reception->missing_count++] = (struct missing){.number = gone, .noticed_s = now_s, .next_ask_s = now_s + FIRST_ASK_S};
    }
}

static void forget(struct reception *reception, size_t at)
{
    reception->missing_count--;
    memmove(reception->missing + at, reception->missing + at + 1,
            (reception->missing_count - at) * sizeof *reception->missing);
}

static void note_repair(struct reception *reception, const struct missing *missing, double now_s)
{
    if (missing->asks != 1)
        return;
    double took_s = now_s - missing->asked_s;
    reception->repair_s = reception->has_repair ? reception->repair_s + (took_s - reception->repair_s) / 8 : took_s;
    reception->has_repair = true;
}

static bool was_missing(struct reception *reception, int64_t number, double now_s)
{
    for (size_t at = reception->missing_count; at-- > 0;) {
        if (reception->missing[at].number == number) {
            note_repair(reception, &reception->missing[at], now_s);
            forget(reception, at);
            return true;
        }
        if (reception->missing[at].number < number)
            return false;
    }
    return false;
}

static void note_jitter(struct reception *reception, uint32_t timestamp, double now_s)
{
    double transit = now_s * reception->clock_rate - timestamp;
    if (reception->has_transit) {
        double difference = fabs(transit - reception->last_transit);
        if (difference < reception->clock_rate) /* a wrap of the timestamp or a pause is not jitter */
            reception->jitter += (difference - reception->jitter) / 16;
    }
    reception->last_transit = transit;
    reception->has_transit = true;
    double transit_s = transit / reception->clock_rate;
    if (!reception->has_least || transit_s < reception->least_transit_s)
        reception->least_transit_s = transit_s;
    reception->has_least = true;
}

bool reception_on_packet(struct reception *reception, uint16_t sequence, uint32_t timestamp, size_t size, double now_s,
                         int64_t *number)
{
    bool newest = true;
    *number = sequence;
    if (!reception->started) {
        reception->base = *number;
    } else {
        *number = nearest_number(reception->highest, sequence);
        newest = *number > reception->highest;
        if (newest)
            note_missing(reception, *number, now_s);
        else if (!was_missing(reception, *number, now_s))
            return false;
    }
    reception->started = true;
    if (newest)
        reception->highest = *number;
    reception->packets++;
    reception->octets += size;
    if (newest)
        note_jitter(reception, timestamp, now_s);
    return true;
}

void reception_forget(struct reception *reception, uint16_t sequence)
{
    int64_t number = nearest_number(reception->highest, sequence);
    for (size_t at = 0; at < reception->missing_count; at++)
        if (reception->missing[at].number == number) {
            forget(reception, at);
            return;
        }
}

/* After the first quick requests the pauses grow. */
static double pause_after(int asks, double again_s)
{
    double pause_s = again_s, most_s = again_s > MOST_AGAIN_S ? again_s : MOST_AGAIN_S;
    for (int more = asks; more > QUICK_ASKS && pause_s < most_s; more--)
        pause_s *= BACKOFF;
    return pause_s < most_s ? pause_s : most_s;
}

size_t reception_to_ask(struct reception *reception, double now_s, double round_trip_s, uint16_t asked[MAX_MISSING])
{
    double measured_s = round_trip_s >= 0 ? round_trip_s : reception->has_repair ? reception->repair_s : ASK_AGAIN_S;
    double again_s = measured_s > 0.01 ? measured_s : 0.01;
    size_t count = 0;
    for (size_t at = 0; at < reception->missing_count;) {
        struct missing *missing = &reception->missing[at];
        double age_s = now_s - missing->noticed_s;
        if (missing->next_ask_s <= now_s && age_s >= GIVE_UP_S) {
            forget(reception, at);
            reception->gave_up++;
            continue;
        }
        if (missing->next_ask_s <= now_s) {
            missing->asks++;
            if (missing->asks >= HOLE_ASKS && reception->hole_count < MAX_HOLES)
                reception->holes[reception->hole_count++] = (uint16_t)missing->number;
            if (age_s >= HOPELESS_S && !missing->hopeless && reception->hopeless_count < MAX_HOPELESS) {
                missing->hopeless = true;
                reception->hopeless[reception->hopeless_count++] = missing->number;
            }
            missing->asked_s = now_s;
            missing->next_ask_s = now_s + pause_after(missing->asks, again_s);
            asked[count++] = (uint16_t)missing->number;
        }
        at++;
    }
    return count;
}

void reception_on_sender_report(struct reception *reception, uint64_t ntp, double now_s)
{
    reception->last_report = (uint32_t)(ntp >> 16);
    reception->last_report_s = now_s;
}

static int64_t between(int64_t low, int64_t value, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

bool reception_report(struct reception *reception, double now_s, uint8_t block[REPORT_BLOCK_BYTES])
{
    if (!reception->started)
        return false;
    int64_t expected = reception->highest - reception->base + 1, received = (int64_t)reception->packets;
    int64_t expected_now = expected - reception->expected_before, received_now = received - reception->received_before;
    reception->expected_before = expected;
    reception->received_before = received;
    int64_t lost_now = expected_now > received_now ? expected_now - received_now : 0;
    int64_t fraction = expected_now > 0 ? between(0, lost_now * 256 / expected_now, 255) : 0;
    int64_t lost = between(-0x800000, expected - received, 0x7FFFFF);
    double delay = reception->last_report ? (now_s - reception->last_report_s) * 65536 : 0;
    write_u32(block, reception->ssrc);
    write_u32(block + 4, (uint32_t)fraction << 24 | ((uint32_t)lost & 0xFFFFFF));
    write_u32(block + 8, (uint32_t)reception->highest);
    write_u32(block + 12, (uint32_t)(int64_t)reception->jitter);
    write_u32(block + 16, reception->last_report);
    write_u32(block + 20, (uint32_t)(delay < UINT32_MAX ? (int64_t)delay : UINT32_MAX));
    return true;
}
