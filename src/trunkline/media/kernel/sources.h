/* What the packet thread keeps of single sources, both ways: counts, arrivals, frames, layers. None of it knows the port.
 * Times are seconds of CLOCK_MONOTONIC.
 */
#ifndef TRUNKLINE_SOURCES_H
#define TRUNKLINE_SOURCES_H

#include "kernel.h"

/* --- reception.c: one source as we receive it; the twin is protocol/rtp/reception ---------------- */

enum { MAX_MISSING = 512, QUICK_ASKS = 8, HOLE_ASKS = 3, MAX_HOLES = 64, MAX_HOPELESS = 16 };
#define FIRST_ASK_S 0.005
#define ASK_AGAIN_S 0.05
#define GIVE_UP_S 1.0
#define HOPELESS_S 0.4
#define BACKOFF 1.5
#define MOST_AGAIN_S 0.1

struct missing {
    int64_t number;
    double noticed_s, next_ask_s, asked_s;
    int asks;
    bool hopeless;
};

struct reception {
    uint32_t ssrc, clock_rate, last_report;
    bool started, has_transit;
    int64_t highest, base, expected_before, received_before;
    struct missing *missing; /* growing numbers */
    size_t missing_count;
    double jitter, last_transit, last_report_s;
    bool has_least, has_repair;
    double least_transit_s, repair_s; /* since it was last taken; from asking to getting, smoothed */
    uint16_t holes[MAX_HOLES];        /* asked for in vain so often that those behind need not wait */
    size_t hole_count;
    int64_t hopeless[MAX_HOPELESS]; /* asked for in vain for so long that a key frame may be cheaper */
    size_t hopeless_count;
    uint64_t packets, octets, gave_up;
};

enum { REPORT_BLOCK_BYTES = 24 };

void reception_begin(struct reception *reception, uint32_t ssrc, uint32_t clock_rate);
void reception_end(struct reception *reception);
/* False for a duplicate and for what is far too old. */
bool reception_on_packet(struct reception *reception, uint16_t sequence, uint32_t timestamp, size_t size, double now_s,
                         int64_t *number);
/* Fills ``asked``; a negative round trip is not known. */
/* A missing packet is not needed. */
void reception_forget(struct reception *reception, uint16_t sequence);
size_t reception_to_ask(struct reception *reception, double now_s, double round_trip_s, uint16_t asked[MAX_MISSING]);
void reception_on_sender_report(struct reception *reception, uint64_t ntp, double now_s);
bool reception_report(struct reception *reception, double now_s, uint8_t block[REPORT_BLOCK_BYTES]);

/* --- arrivals.c: transport-wide feedback to a publisher; the twin is protocol/rtp/arrivals -------- */

enum { MAX_SPAN = 2000, ARRIVAL_SLOTS = 4096, MAX_FEEDBACK_BYTES = 8 + 2 * MAX_SPAN + 4 * MAX_SPAN };

struct arrivals {
    struct arrival {
        int64_t number, arrived_us;
    } *slots; /* by number modulo ARRIVAL_SLOTS; NULL before the first */
    int64_t highest, next;
    double origin_s;
    uint8_t count;
    bool masked;    /* report what is missing as received; feedback then lags */
    bool has_missing;
    double missing_s; /* since when packets are asked for in vain */
    size_t lost, told; /* of the latest feedback */
};

bool arrivals_on_packet(struct arrivals *arrivals, uint16_t number, double now_s);
/* The feedback's body, as protocol/rtp/transport_cc writes it; 0 when there is nothing to tell. */
size_t arrivals_feedback(struct arrivals *arrivals, double now_s, uint8_t out[MAX_FEEDBACK_BYTES]);
void arrivals_end(struct arrivals *arrivals);

/* --- history.c: what was sent, by transport number; the twin is media/congestion/history ---------- */

enum { HISTORY_PACKETS = 8192, HISTORY_FIRST = 128 };

struct carried { /* what a packet carried, so that it can be sent again when it is reported lost; 0: nothing such */
    uint32_t down;
    uint16_t sequence;
    bool twice; /* it went out so */
};

struct sent {
    double sent_s;
    uint32_t down; /* carried */
    uint16_t sequence, size, cluster;
    bool kept, lost, twice, again;
};

struct history {
    struct sent *ring; /* by number modulo capacity */
    size_t capacity;
    int64_t next, oldest, clock_us, highest_us;
    bool has_highest;
    int64_t in_flight;
};

struct reported {
    int64_t number, arrived_us; /* -1: it did not arrive */
    double sent_s;
    uint16_t size, cluster;
    struct carried carried;
    bool again, known; /* asked for and sent under its number again; reported missing before */
};

