/* One track on its way to one subscriber: the layer it gets, its numbers, its redundancy, its retransmissions.
 *
 * The twin, with the reasons, is media/sfu/downtrack. Which layer fits is given as ``wanted``.
 */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

enum { OVERHEAD_BYTES = 70, NAMED_PACKETS = 100, MAX_EXTENSIONS = 7, MAX_HEAD_BYTES = 512, MAX_DESCRIPTOR_BYTES = 256, MAX_PADDING = 255, TOLD_COPIES = 2 };
#define LONG_AGO -1e9

/* --- writing one packet ---------------------------------------------------------------------------- */

struct head { /* what a packet is sent as */
    struct numbers numbers;
    uint32_t ssrc;
    uint8_t payload_type;
    bool marker, with_mid;
    int level;
    struct span orientation, descriptor;
    uint16_t frame; /* instead of the one in the descriptor */
    bool waits;     /* its transport number comes when it leaves */
    struct carried carried;
};

/* The header with its extensions at ``out``, where there is room for MAX_HEAD_BYTES; its size. */
static size_t write_head(struct port *port, struct down *down, const struct head *head, size_t payload_size,
                         uint16_t cluster, uint8_t *out)
{
    struct extension extensions[MAX_EXTENSIONS];
    uint8_t level = (uint8_t)head->level, transport[2], descriptor[MAX_DESCRIPTOR_BYTES];
    size_t count = 0;
    if (down->mid_id && head->with_mid)
        extensions[count++] = (struct extension){down->mid_id, {(const uint8_t *)down->mid, strlen(down->mid)}};
    if (down->level_id && head->level >= 0)
        extensions[count++] = (struct extension){down->level_id, {&level, 1}};
    if (down->transport_id) {
        uint16_t number = 0;
        if (!head->waits)
            number = history_on_sent(&down->peer->history, payload_size + OVERHEAD_BYTES, port->now_s, cluster,
                                     head->carried);
        write_u16(transport, number);
        extensions[count++] = (struct extension){down->transport_id, {transport, sizeof transport}};
    }
    if (down->orientation_id && head->orientation.size)
        extensions[count++] = (struct extension){down->orientation_id, head->orientation};
    if (down->descriptor_id && head->descriptor.size >= 3 && head->descriptor.size <= sizeof descriptor) {
        memcpy(descriptor, head->descriptor.data, head->descriptor.size);
        write_u16(descriptor + 1, head->frame);
        extensions[count++] = (struct extension){down->descriptor_id, {descriptor, head->descriptor.size}};
    }
    struct rtp rtp = {.payload_type = head->payload_type,
                      .marker = head->marker,
                      .sequence = head->numbers.sequence,
                      .timestamp = head->numbers.timestamp,
                      .ssrc = head->ssrc};
    return rtp_write(out, MAX_HEAD_BYTES, &rtp, extensions, count);
}

/* Encrypts what stands at ``packet`` and puts it out; its size, or 0. */
static size_t put_out(struct port *port, struct down *down, uint8_t *packet, size_t size)
{
    int sealed = srtp_protect(&down->peer->out, packet, size);
    if (sealed < 0) {
        down->peer->refused++;
        return 0;
    }
    output_add(port, down->peer, packet, (size_t)sealed);
    return (size_t)sealed;
}

/* The same for a packet that may wait; what it has become, or its size if it waits, or 0. */
static size_t hand_over(struct port *port, struct down *down, const struct head *head, enum lane lane, uint8_t *packet,
                        size_t size, size_t payload_size)
{
    if (head->waits) {
        pacer_put(port, down, lane, packet, size, payload_size + OVERHEAD_BYTES);
        return size;
    }
    pacer_note(port, down->peer, payload_size + OVERHEAD_BYTES);
    return put_out(port, down, packet, size);
}

/* The same bytes once more: under its number the key stream may carry no others. */
static void put_out_again(struct port *port, struct down *down, const uint8_t *packet, size_t size)
{
    uint8_t *room = output_room(port, size);
    memmove(room, packet, size); /* what was put out stays where it is until something else is */
    output_add(port, down->peer, room, size);
}

static void count_sent(struct down *down, size_t payload_size)
{
    down->packets++;
    down->octets += payload_size;
}

