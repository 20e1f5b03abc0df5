/* What the link tells the room workload besides acknowledgements, and the other way round. */
#ifndef BENCH_ROOM_H
#define BENCH_ROOM_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "mpack.h"

struct room_ears {
    /* A push `room`: the whole frame, and a reader that stands at its data. */
    void (*batch)(struct engine *e, struct session *s, const uint8_t *data, size_t len, struct mpack_reader *body);
    void (*joined)(struct engine *e, struct session *s, uint64_t seq);
    /* The answer to room_ask_entries. */
    void (*entries)(struct engine *e, struct session *s, struct mpack_reader *body);
};

extern const struct room_ears ROOM_EARS;

/* Asks for the entries after a seq (link.c). */
void room_ask_entries(struct engine *e, struct session *s, uint64_t after);

#endif
