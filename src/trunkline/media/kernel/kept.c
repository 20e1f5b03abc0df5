/* Packets that may be asked for again. Video is kept once per layer, as it was received, and a subscriber's list says as
 * what it was sent; audio, which has no retransmission format, is kept per subscriber as the bytes that were sent. */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

static struct kept **slot_of(struct kept_packets *packets, int64_t number)
{
    return &packets->slots[number & (KEPT_PACKETS - 1)];
}

static struct span copy(uint8_t **place, struct span from)
{
    struct span made = {*place, from.size};
    if (from.size)
        memcpy(*place, from.data, from.size);
    *place += from.size;
    return made;
}

void kept_add(struct kept_packets *packets, const struct rtp_media *media)
{
    struct kept **slot = slot_of(packets, media->number);
    free(*slot);
    *slot = malloc(sizeof **slot + media->rtp.payload.size + media->orientation.size + media->descriptor.size);
    if (!*slot)
        return;
    uint8_t *place = (uint8_t *)(*slot + 1);
    (*slot)->number = media->number;
    (*slot)->media = *media;
    (*slot)->media.rtp.payload = copy(&place, media->rtp.payload);
    (*slot)->media.rtp.extensions = (struct span){0};
    (*slot)->media.orientation = copy(&place, media->orientation);
    (*slot)->media.descriptor = copy(&place, media->descriptor);
}

const struct kept *kept_find(const struct kept_packets *packets, int64_t number)
{
    const struct kept *kept = packets->slots[number & (KEPT_PACKETS - 1)];
    return kept && kept->number == number ? kept : NULL;
}

void kept_end(struct kept_packets *packets)
{
    for (size_t i = 0; i < KEPT_PACKETS; i++)
        free(packets->slots[i]);
    free(packets);
}

struct sent_bytes *sent_bytes_make(size_t capacity, size_t places)
{
    struct sent_bytes *sent = calloc(1, sizeof *sent + places * sizeof *sent->places + capacity);
    if (!sent)
        return NULL;
    sent->capacity = capacity;
    sent->place_count = places;
    sent->places = (struct sent_place *)(sent + 1);
    sent->bytes = (uint8_t *)(sent->places + places);
    return sent;
}

void sent_bytes_fetch(const struct sent_bytes *sent, uint16_t sequence)
{
    const uint8_t *next = sent->bytes + sent->written % sent->capacity;
    __builtin_prefetch(&sent->places[sequence % sent->place_count], 1);
    for (size_t line = 0; line < 4; line++)
        __builtin_prefetch(next + 64 * line, 1);
}

void sent_bytes_add(struct sent_bytes *sent, uint16_t sequence, uint16_t transport, struct span ciphertext)
{
    size_t at = sent->written % sent->capacity, first = sent->capacity - at;
    if (ciphertext.size > sent->capacity || ciphertext.size > UINT16_MAX)
        return;
    if (first > ciphertext.size)
        first = ciphertext.size;
    memcpy(sent->bytes + at, ciphertext.data, first);
    memcpy(sent->bytes, ciphertext.data + first, ciphertext.size - first);
    sent->places[sequence % sent->place_count] =
        (struct sent_place){-1e9, sent->written, sequence, (uint16_t)ciphertext.size, transport};
    sent->written += ciphertext.size;
}

struct sent_place *sent_bytes_find(struct sent_bytes *sent, uint16_t sequence, uint8_t *out)
{
    struct sent_place *place = &sent->places[sequence % sent->place_count];
    if (!place->size || place->sequence != sequence || sent->written - place->place > sent->capacity)
        return NULL;
    size_t at = place->place % sent->capacity, first = sent->capacity - at;
    if (first > place->size)
        first = place->size;
    if (out) {
        memcpy(out, sent->bytes + at, first);
        memcpy(out + first, sent->bytes, place->size - first);
    }
    return place;
}

void sent_bytes_end(struct sent_bytes *sent)
{
    free(sent);
}
