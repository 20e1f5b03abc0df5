/* Redundant audio (RFC 2198): the latest frames of a track, and payloads made of them for one subscriber.
 *
 * The twins, with the reasons, are protocol/rtp/red and media/recovery/frames.
 */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

size_t red_parse(struct span payload, uint32_t timestamp, struct frame frames[MAX_BLOCKS])
{
    size_t sizes[MAX_BLOCKS], count = 0, at = 0;
    for (;;) {
        if (at >= payload.size)
            return 0;
        if (!(payload.data[at] & 0x80))
            break;
        if (at + 4 > payload.size || count >= MAX_BLOCKS - 1)
            return 0;
        uint32_t bits = read_u32(payload.data + at) & 0xFFFFFF;
        frames[count].timestamp = timestamp - (bits >> 10);
        sizes[count++] = bits & 0x3FF;
        at += 4;
    }
    at++;
    frames[count].timestamp = timestamp;
    for (size_t i = 0; i < count; i++) {
        if (at + sizes[i] > payload.size)
            return 0;
        frames[i].data = (struct span){payload.data + at, sizes[i]};
        at += sizes[i];
    }
    frames[count].data = (struct span){payload.data + at, payload.size - at};
    return count + 1;
}

/* --- the store ---------------------------------------------------------------------------------------- */

void frames_add(struct frame_store *store, struct frame frame)
{
    if (!frame.data.size || frame.data.size > UINT16_MAX)
        return;
    for (size_t i = 0; i < store->count; i++)
        if (store->frames[(store->first + i) % MAX_FRAMES].timestamp == frame.timestamp)
            return;
    uint8_t *copy = malloc(frame.data.size);
    if (!copy)
        return;
    memcpy(copy, frame.data.data, frame.data.size);
    if (store->count == MAX_FRAMES) {
        free(store->frames[store->first].data);
        store->first = (store->first + 1) % MAX_FRAMES;
        store->count--;
    }
    store->frames[(store->first + store->count++) % MAX_FRAMES] =
        (struct kept_frame){frame.timestamp, (uint16_t)frame.data.size, copy};
}

void frames_end(struct frame_store *store)
{
    for (size_t i = 0; i < store->count; i++)
        free(store->frames[(store->first + i) % MAX_FRAMES].data);
    *store = (struct frame_store){0};
}

/* The frames that redundancy of a packet with this timestamp can hold, newest first. */
static size_t frames_before(const struct frame_store *store, uint32_t timestamp, struct frame found[MAX_FRAMES])
{
    size_t count = 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct kept_frame *kept = &store->frames[(store->first + i) % MAX_FRAMES];
        uint32_t offset = timestamp - kept->timestamp;
        if (!offset || offset > MAX_OFFSET || kept->size > MAX_BLOCK_BYTES)
            continue;
        size_t at = count++;
        for (; at > 0 && timestamp - found[at - 1].timestamp > offset; at--)
            found[at] = found[at - 1];
        found[at] = (struct frame){kept->timestamp, {kept->data, kept->size}};
    }
    return count;
}

/* --- packing ------------------------------------------------------------------------------------------- */

