/* Spatial layers of one scalable stream, and which of them one subscriber is sent. The twin, with the reasons, is
 * media/sfu/scaler. */
#include "thread.h"

/* ``top``: the highest layer, where the packet carries the structure; else as it was. */
static bool read_vp9(struct span payload, struct part *part, uint8_t *top)
{
    if (!payload.size || !(payload.data[0] & 0x20))
        return false;
    size_t at = 1;
    if (payload.data[0] & 0x80) {
        if (payload.size < 2)
            return false;
        at += payload.data[1] & 0x80 ? 2 : 1;
    }
    if (at >= payload.size)
        return false;
    *part = (struct part){.known = true,
                          .begins = payload.data[0] & 0x08,
                          .ends = payload.data[0] & 0x04,
                          .free = !(payload.data[0] & 0x40),
                          .spatial = payload.data[at] >> 1 & 0x07,
                          .base = !(payload.data[at] & 0xEE)};
    at++;
    if (part->spatial > *top)
        *top = part->spatial;
    if (!(payload.data[0] & 0x10))
        at++;
    else if (payload.data[0] & 0x40) /* the pictures it refers to, three at most */
        for (int more = 3; more; more--)
            if (++at > payload.size || !(payload.data[at - 1] & 0x01))
                break;
    if ((payload.data[0] & 0x02) && at < payload.size)
        *top = payload.data[at] >> 5;
    return true;
}

void part_read(struct scaling *scaling, enum codec codec, struct span payload, struct span descriptor, struct part *part)
{
    struct dependency found;
    *part = (struct part){0};
    if (descriptor.size && dependency_read(descriptor, &scaling->structure, &found)) {
        if (found.has_structure)
            scaling->top = scaling->structure.top;
        *part = (struct part){.known = true,
                              .begins = found.begins,
                              .ends = found.ends,
                              .free = found.reach <= found.spatial,
                              .has_frame = true,
                              .base = !found.spatial && !found.temporal,
                              .spatial = found.spatial,
                              .frame = found.frame};
    } else if (codec == CODEC_VP9) {
        read_vp9(payload, part, &scaling->top);
    }
}

void scaler_begin(struct scaler *scaler, const struct part *part)
{
    scaler->present = -1;
    if (part->known && part->has_frame && scaler->has_highest)
        scaler->offset = (uint16_t)(scaler->highest + 1 - part->frame);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

struct verdict scaler_take(struct scaler *scaler, const struct part *part, int wanted, int top, bool newest)
{
    bool asks = false;
    if (newest && part->begins && part->spatial == 0) {
        scaler->present = part->free ? least(wanted, top) : least(scaler->present, wanted);
        asks = scaler->present < least(wanted, top);
    } else if (newest && part->begins && part->free && scaler->present == part->spatial - 1 &&
               part->spatial - 1 < wanted) {
        scaler->present = part->spatial;
    }
    return (struct verdict){part->spatial <= scaler->present, part->ends && part->spatial == scaler->present, asks};
}

uint16_t scaler_renumber(struct scaler *scaler, uint16_t frame)
{
    uint16_t number = (uint16_t)(frame + scaler->offset);
    if (!scaler->has_highest || (uint16_t)(number - scaler->highest) < 0x8000)
        scaler->highest = number;
    scaler->has_highest = true;
    return number;
}
