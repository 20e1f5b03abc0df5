/* RTP packets and their header extensions (RFC 3550 section 5.1, RFC 8285); the twin is protocol/rtp/packet. */
#include "kernel.h"

#include <string.h>

size_t rtp_header_size(const uint8_t *data, size_t size)
{
    if (size < RTP_HEADER_BYTES)
        return 0;
    size_t head = RTP_HEADER_BYTES + 4 * (size_t)(data[0] & 0x0F);
    if (data[0] & 0x10) {
        if (head + 4 > size)
            return 0;
        head += 4 + 4 * (size_t)read_u16(data + head + 2);
    }
    return head <= size ? head : 0;
}

static bool is_two_byte(uint16_t profile)
{
    return (profile & 0xFFF0) == TWO_BYTE_PROFILE;
}

/* Reads an element: 1, 0 at the end, -1 when it is longer than the block. */
static int read_element(const struct rtp *rtp, size_t *position, struct extension *found)
{
    const uint8_t *block = rtp->extensions.data;
    size_t end = rtp->extensions.size, at = *position;
    bool two = is_two_byte(rtp->extension_profile);
    if (!two && rtp->extension_profile != ONE_BYTE_PROFILE)
        return 0;
    while (at < end && !block[at])
        at++;
    if (at >= end || (!two && block[at] >> 4 == 15)) /* id 15: what follows is not to be processed */
        return 0;
    if (two && at + 2 > end)
        return -1;
    size_t value_size = two ? block[at + 1] : (size_t)(block[at] & 0x0F) + 1;
    size_t value = at + (two ? 2 : 1);
    if (value + value_size > end)
        return -1;
    found->id = two ? block[at] : block[at] >> 4;
    found->value = (struct span){block + value, value_size};
    *position = value + value_size;
    return 1;
}

bool rtp_next_extension(const struct rtp *rtp, size_t *position, struct extension *found)
{
    return read_element(rtp, position, found) == 1;
}

bool rtp_parse(const uint8_t *data, size_t size, struct rtp *rtp)
{
    size_t head = rtp_header_size(data, size);
    if (!head || data[0] >> 6 != 2)
        return false;
    *rtp = (struct rtp){.payload_type = data[1] & 0x7F,
                        .csrc_count = data[0] & 0x0F,
                        .marker = data[1] >= 0x80,
                        .sequence = read_u16(data + 2),
                        .timestamp = read_u32(data + 4),
                        .ssrc = read_u32(data + 8)};
    if (data[0] & 0x10) {
        size_t block = RTP_HEADER_BYTES + 4 * (size_t)rtp->csrc_count + 4;
        rtp->extension_profile = read_u16(data + block - 4);
        rtp->extensions = (struct span){data + block, head - block};
        struct extension element;
        size_t position = 0;
        int more;
        while ((more = read_element(rtp, &position, &element)) == 1)
            ;
        if (more < 0)
            return false;
    }
    if (data[0] & 0x20) {
        rtp->padding = size > head ? data[size - 1] : 0;
        if (!rtp->padding || rtp->padding > size - head)
            return false;
    }
    rtp->payload = (struct span){data + head, size - head - rtp->padding};
    return true;
}

static size_t write_extensions(uint8_t *out, size_t capacity, const struct extension *extensions, size_t count)
{
    bool short_form = true;
    size_t size = 4;
    for (size_t i = 0; i < count; i++) {
        if (!extensions[i].id || extensions[i].value.size > 255)
            return 0;
        short_form &= extensions[i].id < 15 && extensions[i].value.size > 0 && extensions[i].value.size <= 16;
        size += extensions[i].value.size;
    }
    size += count * (short_form ? 1 : 2);
    size_t whole = (size + 3) & ~(size_t)3;
    if (whole > capacity || whole > 4 + 4 * 0xFFFFul)
        return 0;
    write_u16(out, short_form ? ONE_BYTE_PROFILE : TWO_BYTE_PROFILE);
    write_u16(out + 2, (uint16_t)(whole / 4 - 1));
    uint8_t *at = out + 4;
    for (size_t i = 0; i < count; i++) {
        struct span value = extensions[i].value;
        if (short_form) {
            *at++ = (uint8_t)(extensions[i].id << 4 | (value.size - 1));
        } else {
            *at++ = extensions[i].id;
            *at++ = (uint8_t)value.size;
        }
        if (value.size)
            memcpy(at, value.data, value.size);
        at += value.size;
    }
    memset(at, 0, whole - size);
    return whole;
}

size_t rtp_write(uint8_t *out, size_t capacity, const struct rtp *rtp, const struct extension *extensions, size_t count)
{
    size_t head = RTP_HEADER_BYTES;
    if (capacity < head)
        return 0;
    out[0] = (uint8_t)(0x80 | (count ? 0x10 : 0));
    out[1] = (uint8_t)((rtp->marker ? 0x80 : 0) | (rtp->payload_type & 0x7F));
    write_u16(out + 2, rtp->sequence);
    write_u32(out + 4, rtp->timestamp);
    write_u32(out + 8, rtp->ssrc);
    if (count) {
        size_t block = write_extensions(out + head, capacity - head, extensions, count);
        if (!block)
            return 0;
        head += block;
    }
    if (rtp->payload.size > capacity - head)
        return 0;
    if (rtp->payload.size)
        memcpy(out + head, rtp->payload.data, rtp->payload.size);
    return head + rtp->payload.size;
}