size_t red_pack(uint8_t payload_type, struct frame primary, const struct frame *earlier, size_t count, uint8_t *out,
                size_t capacity)
{
    const struct frame *chosen[MAX_BLOCKS];
    size_t size = 1 + primary.data.size, blocks = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t offset = primary.timestamp - earlier[i].timestamp;
        if (!offset || offset > MAX_OFFSET || earlier[i].data.size > MAX_BLOCK_BYTES)
            continue;
        if (size + 4 + earlier[i].data.size > MAX_RED_BYTES || blocks >= MAX_BLOCKS - 1)
            break;
        size += 4 + earlier[i].data.size;
        chosen[blocks++] = &earlier[i];
    }
    if (size > capacity)
        return 0;
    /* Oldest first; what lies equally far back stays in the order given. */
    for (size_t i = 1; i < blocks; i++)
        for (size_t at = i; at > 0; at--) {
            const struct frame *after = chosen[at], *before = chosen[at - 1];
            if (primary.timestamp - before->timestamp >= primary.timestamp - after->timestamp)
                break;
            chosen[at] = before;
            chosen[at - 1] = after;
        }
    uint8_t *head = out, *body = out + 4 * blocks + 1;
    for (size_t i = 0; i < blocks; i++) {
        uint32_t offset = primary.timestamp - chosen[i]->timestamp;
        write_u32(head, 1u << 31 | (uint32_t)payload_type << 24 | offset << 10 | (uint32_t)chosen[i]->data.size);
        head += 4;
        if (chosen[i]->data.size)
            memcpy(body, chosen[i]->data.data, chosen[i]->data.size);
        body += chosen[i]->data.size;
    }
    *head = payload_type;
    memcpy(body, primary.data.data, primary.data.size);
    return size;
}

/* --- one subscriber -------------------------------------------------------------------------------------- */

/* Where a frame that was sent lately is in the ring; -1 when it was not. */
static int place_of(const struct repacker *repacker, uint32_t timestamp)
{
    uint32_t ahead = timestamp - repacker->newest;
    if (!repacker->count || (ahead && ahead < 1u << 31))
        return -1; /* the usual case */
    for (size_t i = repacker->count; i-- > 0;) {
        size_t place = (repacker->first + i) % (2 * MAX_FRAMES);
        if (repacker->sent[place] == timestamp)
            return (int)place;
    }
    return -1;
}

void repacker_fetch(const struct repacker *repacker)
{
    size_t next = (repacker->first + repacker->count) % (2 * MAX_FRAMES);
    __builtin_prefetch(&repacker->sent[next], 1);
    __builtin_prefetch(&repacker->times[next], 1);
    __builtin_prefetch(&repacker->count, 1);
}

void repacker_note(struct repacker *repacker, uint32_t timestamp)
{
    int place = place_of(repacker, timestamp);
    if (place >= 0) {
        repacker->times[place] += repacker->times[place] < UINT8_MAX;
        return;
    }
    if (repacker->count == 2 * MAX_FRAMES) {
        repacker->first = (repacker->first + 1) % (2 * MAX_FRAMES);
        repacker->count--;
    }
    if (!repacker->count || timestamp - repacker->newest < 1u << 31)
        repacker->newest = timestamp;
    place = (int)((repacker->first + repacker->count++) % (2 * MAX_FRAMES));
    repacker->sent[place] = timestamp;
    repacker->times[place] = 1;
}

/* Whether a frame belongs to what this subscriber gets, and was sent ``times`` at most. */
static bool was_sent_at_most(const struct repacker *repacker, uint32_t timestamp, int times)
{
    if (!repacker->count)
        return false;
    uint32_t after_first = timestamp - repacker->sent[repacker->first];
    if (!after_first || after_first >= 1u << 31)
        return false;
    int place = place_of(repacker, timestamp);
    return place < 0 || repacker->times[place] <= times;
}

bool repacker_is_new(const struct repacker *repacker, uint32_t timestamp)
{
    return was_sent_at_most(repacker, timestamp, 0);
}

size_t repacker_pack(struct repacker *repacker, const struct frame_store *store, uint8_t payload_type,
                     struct frame primary, int depth, uint8_t *out, size_t capacity)
{
    struct frame earlier[MAX_FRAMES];
    size_t found = frames_before(store, primary.timestamp, earlier), chosen = 0;
    for (size_t i = 0; i < found; i++)
        if ((int)i < depth || was_sent_at_most(repacker, earlier[i].timestamp, (int)i < 2 * depth ? depth : 0))
            earlier[chosen++] = earlier[i];
    for (size_t i = 0; i < chosen; i++)
        repacker_note(repacker, earlier[i].timestamp);
    repacker_note(repacker, primary.timestamp);
    return red_pack(payload_type, primary, earlier, chosen, out, capacity);
}
