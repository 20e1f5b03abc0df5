/* What a forwarder reads in video payloads: key frames, and VP8's running numbers. The twin is protocol/rtp/codecs.
 *
 * VP8: RFC 7741 section 4.2. H.264: RFC 6184 section 5. VP9: RFC 9628 section 4.2. AV1: the RTP specification of the
 * Alliance for Open Media, section 4.4.
 */
#include "kernel.h"

bool vp8_parse(struct span payload, struct vp8 *vp8)
{
    const uint8_t *data = payload.data;
    size_t at = 1, size = payload.size;
    *vp8 = (struct vp8){0};
    if (size < 1)
        return false;
    if (data[0] & 0x80) {
        if (size < 2)
            return false;
        uint8_t flags = data[1];
        at = 2;
        if (flags & 0x80) {
            if (at >= size)
                return false;
            vp8->has_picture_id = true;
            vp8->wide = data[at] & 0x80;
            if (vp8->wide && at + 1 >= size)
                return false;
            vp8->picture_id = vp8->wide ? (uint16_t)((data[at] & 0x7F) << 8 | data[at + 1]) : data[at] & 0x7F;
            at += vp8->wide ? 2 : 1;
        }
        if (flags & 0x40) {
            if (at >= size)
                return false;
            vp8->has_tl0 = true;
            vp8->tl0_index = data[at++];
        }
        if (flags & 0x30) {
            if (flags & 0x20) {
                if (at >= size)
                    return false;
                vp8->has_temporal = true;
                vp8->temporal = data[at] >> 6;
                vp8->sync = data[at] & 0x20;
            }
            at++;
        }
    }
    vp8->start = (data[0] & 0x10) && !(data[0] & 0x07);
    if (vp8->start) {
        if (at >= size)
            return false;
        vp8->key_frame = !(data[at] & 0x01);
    }
    vp8->size = at;
    return true;
}

void vp8_rewrite(uint8_t *payload, const struct vp8 *vp8, uint16_t picture_id, uint8_t tl0_index)
{
    size_t at = 2;
    if (vp8->has_picture_id) {
        if (vp8->wide) {
            payload[at] = (uint8_t)(0x80 | (picture_id >> 8 & 0x7F));
            payload[at + 1] = (uint8_t)picture_id;
            at += 2;
        } else {
            payload[at++] = picture_id & 0x7F;
        }
    }
    if (vp8->has_tl0)
        payload[at] = tl0_index;
}

static bool begins_idr(uint8_t unit)
{
    return (unit & 0x1F) == 5 || (unit & 0x1F) == 7; /* a slice of a key frame, or the parameters before one */
}

static bool h264_key_frame(const uint8_t *data, size_t size)
{
    uint8_t kind = data[0] & 0x1F;
    if (begins_idr(data[0]))
        return true;
    if (kind == 24) { /* several units with their lengths */
        for (size_t at = 1; at + 3 <= size; at += 2 + (size_t)read_u16(data + at))
            if (begins_idr(data[at + 2]))
                return true;
        return false;
    }
    return (kind == 28 || kind == 29) && size > 1 && (data[1] & 0x80) && begins_idr(data[1]); /* a first fragment */
}

static bool vp9_key_frame(const uint8_t *data, size_t size)
{
    bool begins = data[0] & 0x08, inter = data[0] & 0x40, layers = data[0] & 0x20;
    if (!begins || inter)
        return false;
    size_t at = 1;
    if (data[0] & 0x80) {
        if (at >= size)
            return false;
        at += data[at] & 0x80 ? 2 : 1;
    }
    return !layers || (at < size && !(data[at] >> 1 & 0x07));
}

bool is_key_frame(enum codec codec, struct span payload)
{
    struct vp8 vp8;
    if (!payload.size)
        return false;
    switch (codec) {
    case CODEC_VP8:
        return vp8_parse(payload, &vp8) && vp8.key_frame;
    case CODEC_H264:
        return h264_key_frame(payload.data, payload.size);
    case CODEC_VP9:
        return vp9_key_frame(payload.data, payload.size);
    case CODEC_AV1:
        return payload.data[0] & 0x08;
    default:
        return false;
    }
}

bool begins_frame(enum codec codec, struct span payload)
{
    if (!payload.size)
        return false;
    if (codec == CODEC_VP8)
        return (payload.data[0] & 0x10) && !(payload.data[0] & 0x07);
    return codec == CODEC_VP9 && (payload.data[0] & 0x08);
}

int picture_of(enum codec codec, struct span payload)
{
    struct vp8 vp8;
    if (codec == CODEC_VP8)
        return vp8_parse(payload, &vp8) && vp8.has_picture_id ? vp8.picture_id : -1;
    if (codec == CODEC_VP9 && payload.size > 2 && (payload.data[0] & 0x80))
        return payload.data[1] & 0x80 ? payload.data[2] : payload.data[1] & 0x7F;
    return -1;
}
