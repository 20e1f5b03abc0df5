/* The other sides: keys, where they are reached, what they publish and subscribe to. */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

struct peer *peer_add(struct port *port)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->id = handle_add(port, HANDLE_PEER, peer);
    if (!peer->id) {
        free(peer);
        return NULL;
    }
    peer->copies = peer->answers = 1;
    peer->round_trip_s = peer->uplink_round_trip_s = -1;
    peer->arrivals.origin_s = monotonic_s();
    return peer;
}

static void unlink_publisher(struct port *port, const struct peer *peer)
{
    for (struct peer **at = &port->publishers; *at; at = &(*at)->next_publisher)
        if (*at == peer) {
            *at = peer->next_publisher;
            return;
        }
}

void peer_remove(struct port *port, struct peer *peer)
{
    peer->dead = true;
    pacer_end(port, peer);
    owners_forget(&port->owners, peer);
    if (peer->publishes)
        unlink_publisher(port, peer);
    while (peer->tracks)
        track_remove(port, peer->tracks);
    while (peer->down_count)
        down_remove(port, peer->downs[peer->down_count - 1]);
    handle_drop(port, peer->id);
    port_bury(port, HANDLE_PEER, peer);
}

void peer_free(struct peer *peer)
{
    if (peer->keyed) {
        srtp_close(&peer->in);
        srtp_close(&peer->out);
    }
    arrivals_end(&peer->arrivals);
    history_end(&peer->history);
    free(peer->sources);
    free(peer->downs);
    free(peer);
}

struct source *peer_source(struct peer *peer, uint32_t ssrc)
{
    for (size_t i = 0; i < peer->source_count; i++)
        if (peer->sources[i].ssrc == ssrc)
            return &peer->sources[i];
    return NULL;
}

bool peer_add_source(struct peer *peer, uint32_t ssrc, struct track *track, uint8_t layer, bool repair)
{
    struct source *source = peer_source(peer, ssrc);
    if (!source) {
        if (peer->source_count >= MAX_SOURCES)
            return false;
        if (peer->source_count == peer->source_capacity) {
            size_t capacity = peer->source_capacity ? 2 * peer->source_capacity : 8;
            struct source *larger = realloc(peer->sources, capacity * sizeof *larger);
            if (!larger)
                return false;
            peer->sources = larger;
            peer->source_capacity = capacity;
        }
        source = &peer->sources[peer->source_count++];
    }
    *source = (struct source){ssrc, track, layer, repair};
    if (!repair) {
        struct layer *named = &track->layers[layer];
        named->has_source = true;
        named->ssrc = ssrc;
        reception_end(&named->reception);
        reception_begin(&named->reception, ssrc, track->audio ? 48000 : 90000);
    }
    return true;
}

void peer_drop_sources(struct peer *peer, const struct track *track)
{
    size_t kept = 0;
    for (size_t i = 0; i < peer->source_count; i++)
        if (peer->sources[i].track != track)
            peer->sources[kept++] = peer->sources[i];
    peer->source_count = kept;
}

bool peer_send_report(struct port *port, struct peer *peer, const uint8_t *compound, size_t size)
{
    if (!peer->keyed || !peer->reached || peer->dead || size > DATAGRAM_BYTES * 4)
        return false;
    uint8_t *room = output_room(port, size + SRTP_OVERHEAD);
    memcpy(room, compound, size);
    int sealed = srtcp_protect(&peer->out, room, size);
    if (sealed > 0)
        output_add(port, peer, room, (size_t)sealed);
    return sealed > 0;
}
