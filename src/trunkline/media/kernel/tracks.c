/* Published tracks: which source belongs to which, their layers as they arrive, what is asked of the publisher.
 *
 * The twins are media/sfu/uplink and uptrack. Not here: what a subscriber is sent (downtracks.c).
 */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

#define KEY_FRAME_PAUSE_S 0.5
#define KEY_FRAME_ASKS 6
#define LIVE_S 0.6
#define LONG_AGO -1e9

struct track *track_add(struct port *port, struct peer *peer)
{
    struct track *track = calloc(1, sizeof *track);
    if (!track)
        return NULL;
    track->id = handle_add(port, HANDLE_TRACK, track);
    if (!track->id) {
        free(track);
        return NULL;
    }
    track->peer = peer;
    track->level = track->first = track->last = track->last_type = -1;
    for (size_t i = 0; i < MAX_LAYERS; i++) {
        struct layer *layer = &track->layers[i];
        layer->track = track;
        layer->index = (uint8_t)i;
        layer->arrived_s = layer->asked_s = LONG_AGO;
        layer->key_number = -1;
    }
    track->next = peer->tracks;
    peer->tracks = track;
    if (!peer->publishes) {
        peer->publishes = true;
        peer->next_publisher = port->publishers;
        port->publishers = peer;
    }
    return track;
}

void track_remove(struct port *port, struct track *track)
{
    track->dead = true;
    for (struct track **at = &track->peer->tracks; *at; at = &(*at)->next)
        if (*at == track) {
            *at = track->next;
            break;
        }
    peer_drop_sources(track->peer, track);
    for (size_t i = 0; i < track->down_count; i++)
        track->downs[i]->track = NULL; /* they stay until they are unsubscribed, and get nothing */
    track->down_count = 0;
    handle_drop(port, track->id);
    port_bury(port, HANDLE_TRACK, track);
}

void track_free(struct track *track)
{
    for (size_t i = 0; i < MAX_LAYERS; i++) {
        reception_end(&track->layers[i].reception);
        if (track->layers[i].kept)
            kept_end(track->layers[i].kept);
        free(track->layers[i].holes);
        free(track->layers[i].scaling);
    }
    frames_end(&track->frames);
    free(track->downs);
    free(track);
}

/* --- finding -------------------------------------------------------------------------------------- */

static bool find_extension(const struct rtp *rtp, uint8_t id, struct span *value)
{
    struct extension element;
    size_t position = 0;
    bool found = false;
    while (id && rtp_next_extension(rtp, &position, &element))
        if (element.id == id) {
            *value = element.value; /* the last one counts, as in a dictionary */
            found = true;
        }
    return found;
}

static bool is_named(const char *name, struct span value)
{
    return value.size < NAME_BYTES && strlen(name) == value.size && !memcmp(name, value.data, value.size);
}

static int layer_named(const struct track *track, struct span name)
{
    for (size_t i = 0; i < track->layer_count; i++)
        if (is_named(track->layers[i].rid, name))
            return (int)i;
    return -1;
}

/* The track of a source seen for the first time, by what its header says. */
static struct source *find_by_names(struct peer *peer, const struct rtp *rtp)
{
    struct span mid, repaired, rid;
    if (!find_extension(rtp, peer->mid_id, &mid))
        return NULL;
    struct track *track = peer->tracks;
    while (track && !is_named(track->mid, mid))
        track = track->next;
    if (!track)
        return NULL;
    bool is_repaired = find_extension(rtp, track->repaired_id, &repaired);
    bool has_rid = find_extension(rtp, track->rid_id, &rid);
    int layer = is_repaired ? layer_named(track, repaired) : has_rid ? layer_named(track, rid) : -1;
    if (layer < 0) {
        if (track->layer_count > 1)
            return NULL;
        layer = 0;
    }
    bool repair = is_repaired || track->formats[rtp->payload_type].kind == FORMAT_REPAIR;
    return peer_add_source(peer, rtp->ssrc, track, (uint8_t)layer, repair) ? peer_source(peer, rtp->ssrc) : NULL;
}

struct source *track_of(struct peer *peer, const struct rtp *rtp)
{
    struct source *source = peer_source(peer, rtp->ssrc);
    return source ? source : find_by_names(peer, rtp);
}

/* --- packets --------------------------------------------------------------------------------------- */

static void keep_frames(struct track *track, const struct rtp_media *media)
{
    struct frame frames[MAX_BLOCKS];
    if (media->kind != FORMAT_RED) {
        frames_add(&track->frames, (struct frame){media->rtp.timestamp, media->rtp.payload});
        return;
    }
    size_t count = red_parse(media->rtp.payload, media->rtp.timestamp, frames);
    for (size_t i = 0; i < count; i++)
        frames_add(&track->frames, frames[i]);
}

static void read_part(struct track *track, struct layer *layer, struct rtp_media *media, double now_s)
{
    struct part *part = &media->part;
    if (!layer->scaling && !(layer->scaling = calloc(1, sizeof *layer->scaling)))
        return;
    part_read(layer->scaling, media->codec, media->rtp.payload, media->descriptor, part);
    if (part->known && track->layer_count == 1 && part->spatial < MAX_SPATIAL) {
        track->scaled[part->spatial] += media->rtp.payload.size;
        track->scaled_s[part->spatial] = now_s;
    }
}

