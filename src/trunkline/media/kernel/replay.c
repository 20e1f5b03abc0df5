/* Which packet indices were seen, and which index a sequence number has (RFC 3711 section 3.3). */
#include "kernel.h"

#include <string.h>

static const uint64_t HALF_CYCLE = 0x8000;
static const uint64_t MAX_INDEX = (1ULL << 48) - 1;

enum replay window_check(const struct window *window, uint64_t index)
{
    if (!window->started || index > window->highest)
        return REPLAY_FRESH;
    if (window->highest - index >= window->size)
        return REPLAY_OLD;
    unsigned bit = (unsigned)(index % window->size);
    return window->seen[bit / 64] >> (bit % 64) & 1 ? REPLAY_SEEN : REPLAY_FRESH;
}

void window_note(struct window *window, uint64_t index)
{
    if (!window->started) {
        window->started = true;
        window->highest = index;
    } else if (index > window->highest) {
        if (index - window->highest >= window->size) {
            memset(window->seen, 0, sizeof window->seen);
        } else {
            for (uint64_t between = window->highest + 1; between < index; between++) {
                unsigned bit = (unsigned)(between % window->size);
                window->seen[bit / 64] &= ~(1ULL << (bit % 64));
            }
        }
        window->highest = index;
    }
    unsigned bit = (unsigned)(index % window->size);
    window->seen[bit / 64] |= 1ULL << (bit % 64);
}

bool window_estimate(const struct window *window, uint16_t sequence, uint64_t *index)
{
    uint64_t cycles = window->highest & ~0xFFFFULL, low = window->highest & 0xFFFF;
    if (!window->started || window->highest <= HALF_CYCLE) {
        *index = sequence; /* nothing comes from before the first cycle */
        return true;
    }
    if (low < HALF_CYCLE && sequence > low + HALF_CYCLE)
        cycles -= 0x10000;
    else if (low >= HALF_CYCLE && sequence < low - HALF_CYCLE)
        cycles += 0x10000;
    *index = cycles | sequence;
    return *index <= MAX_INDEX;
}
