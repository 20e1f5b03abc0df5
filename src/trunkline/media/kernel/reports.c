/* RTCP: what peers report and ask for, and what publishers are told. The twin is protocol/rtp/rtcp.
 *
 * Requests (NACK, PLI, FIR) are answered here. Reports and estimates go to Python as well, decrypted.
 */
#include "thread.h"

#include <string.h>
#include <time.h>

enum { SR = 200, RR = 201, SDES = 202, BYE = 203, RTPFB = 205, PSFB = 206 };
enum { FMT_NACK = 1, FMT_TRANSPORT_CC = 15, FMT_PLI = 1, FMT_FIR = 4, MAX_REPORTS = 31, COMPOUND_BYTES = 8192 };
#define REPORT_S 1.0
#define FEEDBACK_S 0.1
#define HANDED_S 0.2
#define MAX_ROUND_TRIP_S 10.0
static const uint64_t NTP_OFFSET_S = 2208988800u;

uint64_t ntp_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)(now.tv_sec + NTP_OFFSET_S) << 32 | (uint64_t)((double)now.tv_nsec * 4.294967296);
}

size_t write_picture_loss(uint8_t *out, uint32_t media_ssrc)
{
    write_u32(out, 0x81CE0002);
    write_u32(out + 4, OUR_SSRC);
    write_u32(out + 8, media_ssrc);
    return 12;
}

/* --- reading ------------------------------------------------------------------------------------------ */

struct packet {
    uint8_t kind, count;
    struct span body;
};

/* The packet at ``*position``, which moves on: 1, 0 at the end, -1 when a length or a count does not fit. */
static int next_packet(const uint8_t *data, size_t size, size_t *position, struct packet *packet)
{
    size_t at = *position;
    if (at == size)
        return 0;
    if (at + 4 > size || data[at] >> 6 != 2)
        return -1;
    size_t following = at + 4 + 4 * (size_t)read_u16(data + at + 2);
    if (following > size)
        return -1;
    packet->kind = data[at + 1];
    packet->count = data[at] & 0x1F;
    packet->body = (struct span){data + at + 4, following - at - 4};
    if (data[at] & 0x20) {
        uint8_t padding = packet->body.size ? data[following - 1] : 0;
        if (!padding || padding > packet->body.size)
            return -1;
        packet->body.size -= padding;
    }
    *position = following;
    return 1;
}

static bool fits(const struct packet *packet)
{
    size_t size = packet->body.size, count = packet->count;
    switch (packet->kind) {
    case SR:
        return size >= 24 + 24 * count;
    case RR:
        return size >= 4 + 24 * count;
    case BYE:
        return size >= 4 * count;
    case RTPFB:
        return size >= 8 && (count != FMT_NACK || (size - 8) % 4 == 0);
    case PSFB:
        return size >= 8 && (count != FMT_FIR || (size - 8) % 8 == 0);
    default:
        return true;
    }
}

static struct down *down_of(const struct peer *peer, uint32_t ssrc)
{
    for (size_t i = 0; i < peer->down_count; i++)
        if (peer->downs[i]->ssrc == ssrc)
            return peer->downs[i];
    return NULL;
}

static void on_block(struct peer *peer, const uint8_t *block)
{
    uint32_t last = read_u32(block + 16), delay = read_u32(block + 20);
    struct down *down = down_of(peer, read_u32(block));
    if (!down)
        return;
    down->reported_loss = block[4];
    down->reported_jitter = read_u32(block + 12);
    if (!last)
        return;
    double round_trip_s = (int32_t)((uint32_t)(ntp_now() >> 16) - last - delay) / 65536.0;
    if (round_trip_s >= 0 && round_trip_s < MAX_ROUND_TRIP_S)
        peer->round_trip_s = round_trip_s;
}

static void on_nack(struct port *port, struct peer *peer, struct span body)
{
    struct down *down = down_of(peer, read_u32(body.data + 4));
    for (size_t at = 8; down && at + 4 <= body.size; at += 4) {
        uint16_t first = read_u16(body.data + at), mask = read_u16(body.data + at + 2);
        down_on_nack(port, down, first);
        for (int bit = 0; bit < 16; bit++)
            if (mask >> bit & 1)
                down_on_nack(port, down, (uint16_t)(first + bit + 1));
    }
}

static void ask(struct port *port, struct peer *peer, uint32_t ssrc)
{
    struct down *down = down_of(peer, ssrc);
    if (down)
        down_ask(port, down);
}

/* Works one packet off; whether Python has to see it, and whether it is only a receiver's regular report. */
static bool take_packet(struct port *port, struct peer *peer, const struct packet *packet, bool *regular)
{
    const uint8_t *body = packet->body.data;
    struct source *source;
    switch (packet->kind) {
    case SR:
        source = peer_source(peer, read_u32(body));
        if (source && !source->repair)
            reception_on_sender_report(&source->track->layers[source->layer].reception,
                                       (uint64_t)read_u32(body + 4) << 32 | read_u32(body + 8), port->now_s);
        for (size_t i = 0; i < packet->count; i++)
            on_block(peer, body + 24 + 24 * i);
        *regular = true;
        return packet->count;
    case RR:
        for (size_t i = 0; i < packet->count; i++)
            on_block(peer, body + 4 + 24 * i);
        *regular = true;
        return packet->count;
    case SDES:
        return false;
    case RTPFB:
        if (packet->count == FMT_NACK)
            on_nack(port, peer, packet->body);
        return packet->count != FMT_NACK;
    case PSFB:
        if (packet->count == FMT_PLI)
            ask(port, peer, read_u32(body + 4));
        else if (packet->count == FMT_FIR)
            for (size_t at = 8; at + 8 <= packet->body.size; at += 8)
                ask(port, peer, read_u32(body + at));
        return packet->count != FMT_PLI && packet->count != FMT_FIR;
    default:
        return true;
    }
}