static int repair_of(const struct down *down, uint8_t out_type)
{
    for (size_t i = 0; i < down->format_count; i++)
        if (down->formats[i].out == out_type && down->formats[i].repair)
            return down->formats[i].repair;
    return 0;
}

/* Of what was numbered last. */
static void keep_bytes(struct down *down, uint16_t sequence, const uint8_t *packet, size_t size)
{
    bool audio = down->track && down->track->audio;
    if (!down->bytes)
        down->bytes = audio ? sent_bytes_make(AUDIO_BYTES, AUDIO_PLACES) : sent_bytes_make(VIDEO_BYTES, KEPT_PACKETS);
    if (down->bytes && size)
        sent_bytes_add(down->bytes, sequence, (uint16_t)(down->peer->history.next - 1), (struct span){packet, size});
}

static void number_packet(struct port *port, struct down *down, uint8_t *packet, size_t size, size_t counted, uint16_t cluster)
{
    struct rtp rtp;
    struct extension element;
    size_t position = 0;
    if (!down->transport_id || !rtp_parse(packet, size, &rtp))
        return;
    struct carried carried = {down->id, rtp.sequence};
    if (rtp.ssrc == down->rtx_ssrc && rtp.payload.size >= 2)
        carried.sequence = read_u16(rtp.payload.data);
    while (rtp_next_extension(&rtp, &position, &element))
        if (element.id == down->transport_id && element.value.size == 2)
            write_u16(packet + (element.value.data - packet),
                      history_on_sent(&down->peer->history, counted, port->now_s, cluster, carried));
}

void down_leave(struct port *port, struct down *down, uint8_t *packet, size_t size, size_t counted, uint16_t cluster)
{
    uint16_t sequence = read_u16(packet + 2);
    bool repeatable = read_u32(packet + 8) == down->ssrc && !repair_of(down, packet[1] & 0x7F);
    number_packet(port, down, packet, size, counted, cluster);
    size = put_out(port, down, packet, size);
    if (size && repeatable)
        keep_bytes(down, sequence, packet, size);
}

/* Remembers a packet that is to be sent again unasked. */
static void protect(struct port *port, struct down *down, uint16_t sequence, int copies)
{
    if (!down->copies && !(down->copies = calloc(MAX_COPIES, sizeof *down->copies)))
        return;
    if (down->copy_count == MAX_COPIES)
        return; /* more than it could send in time */
    down->copies[(down->copy_first + down->copy_count++) % MAX_COPIES] = (struct copy){sequence, (uint8_t)copies};
    if (!down->repeats) {
        down->repeats = true;
        down->next_repeating = port->repeating;
        port->repeating = down;
    }
}

/* --- video ------------------------------------------------------------------------------------------- */

static void send_video(struct port *port, struct down *down, const struct rtp_media *media, uint8_t out_type, bool marker)
{
    struct numbers numbers;
    const struct vp8 *vp8 = media->has_vp8 ? &media->vp8 : NULL;
    if (!rewriter_rewrite(&down->rewriter, media->rtp.sequence, media->rtp.timestamp, port->now_s, vp8, &numbers))
        return;
    struct sent_video *sent = &down->video[numbers.sequence & (KEPT_PACKETS - 1)];
    if (sent->used && sent->sequence == numbers.sequence)
        return;
    struct head head = {.numbers = numbers, .ssrc = down->ssrc, .payload_type = out_type, .marker = marker,
                        .with_mid = down->packets < NAMED_PACKETS, .level = -1, .orientation = media->orientation,
                        .carried = {down->id, numbers.sequence}};
    if (media->part.has_frame) {
        head.descriptor = media->descriptor;
        head.frame = scaler_renumber(&down->scaler, media->part.frame);
    }
    head.waits = pacer_holds(port, down->peer);
    struct span payload = media->rtp.payload;
    uint8_t *packet = output_room(port, MAX_HEAD_BYTES + payload.size + SRTP_OVERHEAD);
    size_t size = write_head(port, down, &head, payload.size, 0, packet);
    if (!size)
        return;
    memcpy(packet + size, payload.data, payload.size);
    if (vp8)
        vp8_rewrite(packet + size, vp8, numbers.picture_id, numbers.tl0_index);
    size = hand_over(port, down, &head, LANE_VIDEO, packet, size + payload.size, payload.size);
    if (!size)
        return;
    *sent = (struct sent_video){media->number, LONG_AGO, numbers.timestamp, numbers.sequence, numbers.picture_id,
                                numbers.tl0_index, media->layer->index, out_type, true, head.with_mid, marker, false,
                                head.frame};
    if (!head.waits && !repair_of(down, out_type))
        keep_bytes(down, numbers.sequence, packet, size);
    count_sent(down, payload.size);
    bool base = (down->has_base && media->rtp.timestamp == down->base_timestamp) ||
                (vp8 && !(vp8->has_temporal && vp8->temporal)) || (media->part.known && media->part.base);
    int copies = base ? down->peer->base_copies : down->peer->other_copies;
    if (copies)
        protect(port, down, numbers.sequence, copies);
}

