/* The dependency descriptor of scalable video. The twin, with the reasons, is protocol/rtp/dependency. */
#include "kernel.h"

struct bits {
    struct span data;
    size_t position;
    bool short_of; /* more was asked for than there is: everything since was 0 */
};

static void skip(struct bits *bits, size_t count)
{
    bits->short_of |= bits->position + count > 8 * bits->data.size;
    bits->position = bits->short_of ? 8 * bits->data.size : bits->position + count;
}

static unsigned take(struct bits *bits, unsigned count)
{
    unsigned value = 0;
    size_t from = bits->position;
    skip(bits, count);
    for (size_t at = from; at < from + count && !bits->short_of; at++)
        value = value << 1 | (bits->data.data[at / 8] >> (7 - at % 8) & 1);
    return value;
}

/* A number below ``limit``, in as few bits as it takes. */
static unsigned take_below(struct bits *bits, unsigned limit)
{
    unsigned width = 32 - (unsigned)__builtin_clz(limit), few = (1u << width) - limit, value = take(bits, width - 1);
    return value < few ? value : (value << 1) - few + take(bits, 1);
}

static bool read_structure(struct bits *bits, struct dependencies *structure)
{
    unsigned spatial = 0, temporal = 0, following = 0;
    *structure = (struct dependencies){.offset = (uint8_t)take(bits, 6), .targets = (uint8_t)(take(bits, 5) + 1)};
    while (following != 3) {
        if (structure->count == MAX_TEMPLATES || spatial == MAX_SPATIAL || bits->short_of)
            return false;
        structure->templates[structure->count].spatial = (uint8_t)spatial;
        structure->templates[structure->count++].temporal = (uint8_t)temporal;
        following = take(bits, 2);
        temporal = following == 1 ? temporal + 1 : following == 2 ? 0 : temporal;
        spatial += following == 2;
    }
    structure->top = (uint8_t)spatial;
    skip(bits, 2u * structure->targets * structure->count);
    for (size_t i = 0; i < structure->count; i++)
        while (take(bits, 1)) {
            unsigned reach = take(bits, 4) + 1;
            if (reach > structure->templates[i].reach)
                structure->templates[i].reach = (uint8_t)reach;
        }
    unsigned chains = take_below(bits, structure->targets + 1u);
    for (size_t i = 0; chains && i < structure->targets; i++)
        take_below(bits, chains);
    skip(bits, 4u * chains * structure->count);
    if (take(bits, 1))
        skip(bits, 32u * (spatial + 1));
    return !bits->short_of;
}

bool dependency_read(struct span value, struct dependencies *known, struct dependency *found)
{
    struct bits bits = {.data = value};
    *found = (struct dependency){.begins = take(&bits, 1), .ends = take(&bits, 1)};
    unsigned number = take(&bits, 6);
    found->frame = (uint16_t)take(&bits, 16);
    bool custom_targets = false, custom_reach = false;
    struct dependencies given, *structure = known;
    if (value.size > 3) {
        bool has_active;
        found->has_structure = take(&bits, 1);
        has_active = take(&bits, 1);
        custom_targets = take(&bits, 1);
        custom_reach = take(&bits, 1);
        skip(&bits, 1); /* custom chains come last, and are not read */
        if (found->has_structure) {
            if (!read_structure(&bits, &given))
                return false;
            structure = &given;
        }
        if (has_active)
            skip(&bits, structure->targets);
    }
    unsigned position = (number - structure->offset) & 63;
    if (bits.short_of || position >= structure->count)
        return false;
    found->spatial = structure->templates[position].spatial;
    found->temporal = structure->templates[position].temporal;
    found->reach = structure->templates[position].reach;
    if (custom_targets)
        skip(&bits, 2u * structure->targets);
    if (custom_reach) {
        found->reach = 0;
        for (unsigned size; (size = take(&bits, 2));) {
            unsigned reach = take(&bits, 4 * size) + 1;
            if (reach > found->reach)
                found->reach = (uint16_t)reach;
        }
    }
    if (bits.short_of)
        return false;
    if (found->has_structure)
        *known = given;
    return true;
}
