/* Which missing video packets were empty: padding of a publisher without a retransmission format.
 *
 * The twin, with the reasons, is media/recovery/holes.
 */
#include "thread.h"

#define SLACK 1.4

void holes_on_packet(struct holes *holes, uint16_t sequence, uint32_t timestamp, bool begins, bool ends, int picture)
{
    holes->packets[sequence % HOLE_MEMORY] = (struct around){timestamp, sequence, true, begins, ends, picture};
    if (holes->started) {
        uint32_t passed = timestamp - holes->timestamp;
        if (passed > 0 && passed < 90000) {
            double longer = holes->interval * 1.01;
            holes->interval = !holes->interval || passed < longer ? passed : longer;
        }
        if (!passed || passed >= 1u << 31)
            return;
    }
    holes->started = true;
    holes->timestamp = timestamp;
}

static const struct around *find(const struct holes *holes, uint16_t sequence)
{
    const struct around *found = &holes->packets[sequence % HOLE_MEMORY];
    return found->known && found->sequence == sequence ? found : NULL;
}

bool holes_was_padding(const struct holes *holes, uint16_t sequence)
{
    const struct around *before = NULL, *after = NULL;
    for (uint16_t distance = 1; distance < MAX_GAP; distance++) {
        before = before ? before : find(holes, (uint16_t)(sequence - distance));
        after = after ? after : find(holes, (uint16_t)(sequence + distance));
    }
    if (!before || !after || !before->ends || !after->begins)
        return false;
    if (before->picture >= 0 && after->picture >= 0)
        return ((after->picture - before->picture) & 0x7F) == 1; /* the short numbers have 7 bits */
    if (!holes->interval)
        return false;
    uint32_t passed = after->timestamp - before->timestamp;
    return passed > 0 && passed <= SLACK * holes->interval;
}