/* Brings what the next call writes to into the cache. */
void history_fetch(const struct history *history);
uint16_t history_on_sent(struct history *history, size_t size, double now_s, uint16_t cluster,
                         struct carried carried);
/* What went out under a number goes out once more, as the same bytes. */
void history_on_sent_again(struct history *history, uint16_t number);
/* Reads a feedback's body: how many statuses, with their arrivals in microseconds (-1: none) in memory to free. -1 when
 * it is malformed. Needs no lock. */
long feedback_parse(struct span body, uint16_t *base, uint8_t *count, int64_t **arrivals);
/* Fills ``found`` (room for ``count``) with packets reported on for the first time. */
size_t history_on_feedback(struct history *history, uint16_t base, const int64_t *arrivals, size_t count,
                           struct reported *found);
void history_end(struct history *history);

/* --- frames.c: redundant audio; the twins are protocol/rtp/red and media/recovery/frames ----------- */

enum { MAX_FRAMES = 40, MAX_BLOCKS = 32, MAX_OFFSET = (1 << 14) - 1, MAX_BLOCK_BYTES = (1 << 10) - 1, MAX_RED_BYTES = 1100 };

struct frame {
    uint32_t timestamp;
    struct span data;
};

/* The frames of a redundant payload, oldest first; 0 when it is malformed. */
size_t red_parse(struct span payload, uint32_t timestamp, struct frame frames[MAX_BLOCKS]);

struct frame_store { /* a ring, oldest at ``first`` */
    struct kept_frame {
        uint32_t timestamp;
        uint16_t size;
        uint8_t *data;
    } frames[MAX_FRAMES];
    size_t first, count;
};

void frames_add(struct frame_store *store, struct frame frame);
void frames_end(struct frame_store *store);

struct repacker { /* timestamps sent and how often, a ring, oldest at ``first`` */
    uint32_t sent[2 * MAX_FRAMES], newest;
    uint8_t times[2 * MAX_FRAMES];
    size_t first, count;
};

/* Brings what the next note writes to into the cache. */
void repacker_fetch(const struct repacker *repacker);
void repacker_note(struct repacker *repacker, uint32_t timestamp);
bool repacker_is_new(const struct repacker *repacker, uint32_t timestamp);
/* The redundant payload with ``depth`` earlier frames at least where there are so many; 0 when there is no room. */
size_t repacker_pack(struct repacker *repacker, const struct frame_store *store, uint8_t payload_type,
                     struct frame primary, int depth, uint8_t *out, size_t capacity);
/* The same from given frames, newest first. */
size_t red_pack(uint8_t payload_type, struct frame primary, const struct frame *earlier, size_t count, uint8_t *out,
                size_t capacity);

/* --- holes.c: which missing packets were empty; the twin is media/recovery/holes -------------------------- */

enum { HOLE_MEMORY = 512, MAX_GAP = 16 };

struct holes {
    struct around {
        uint32_t timestamp;
        uint16_t sequence;
        bool known, begins, ends;
        int picture; /* -1: its codec does not number frames */
    } packets[HOLE_MEMORY]; /* by sequence number */
    bool started;
    uint32_t timestamp;
    double interval;
};

void holes_on_packet(struct holes *holes, uint16_t sequence, uint32_t timestamp, bool begins, bool ends, int picture);
bool holes_was_padding(const struct holes *holes, uint16_t sequence);

/* --- smoothness.c: how steadily frames arrive; the twin is protocol/rtp/smoothness ------------------------ */

struct smoothness {
    uint64_t frames, freezes;
    double frozen_s, began_s, usual_s;
    uint32_t timestamp;
    bool has_usual;
};

void smoothness_on_packet(struct smoothness *smoothness, uint32_t timestamp, double now_s);

/* --- scaler.c: spatial layers of scalable video; the twin is media/sfu/scaler ---------------------------- */

struct scaling { /* of one source */
    struct dependencies structure;
    uint8_t top;
};

struct part { /* what a packet is of */
    bool known, begins, ends, free, has_frame, base; /* ``base``: all others depend on it */
    uint8_t spatial;
    uint16_t frame;
};

struct scaler { /* of one subscriber */
    int present; /* -1 before the first */
    uint16_t offset, highest;
    bool has_highest;
};

struct verdict {
    bool sent, last, asks;
};

void part_read(struct scaling *scaling, enum codec codec, struct span payload, struct span descriptor, struct part *part);
void scaler_begin(struct scaler *scaler, const struct part *part);
struct verdict scaler_take(struct scaler *scaler, const struct part *part, int wanted, int top, bool newest);
uint16_t scaler_renumber(struct scaler *scaler, uint16_t frame);

#endif
