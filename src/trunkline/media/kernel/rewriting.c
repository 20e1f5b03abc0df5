/* The numbers of one forwarded stream: however its source changes, the receiver sees one stream without holes.
 *
 * The twin, with the reasons, is protocol/rtp/rewriting.
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

void rewriter_begin(struct rewriter *rewriter, uint16_t sequence, uint32_t timestamp, uint32_t clock_rate)
{
    memset(rewriter, 0, sizeof *rewriter);
    rewriter->clock_rate = clock_rate;
    rewriter->last.timestamp = timestamp;
    rewriter->highest = (int64_t)sequence - 1;
}

void rewriter_end(struct rewriter *rewriter)
{
    free(rewriter->left_out);
    rewriter->left_out = NULL;
}

/* The extended number nearest to the highest of the present source; the highest moves with it. */
static int64_t unwrap(struct rewriter *rewriter, uint16_t sequence)
{
    int64_t number = sequence;
    if (rewriter->has_input)
        number = nearest_number(rewriter->input_highest, sequence);
    if (!rewriter->has_input || number > rewriter->input_highest)
        rewriter->input_highest = number;
    rewriter->has_input = true;
    return number;
}

void rewriter_switch(struct rewriter *rewriter, uint32_t ssrc, uint16_t sequence, uint32_t timestamp, double now_s,
                     const struct vp8 *vp8)
{
    rewriter->has_input = false;
    rewriter->first = unwrap(rewriter, sequence);
    rewriter->left_out_count = rewriter->left_out_first = 0;
    uint32_t next_timestamp = rewriter->last.timestamp, next_picture = 0, next_tl0 = 0;
    if (rewriter->has_last) {
        int64_t passed = (int64_t)((now_s - rewriter->last_s) * rewriter->clock_rate);
        next_timestamp += (uint32_t)(passed > 1 ? passed : 1);
        next_picture = rewriter->last.picture_id + 1u;
        next_tl0 = rewriter->last.tl0_index + 1u;
    }
    rewriter->has_source = true;
    rewriter->ssrc = ssrc;
    rewriter->sequence_offset = rewriter->highest + 1 - rewriter->first;
    rewriter->timestamp_offset = next_timestamp - timestamp;
    rewriter->picture_offset = vp8 ? next_picture - vp8->picture_id : 0;
    rewriter->tl0_offset = vp8 ? next_tl0 - vp8->tl0_index : 0;
}

void rewriter_leave_out(struct rewriter *rewriter, uint16_t sequence)
{
    if (!rewriter->has_source)
        return;
    int64_t number = unwrap(rewriter, sequence);
    if (number < rewriter->first || number != rewriter->input_highest)
        return;
    if (!rewriter->left_out && !(rewriter->left_out = calloc(LEFT_OUT_MEMORY, sizeof *rewriter->left_out)))
        return;
    rewriter->sequence_offset--;
    if (rewriter->left_out_count == LEFT_OUT_MEMORY) {
        rewriter->left_out_first = (rewriter->left_out_first + 1) % LEFT_OUT_MEMORY;
        rewriter->left_out_count--;
    }
    rewriter->left_out[(rewriter->left_out_first + rewriter->left_out_count++) % LEFT_OUT_MEMORY] = number;
}

bool rewriter_rewrite(struct rewriter *rewriter, uint16_t sequence, uint32_t timestamp, double now_s,
                      const struct vp8 *vp8, struct numbers *numbers)
{
    if (!rewriter->has_source)
        return false;
    int64_t number = unwrap(rewriter, sequence), later = 0;
    if (number < rewriter->first)
        return false;
    for (size_t i = rewriter->left_out_count; i-- > 0;) { /* newest first: they grow */
        int64_t left_out = rewriter->left_out[(rewriter->left_out_first + i) % LEFT_OUT_MEMORY];
        if (left_out == number)
            return false;
        if (left_out < number)
            break;
        later++; /* overtaken by packets that were left out: it gets the number it would have had */
    }
    int64_t extended = number + rewriter->sequence_offset + later;
    *numbers = (struct numbers){.sequence = (uint16_t)extended, .timestamp = timestamp + rewriter->timestamp_offset};
    if (vp8) {
        numbers->picture_id = (vp8->picture_id + rewriter->picture_offset) & 0x7FFF;
        numbers->tl0_index = (uint8_t)(vp8->tl0_index + rewriter->tl0_offset);
    }
    if (extended > rewriter->highest) {
        rewriter->highest = extended;
        rewriter->last = *numbers;
        rewriter->last_s = now_s;
        rewriter->has_last = true;
    }
    return true;
}