static void repeat_video(struct port *port, struct down *down, struct sent_video *sent, uint8_t repair, enum lane lane)
{
    const struct layer *layer = down->track ? &down->track->layers[sent->layer] : NULL;
    const struct kept *kept = layer && layer->kept ? kept_find(layer->kept, sent->number) : NULL;
    if (!kept)
        return;
    const struct rtp_media *media = &kept->media;
    struct span payload = media->rtp.payload;
    struct head head = {.numbers = {.sequence = ++down->again_sequence, .timestamp = sent->timestamp},
                        .ssrc = down->rtx_ssrc, .payload_type = repair, .marker = sent->marker,
                        .with_mid = sent->with_mid, .level = -1, .orientation = media->orientation,
                        .carried = {down->id, sent->sequence}};
    if (media->part.has_frame) {
        head.descriptor = media->descriptor;
        head.frame = sent->frame;
    }
    head.waits = pacer_holds(port, down->peer);
    uint8_t *packet = output_room(port, MAX_HEAD_BYTES + payload.size + 2 + SRTP_OVERHEAD);
    size_t size = write_head(port, down, &head, payload.size, 0, packet);
    if (!size)
        return;
    write_u16(packet + size, sent->sequence);
    memcpy(packet + size + 2, payload.data, payload.size);
    if (media->has_vp8)
        vp8_rewrite(packet + size + 2, &media->vp8, sent->picture_id, sent->tl0_index);
    down->again += hand_over(port, down, &head, lane, packet, size + 2 + payload.size, payload.size) > 0;
}

/* So many copies, unless some are still under way. */
static void repair_video(struct port *port, struct down *down, struct sent_video *sent, uint8_t repair, int copies)
{
    if (port->now_s - sent->again_s < AGAIN_S)
        return;
    sent->again_s = port->now_s;
    for (; copies > 0; copies--)
        repeat_video(port, down, sent, repair, LANE_REPAIR);
}

/* What was sent under a number; NULL when it is not kept any more. */
static struct sent_video *sent_as(struct down *down, uint16_t sequence)
{
    struct sent_video *sent = &down->video[sequence & (KEPT_PACKETS - 1)];
    return sent->used && sent->sequence == sequence ? sent : NULL;
}

/* --- audio -------------------------------------------------------------------------------------------- */

/* A packet of frames: redundant, or ``own`` alone when ``frames`` is NULL. */
static void send_frames(struct port *port, struct down *down, const struct rtp_media *media, struct numbers numbers,
                        uint8_t out_type, bool marker, struct frame own, const struct frame *frames, size_t count)
{
    struct peer *peer = down->peer;
    struct head head = {.numbers = numbers, .ssrc = down->ssrc, .payload_type = out_type, .marker = marker,
                        .with_mid = down->packets < NAMED_PACKETS, .level = media->level,
                        .carried = {.twice = peer->audio_copies > 1}};
    uint8_t *packet = output_room(port, MAX_HEAD_BYTES + own.data.size + MAX_RED_BYTES + SRTP_OVERHEAD);
    uint8_t *payload = packet + MAX_HEAD_BYTES; /* moved to its place when its size, and so the header, is known */
    size_t size = own.data.size;
    if (!frames) {
        repacker_note(down->repacker, own.timestamp);
        memcpy(payload, own.data.data, size);
    } else if (peer->depth_limit == 0) {
        struct frame earlier[MAX_BLOCKS];
        for (size_t i = 0; i + 1 < count; i++)
            earlier[i] = frames[count - 2 - i];
        size = red_pack((uint8_t)down->red_inner, own, earlier, count - 1, payload, size + MAX_RED_BYTES);
    } else {
        int floor = count > 1;
        size = repacker_pack(down->repacker, &down->track->frames, (uint8_t)down->red_inner, own,
                             peer->depth > floor ? peer->depth : floor, payload, size + MAX_RED_BYTES);
    }
    size_t head_size = size ? write_head(port, down, &head, size, 0, packet) : 0;
    if (!head_size)
        return;
    memmove(packet + head_size, payload, size);
    size_t sealed = put_out(port, down, packet, head_size + size);
    if (!sealed)
        return;
    keep_bytes(down, numbers.sequence, packet, sealed);
    if (head.carried.twice)
        put_out_again(port, down, packet, sealed);
    pacer_note(port, peer, (size + OVERHEAD_BYTES) * (head.carried.twice ? 2 : 1));
    count_sent(down, size);
}