static void read_video(struct track *track, struct layer *layer, struct rtp_media *media, double now_s)
{
    smoothness_on_packet(&layer->smoothness, media->rtp.timestamp, now_s);
    media->key_frame = is_key_frame(media->codec, media->rtp.payload);
    if (media->key_frame && media->number > layer->key_number)
        layer->key_number = media->number;
    media->has_vp8 = media->codec == CODEC_VP8 && vp8_parse(media->rtp.payload, &media->vp8);
    find_extension(&media->rtp, track->orientation_id, &media->orientation);
    find_extension(&media->rtp, track->descriptor_id, &media->descriptor);
    read_part(track, layer, media, now_s);
    if (!layer->holes)
        layer->holes = calloc(1, sizeof *layer->holes);
    if (layer->holes)
        holes_on_packet(layer->holes, media->rtp.sequence, media->rtp.timestamp,
                        begins_frame(media->codec, media->rtp.payload), media->rtp.marker,
                        picture_of(media->codec, media->rtp.payload));
    if (!layer->kept)
        layer->kept = calloc(1, sizeof *layer->kept);
    if (layer->kept)
        kept_add(layer->kept, media);
}

/* The original inside a retransmission (RFC 4588 section 4); false for mere padding. */
static bool unwrap_repair(const struct track *track, const struct layer *layer, struct rtp *rtp)
{
    if (track->formats[rtp->payload_type].kind != FORMAT_REPAIR || rtp->payload.size < 2 || !layer->has_source)
        return false;
    rtp->payload_type = track->formats[rtp->payload_type].original;
    rtp->sequence = read_u16(rtp->payload.data);
    rtp->ssrc = layer->ssrc;
    rtp->payload.data += 2;
    rtp->payload.size -= 2;
    return true;
}

bool track_take(struct port *port, struct source *source, struct rtp_media *media)
{
    struct track *track = source->track;
    struct layer *layer = &track->layers[source->layer];
    struct span level;
    if (source->repair) {
        if (!unwrap_repair(track, layer, &media->rtp))
            return false;
    } else if (find_extension(&media->rtp, track->level_id, &level) && level.size) {
        track->level = level.data[0] & 0x7F;
    }
    media->layer = layer;
    media->level = track->level;
    media->kind = track->formats[media->rtp.payload_type].kind;
    media->codec = track->formats[media->rtp.payload_type].codec;
    size_t size = media->rtp.payload.size;
    if ((media->kind != FORMAT_MEDIA && media->kind != FORMAT_RED) || !layer->has_source ||
        !reception_on_packet(&layer->reception, media->rtp.sequence, media->rtp.timestamp, size, port->now_s,
                             &media->number))
        return false;
    layer->arrived_s = port->now_s;
    layer->octets += size;
    if (size)
        track->last_type = media->rtp.payload_type;
    if (size && track->audio)
        keep_frames(track, media);
    else if (size)
        read_video(track, layer, media, port->now_s);
    return true;
}

static bool flows(const struct layer *layer, double now_s)
{
    return now_s - layer->arrived_s < LIVE_S;
}

/* The highest flowing layer up to the wanted one; the lowest flowing above it otherwise; else the lowest. */
int track_best_layer(const struct track *track, int wanted, double now_s)
{
    int best = -1;
    for (size_t i = 0; i < track->layer_count; i++)
        if (flows(&track->layers[i], now_s) && ((int)i <= wanted || best < 0))
            best = (int)i;
    return best < 0 ? 0 : best;
}

static bool may_ask(const struct layer *layer, double now_s)
{
    return layer->has_source && now_s - layer->asked_s >= KEY_FRAME_PAUSE_S;
}

static void request_key_frame(struct port *port, struct layer *layer)
{
    uint8_t request[12];
    layer->asked_s = port->now_s;
    size_t size = write_picture_loss(request, layer->ssrc);
    for (int copies = 0; copies < layer->track->peer->copies; copies++)
        peer_send_report(port, layer->track->peer, request, size);
}

void track_ask(struct port *port, struct layer *layer)
{
    if (!may_ask(layer, port->now_s))
        return;
    layer->asked_number = layer->reception.started ? layer->reception.highest : -1;
    layer->asks_left = KEY_FRAME_ASKS - 1;
    request_key_frame(port, layer);
}

static bool is_seen(const struct layer *layer)
{
    const struct track *track = layer->track;
    for (size_t k = 0; k < track->down_count; k++)
        if (track->downs[k]->layer == layer->index && !track->downs[k]->paused)
            return true;
    return false;
}

void track_ask_again(struct port *port, struct layer *layer)
{
    if (!may_ask(layer, port->now_s) || !layer->track->peer->recovery)
        return;
    if (layer->key_number > layer->asked_number || !is_seen(layer) || !flows(layer, port->now_s)) {
        layer->asks_left = 0;
        return;
    }
    layer->asks_left--;
    request_key_frame(port, layer);
}

void track_on_holes(struct port *port, struct layer *layer)
{
    struct track *track = layer->track;
    size_t count = layer->reception.hole_count;
    layer->reception.hole_count = 0;
    if (track->audio || !layer->holes || !track->peer->recovery)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!holes_was_padding(layer->holes, layer->reception.holes[i]))
            continue;
        reception_forget(&layer->reception, layer->reception.holes[i]);
        for (size_t k = 0; k < track->down_count; k++)
            down_on_hole(port, track->downs[k], layer, layer->reception.holes[i]);
    }
}

void track_on_hopeless(struct port *port, struct layer *layer)
{
    struct track *track = layer->track;
    size_t count = layer->reception.hopeless_count;
    layer->reception.hopeless_count = 0;
    if (track->audio || !layer->holes || !track->peer->recovery)
        return;
    bool seen = is_seen(layer);
    for (size_t i = 0; i < count && seen; i++) {
        int64_t number = layer->reception.hopeless[i];
        if (number >= layer->key_number && !holes_was_padding(layer->holes, (uint16_t)number))
            track_ask(port, layer);
    }
}
