/* The sources of one direction, by number. Bounded: a client chooses its sources. */
#include "kernel.h"

#include <stdlib.h>

static size_t first_slot(const struct streams *streams, uint32_t ssrc)
{
    return (ssrc * 2654435769u) & (streams->capacity - 1);
}

static size_t slot_of(const struct streams *streams, uint32_t ssrc)
{
    size_t at = first_slot(streams, ssrc);
    while (streams->slots[at] && streams->slots[at]->ssrc != ssrc)
        at = (at + 1) & (streams->capacity - 1);
    return at;
}

struct stream *streams_find(const struct streams *streams, uint32_t ssrc)
{
    return streams->capacity ? streams->slots[slot_of(streams, ssrc)] : NULL;
}

void streams_fetch(const struct streams *streams, uint32_t ssrc)
{
    if (!streams->capacity)
        return;
    const uint8_t *stream = (const uint8_t *)streams->slots[first_slot(streams, ssrc)];
    for (size_t line = 0; line < 3; line++)
        __builtin_prefetch(stream + 64 * line, 1);
}

static bool grow(struct streams *streams)
{
    struct streams larger = *streams;
    larger.capacity = streams->capacity ? 2 * streams->capacity : 8;
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < streams->capacity; i++)
        if (streams->slots[i])
            larger.slots[slot_of(&larger, streams->slots[i]->ssrc)] = streams->slots[i];
    free(streams->slots);
    *streams = larger;
    return true;
}

struct stream *streams_add(struct streams *streams, uint32_t ssrc)
{
    if (streams->count >= streams->limit)
        return NULL;
    if (2 * (streams->count + 1) > streams->capacity && !grow(streams))
        return NULL;
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->ssrc = ssrc;
    stream->rtp.size = RTP_WINDOW;
    stream->rtcp.size = RTCP_WINDOW;
    streams->slots[slot_of(streams, ssrc)] = stream;
    streams->count++;
    return stream;
}

void streams_clear(struct streams *streams)
{
    for (size_t i = 0; i < streams->capacity; i++)
        free(streams->slots[i]);
    free(streams->slots);
    *streams = (struct streams){.limit = streams->limit};
}