static bool was_sent(const struct down *down, uint16_t sequence)
{
    return down->bytes && sent_bytes_find(down->bytes, sequence, NULL);
}

static void send_frame(struct port *port, struct down *down, const struct rtp_media *media, struct frame frame,
                       uint16_t sequence, uint8_t out_type, bool marker)
{
    struct numbers numbers;
    if (rewriter_rewrite(&down->rewriter, sequence, frame.timestamp, port->now_s, NULL, &numbers) &&
        !was_sent(down, numbers.sequence))
        send_frames(port, down, media, numbers, out_type, marker, frame, NULL, 0);
}

static void send_audio(struct port *port, struct down *down, const struct rtp_media *media, uint8_t out_type)
{
    struct frame frames[MAX_BLOCKS] = {{media->rtp.timestamp, media->rtp.payload}};
    size_t count = 1;
    bool redundant = media->kind == FORMAT_RED;
    if (redundant)
        count = red_parse(media->rtp.payload, media->rtp.timestamp, frames);
    if (!count || !frames[count - 1].data.size) {
        rewriter_leave_out(&down->rewriter, media->rtp.sequence);
        return;
    }
    struct frame own = frames[count - 1];
    if (down->red_type >= 0 && (redundant || down->peer->depth)) {
        struct numbers numbers;
        if (rewriter_rewrite(&down->rewriter, media->rtp.sequence, own.timestamp, port->now_s, NULL, &numbers) &&
            !was_sent(down, numbers.sequence))
            send_frames(port, down, media, numbers, (uint8_t)down->red_type, media->rtp.marker, own, frames, count);
        return;
    }
    /* A frame whose own packet was lost on its way here takes that packet's number. */
    for (size_t back = count - 1; back > 0; back--) {
        struct frame earlier = frames[count - 1 - back];
        if (earlier.data.size && repacker_is_new(down->repacker, earlier.timestamp))
            send_frame(port, down, media, earlier, (uint16_t)(media->rtp.sequence - back), out_type, false);
    }
    send_frame(port, down, media, own, media->rtp.sequence, out_type, media->rtp.marker);
}

/* --- both ------------------------------------------------------------------------------------------------ */

/* Changes to another layer when it is the one to send and a key frame begins here. */
static bool switch_layer(struct port *port, struct down *down, const struct rtp_media *media)
{
    if (media->layer->index != track_best_layer(down->track, down->wanted, port->now_s))
        return false;
    if (!down->track->audio && !media->key_frame) {
        track_ask(port, media->layer);
        return false;
    }
    down->layer = media->layer->index;
    down->newest = media->rtp.sequence;
    scaler_begin(&down->scaler, &media->part);
    rewriter_switch(&down->rewriter, media->rtp.ssrc, media->rtp.sequence, media->rtp.timestamp, port->now_s,
                    media->has_vp8 ? &media->vp8 : NULL);
    return true;
}

