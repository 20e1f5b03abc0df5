/* Where a track on its way to a subscriber begins and ends. Not here: what it does with packets (downtracks.c). */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

static bool add_to(struct down ***list, size_t *count, size_t *capacity, struct down *down)
{
    if (*count == *capacity) {
        size_t larger = *capacity ? 2 * *capacity : 4;
        struct down **grown = realloc(*list, larger * sizeof *grown);
        if (!grown)
            return false;
        *list = grown;
        *capacity = larger;
    }
    (*list)[(*count)++] = down;
    return true;
}

struct down *down_add(struct port *port, struct track *track, struct peer *peer, uint16_t sequence, uint32_t timestamp)
{
    struct down *down = calloc(1, sizeof *down);
    if (!down)
        return NULL;
    *down = (struct down){.peer = peer, .track = track, .layer = -1, .red_type = -1, .red_inner = -1,
                          .scaler = {.present = -1}, .reported_loss = -1};
    /* One source of video may turn out to be scalable. */
    down->wanted = track->audio || track->layer_count > 1 ? (int)track->layer_count - 1 : MAX_SPATIAL - 1;
    down->again_sequence = sequence;
    rewriter_begin(&down->rewriter, sequence, timestamp, track->audio ? 48000 : 90000);
    bool made = track->audio ? (down->repacker = calloc(1, sizeof *down->repacker)) != NULL
                             : (down->video = calloc(KEPT_PACKETS, sizeof *down->video)) != NULL;
    down->id = made ? handle_add(port, HANDLE_DOWN, down) : 0;
    if (!down->id || !add_to(&track->downs, &track->down_count, &track->down_capacity, down)) {
        if (down->id)
            handle_drop(port, down->id);
        down_free(down);
        return NULL;
    }
    if (!add_to(&peer->downs, &peer->down_count, &peer->down_capacity, down)) {
        track->down_count--;
        handle_drop(port, down->id);
        down_free(down);
        return NULL;
    }
    return down;
}

/* Returns where it was. */
static size_t take_from(struct down **list, size_t *count, const struct down *down)
{
    for (size_t i = 0; i < *count; i++)
        if (list[i] == down) {
            (*count)--;
            memmove(list + i, list + i + 1, (*count - i) * sizeof *list);
            return i;
        }
    return SIZE_MAX;
}

void down_remove(struct port *port, struct down *down)
{
    down->dead = true;
    take_from(down->peer->downs, &down->peer->down_count, down);
    if (down->track) {
        size_t place = take_from(down->track->downs, &down->track->down_count, down);
        if (place != SIZE_MAX && place < down->track->cursor)
            down->track->cursor--;
    }
    for (struct down **at = &port->repeating; *at; at = &(*at)->next_repeating)
        if (*at == down) {
            *at = down->next_repeating;
            break;
        }
    handle_drop(port, down->id);
    port_bury(port, HANDLE_DOWN, down);
}

void down_free(struct down *down)
{
    rewriter_end(&down->rewriter);
    free(down->repacker);
    free(down->video);
    free(down->copies);
    sent_bytes_end(down->bytes);
    free(down);
}