void reports_receive(struct port *port, struct peer *peer, const uint8_t *compound, size_t size)
{
    struct packet packet;
    size_t position = 0;
    int more;
    while ((more = next_packet(compound, size, &position, &packet)) == 1)
        if (!fits(&packet))
            return;
    if (more < 0)
        return;
    bool hand = false, regular = false, only_regular = true;
    for (position = 0; next_packet(compound, size, &position, &packet) == 1;) {
        bool is_regular = false;
        if (take_packet(port, peer, &packet, &is_regular)) {
            hand = true;
            regular |= is_regular;
            only_regular &= is_regular;
        }
    }
    if (!hand || (regular && only_regular && port->now_s - peer->handed_s < HANDED_S))
        return;
    peer->handed_s = port->now_s;
    struct event event = {.size = (uint32_t)size, .peer = peer->id, .kind = EVENT_REPORT};
    events_put(&port->events, &event, compound);
}

/* --- writing ---------------------------------------------------------------------------------------------- */

static size_t write_reports(struct peer *peer, double now_s, uint8_t *out)
{
    size_t count = 0;
    for (struct track *track = peer->tracks; track; track = track->next)
        for (size_t i = 0; i < track->layer_count && count < MAX_REPORTS; i++)
            count += reception_report(&track->layers[i].reception, now_s, out + 8 + count * REPORT_BLOCK_BYTES);
    if (!count)
        return 0;
    size_t size = 8 + count * REPORT_BLOCK_BYTES;
    write_u32(out, 0x80C90000u | (uint32_t)count << 24 | (uint32_t)(size / 4 - 1));
    write_u32(out + 4, OUR_SSRC);
    return size;
}

static size_t write_nack(const uint16_t *asked, size_t count, uint32_t ssrc, uint8_t *out)
{
    size_t size = 12;
    for (size_t i = 0; i < count;) {
        uint16_t first = asked[i++], mask = 0;
        for (; i < count && (uint16_t)(asked[i] - first - 1) < 16; i++)
            mask |= (uint16_t)(1u << ((asked[i] - first - 1) & 0xF));
        write_u16(out + size, first);
        write_u16(out + size + 2, mask);
        size += 4;
    }
    write_u32(out, 0x81CD0000u | (uint32_t)(size / 4 - 1));
    write_u32(out + 4, OUR_SSRC);
    write_u32(out + 8, ssrc);
    return size;
}

/* Since when packets of the peer are asked for in vain. */
static void note_missing(struct peer *peer)
{
    struct arrivals *arrivals = &peer->arrivals;
    arrivals->has_missing = false;
    for (struct track *track = peer->tracks; track; track = track->next)
        for (size_t i = 0; i < track->layer_count; i++) {
            const struct reception *reception = &track->layers[i].reception;
            if (!reception->missing_count)
                continue;
            double noticed_s = reception->missing[0].noticed_s;
            if (!arrivals->has_missing || noticed_s < arrivals->missing_s)
                arrivals->missing_s = noticed_s;
            arrivals->has_missing = true;
        }
}

static size_t write_feedback(struct peer *peer, double now_s, uint8_t *out)
{
    note_missing(peer);
    size_t size = arrivals_feedback(&peer->arrivals, now_s, out + 12);
    if (!size)
        return 0;
    peer->told += peer->arrivals.told;
    peer->told_lost += peer->arrivals.lost;
    size_t padding = (4 - size % 4) % 4;
    if (padding) {
        memset(out + 12 + size, 0, padding);
        out[12 + size + padding - 1] = (uint8_t)padding;
    }
    write_u32(out, (padding ? 0xAFCD0000u : 0x8FCD0000u) | (uint32_t)((12 + size + padding) / 4 - 1));
    write_u32(out + 4, OUR_SSRC);
    write_u32(out + 8, peer->source_count ? peer->sources[0].ssrc : 0);
    return 12 + size + padding;
}

void reports_due(struct port *port, struct peer *peer)
{
    static uint8_t compound[COMPOUND_BYTES + MAX_FEEDBACK_BYTES + 4 * MAX_MISSING + 64]; /* guarded by the lock */
    uint16_t asked[MAX_MISSING];
    size_t size = 0;
    if (!peer->keyed || !peer->reached)
        return;
    if (port->now_s - peer->report_s >= REPORT_S) {
        peer->report_s = port->now_s;
        size += write_reports(peer, port->now_s, compound);
    }
    size_t regular = size;
    for (struct track *track = peer->tracks; track; track = track->next)
        for (size_t i = 0; i < track->layer_count && size < COMPOUND_BYTES / 2; i++) {
            struct layer *layer = &track->layers[i];
            size_t count = layer->reception.missing_count
                               ? reception_to_ask(&layer->reception, port->now_s, peer->uplink_round_trip_s, asked)
                               : 0;
            if (count)
                size += write_nack(asked, count, layer->ssrc, compound + size);
            if (layer->reception.hole_count)
                track_on_holes(port, layer);
            if (layer->reception.hopeless_count)
                track_on_hopeless(port, layer);
            if (layer->asks_left)
                track_ask_again(port, layer);
        }
    if (port->now_s - peer->feedback_s >= FEEDBACK_S) {
        peer->feedback_s = port->now_s;
        size += write_feedback(peer, port->now_s, compound + size);
    }
    if (size)
        peer_send_report(port, peer, compound, size);
    /* On a path that loses much what is urgent goes out several times, each copy with a number of its own. */
    for (int more = 1; size > regular && more < peer->copies; more++)
        peer_send_report(port, peer, compound + regular, size - regular);
}