/* Whether a packet of a scalable stream is of the layers that are sent. */
static bool in_scale(struct port *port, struct down *down, const struct rtp_media *media, bool *marker)
{
    if (!media->part.known || !media->layer->scaling)
        return true;
    bool newest = (uint16_t)(media->rtp.sequence - down->newest) < 0x8000;
    if (newest)
        down->newest = media->rtp.sequence;
    int wanted = down->track->layer_count == 1 ? down->wanted : MAX_SPATIAL;
    struct verdict verdict = scaler_take(&down->scaler, &media->part, wanted, media->layer->scaling->top, newest);
    *marker |= verdict.last;
    if (verdict.asks)
        track_ask(port, media->layer);
    if (!verdict.sent && newest)
        rewriter_leave_out(&down->rewriter, media->rtp.sequence);
    else if (!verdict.sent) /* its number has been kept free for it */
        down_on_hole(port, down, media->layer, media->rtp.sequence);
    return verdict.sent;
}

void down_forward(struct port *port, struct down *down, const struct rtp_media *media)
{
    if (!media->rtp.payload.size) {
        /* A probe between publisher and server goes no further; its number must not look lost. */
        if (media->layer->index == down->layer)
            rewriter_leave_out(&down->rewriter, media->rtp.sequence);
        return;
    }
    if (!down->assigned || down->paused || !down->peer->keyed || !down->peer->reached)
        return;
    if (media->layer->index != down->layer && !switch_layer(port, down, media))
        return;
    for (size_t i = 0; i < down->format_count; i++) {
        if (down->formats[i].in != media->rtp.payload_type)
            continue;
        if (media->key_frame) {
            down->has_base = true;
            down->base_timestamp = media->rtp.timestamp;
        }
        bool marker = media->rtp.marker;
        if (down->track->audio)
            send_audio(port, down, media, down->formats[i].out);
        else if (in_scale(port, down, media, &marker))
            send_video(port, down, media, down->formats[i].out, marker);
        return;
    }
}

static void repeat_bytes(struct port *port, struct down *down, uint16_t sequence)
{
    uint8_t *room = output_room(port, UINT16_MAX);
    struct sent_place *place = down->bytes ? sent_bytes_find(down->bytes, sequence, room) : NULL;
    if (!place || port->now_s - place->again_s < AGAIN_S)
        return;
    place->again_s = port->now_s;
    if (down->transport_id)
        history_on_sent_again(&down->peer->history, place->transport);
    for (int copies = 0; copies < down->peer->answers; copies++) {
        room = output_room(port, UINT16_MAX);
        sent_bytes_find(down->bytes, sequence, room);
        output_add(port, down->peer, room, place->size);
    }
    down->again++;
}

void down_on_nack(struct port *port, struct down *down, uint16_t sequence)
{
    if (!down->track || !down->peer->keyed || !down->peer->reached)
        return;
    if (down->track->audio) {
        if (down->peer->round_trip_s <= AUDIO_REPAIR_S) /* later it comes too late to be played */
            repeat_bytes(port, down, sequence);
        return;
    }
    struct sent_video *sent = sent_as(down, sequence);
    if (!sent)
        return;
    int repair = repair_of(down, sent->payload_type);
    if (!repair) {
        repeat_bytes(port, down, sequence);
        return;
    }
    repair_video(port, down, sent, (uint8_t)repair, down->peer->answers);
}

void down_on_reported(struct port *port, struct down *down, uint16_t sequence, bool arrived)
{
    if (!down->video || !down->track)
        return;
    struct sent_video *sent = sent_as(down, sequence);
    if (!sent)
        return;
    sent->arrived |= arrived;
    int repair = repair_of(down, sent->payload_type);
    if (sent->arrived || !repair || !down->peer->recovery || !down->peer->keyed || !down->peer->reached)
        return;
    int answers = down->peer->answers;
    repair_video(port, down, sent, (uint8_t)repair, answers < TOLD_COPIES ? answers : TOLD_COPIES);
}

bool down_repeat(struct port *port, struct down *down)
{
    for (size_t turns = down->copy_count; turns; turns--) {
        struct copy copy = down->copies[down->copy_first];
        down->copy_first = (down->copy_first + 1) % MAX_COPIES;
        down->copy_count--;
        struct sent_video *sent = sent_as(down, copy.sequence);
        int repair = sent && !sent->arrived ? repair_of(down, sent->payload_type) : 0;
        if (!repair || !down->track || !down->peer->keyed || !down->peer->reached)
            continue;
        repeat_video(port, down, sent, (uint8_t)repair, LANE_VIDEO); /* not before what it repeats */
        if (copy.left > 1)
            down->copies[(down->copy_first + down->copy_count++) % MAX_COPIES] =
                (struct copy){copy.sequence, (uint8_t)(copy.left - 1)};
    }
    return down->copy_count;
}

