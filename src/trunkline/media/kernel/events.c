/* The bounded ring through which Python gets what the thread does not decide. When it is full, what comes is dropped
 * and counted: all of it is repeated by its senders. */
#include "thread.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHOLE = 8 };

/* A record never wraps: what is left at the end is skipped by a record without a kind. */
bool events_open(struct events *events, int wake_fd)
{
    *events = (struct events){.ring = malloc(EVENTS_BYTES), .wake_fd = wake_fd};
    return events->ring;
}

void events_close(struct events *events)
{
    free(events->ring);
    events->ring = NULL;
}

static size_t record_size(size_t size)
{
    return sizeof(struct event) + (size + WHOLE - 1) / WHOLE * WHOLE;
}

void events_put(struct events *events, const struct event *event, const uint8_t *data)
{
    size_t needed = record_size(event->size), at = (events->first + events->used) % EVENTS_BYTES;
    size_t skipped = at + needed > EVENTS_BYTES ? EVENTS_BYTES - at : 0;
    if (events->used + skipped + needed > EVENTS_BYTES) {
        events->dropped++;
        return;
    }
    if (skipped) {
        if (skipped >= sizeof *event)
            memset(events->ring + at, 0, sizeof *event);
        at = 0;
    }
    memcpy(events->ring + at, event, sizeof *event);
    if (event->size)
        memcpy(events->ring + at + sizeof *event, data, event->size);
    events->used += skipped + needed;
    if (!events->waking) {
        uint64_t one = 1;
        events->waking = write(events->wake_fd, &one, sizeof one) == sizeof one;
    }
}

const struct event *events_peek(const struct events *events)
{
    struct events *changed = (struct events *)events; /* skipping changes nothing that is seen */
    while (events->used) {
        size_t left = EVENTS_BYTES - events->first;
        const struct event *event = (const struct event *)(events->ring + events->first);
        if (left >= sizeof *event && event->kind)
            return event;
        changed->first = 0;
        changed->used -= left;
    }
    return NULL;
}

void events_drop(struct events *events)
{
    const struct event *event = events_peek(events);
    if (!event)
        return;
    size_t size = record_size(event->size);
    events->first = (events->first + size) % EVENTS_BYTES;
    events->used -= size;
}