void down_on_hole(struct port *port, struct down *down, const struct layer *layer, uint16_t sequence)
{
    struct numbers numbers;
    if (!down->assigned || down->paused || !down->peer->keyed || !down->peer->reached || layer->index != down->layer ||
        !down->rewriter.has_last)
        return;
    uint32_t timestamp = down->rewriter.last.timestamp;
    for (size_t i = 0; i < down->format_count; i++) {
        if (down->formats[i].in != down->track->last_type)
            continue;
        if (!rewriter_rewrite(&down->rewriter, sequence, 0, port->now_s, NULL, &numbers))
            return;
        struct sent_video *sent = &down->video[numbers.sequence & (KEPT_PACKETS - 1)];
        if (sent->used && sent->sequence == numbers.sequence)
            return;
        numbers.timestamp = timestamp;
        struct head head = {.numbers = numbers, .ssrc = down->ssrc, .payload_type = down->formats[i].out,
                            .with_mid = down->packets < NAMED_PACKETS, .level = -1};
        uint8_t *packet = output_room(port, MAX_HEAD_BYTES + SRTP_OVERHEAD);
        size_t size = write_head(port, down, &head, 0, 0, packet);
        if (size && put_out(port, down, packet, size)) {
            sent->used = true;
            sent->sequence = numbers.sequence;
            sent->number = INT64_MIN; /* nothing to repeat: it is sent once */
            count_sent(down, 0);
        }
        return;
    }
}

void down_ask(struct port *port, struct down *down)
{
    if (!down->track || down->track->audio)
        return;
    int layer = down->layer >= 0 ? down->layer : track_best_layer(down->track, down->wanted, port->now_s);
    track_ask(port, &down->track->layers[layer]);
}

size_t down_probe(struct port *port, struct down *down, size_t size, uint16_t cluster)
{
    size_t sent = 0;
    int repair = 0;
    for (size_t i = 0; i < down->format_count && !repair; i++)
        repair = down->formats[i].repair;
    if (!repair || !down->peer->keyed || !down->peer->reached || !down->rewriter.has_last)
        return 0;
    sent = pacer_spend(port, down->peer, size, cluster);
    while (sent < size) {
        struct head head = {.numbers = {.sequence = ++down->again_sequence, .timestamp = down->rewriter.last.timestamp},
                            .ssrc = down->rtx_ssrc, .payload_type = (uint8_t)repair, .level = -1};
        uint8_t *packet = output_room(port, MAX_HEAD_BYTES + MAX_PADDING + SRTP_OVERHEAD);
        size_t head_size = write_head(port, down, &head, MAX_PADDING, cluster, packet);
        if (!head_size)
            break;
        packet[0] |= 0x20;
        memset(packet + head_size, 0, MAX_PADDING - 1);
        packet[head_size + MAX_PADDING - 1] = MAX_PADDING;
        if (!put_out(port, down, packet, head_size + MAX_PADDING))
            break;
        sent += MAX_PADDING + OVERHEAD_BYTES;
    }
    return sent;
}

void down_report(struct port *port, struct down *down)
{
    uint8_t report[28];
    const struct rewriter *rewriter = &down->rewriter;
    if (!rewriter->has_last || port->now_s - down->report_s < 1.0)
        return;
    down->report_s = port->now_s;
    uint64_t ntp = ntp_now();
    uint32_t passed = (uint32_t)(int64_t)((port->now_s - rewriter->last_s) * rewriter->clock_rate);
    write_u32(report, 0x80C80006);
    write_u32(report + 4, down->ssrc);
    write_u32(report + 8, (uint32_t)(ntp >> 32));
    write_u32(report + 12, (uint32_t)ntp);
    write_u32(report + 16, rewriter->last.timestamp + passed);
    write_u32(report + 20, (uint32_t)down->packets);
    write_u32(report + 24, (uint32_t)down->octets);
    peer_send_report(port, down->peer, report, sizeof report);
}
