/* Recognising a plain text send: WebSocket framing (RFC 6455) and MessagePack, nothing else.
 *
 * Lives here: pure functions over bytes. Does not live here: an opinion on anything unusual; that is Python's.
 */
#include "native.h"

#include <string.h>

enum { PARTY_MIN = 3, PARTY_MAX = 71, CONVERSATION_MAX = 64 };
enum { OPCODE_BINARY = 2, OPCODE_CLOSE = 8, OPCODE_PONG = 10 };
static const uint64_t MAX_INT = (UINT64_C(1) << 53) - 1;

enum ws_verdict ws_look(const uint8_t *data, size_t size, struct ws_frame *frame)
{
    if (size < 2)
        return WS_INCOMPLETE;
    uint8_t opcode = data[0] & 0x0f;
    if ((data[0] & 0x70) || !(data[1] & 0x80) || opcode > OPCODE_PONG || (opcode > OPCODE_BINARY && opcode < OPCODE_CLOSE))
        return WS_STRANGE;
    size_t header = 6;
    uint64_t payload = data[1] & 0x7f;
    if (payload == 126) {
        header = 8;
        if (size < header)
            return WS_INCOMPLETE;
        payload = (uint64_t)data[2] << 8 | data[3];
    } else if (payload == 127) {
        header = 14;
        if (size < header)
            return WS_INCOMPLETE;
        payload = 0;
        for (int i = 2; i < 10; i++)
            payload = payload << 8 | data[i];
        if (payload > INT32_MAX)
            return WS_STRANGE;
    } else if (size < header) {
        return WS_INCOMPLETE;
    }
    memcpy(frame->mask, data + header - 4, 4);
    frame->header_size = header;
    frame->payload_size = (size_t)payload;
    frame->size = header + (size_t)payload;
    if (data[0] != (0x80 | OPCODE_BINARY) || payload > FAST_FRAME_MAX)
        return WS_OTHER;
    return size < frame->size ? WS_INCOMPLETE : WS_MESSAGE;
}

void ws_unmask(const struct ws_frame *frame, const uint8_t *data, uint8_t *out)
{
    const uint8_t *in = data + frame->header_size;
    size_t at = 0, size = frame->payload_size;
    uint32_t mask4;
    memcpy(&mask4, frame->mask, 4);
    uint64_t mask8 = (uint64_t)mask4 << 32 | mask4;
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        memcpy(&word, in + at, 8);
        word ^= mask8;
        memcpy(out + at, &word, 8);
    }
    for (; at < size; at++)
        out[at] = in[at] ^ frame->mask[at & 3];
}

/* --- MessagePack ---------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static uint64_t big_endian(struct reader *r, size_t size)
{
    if ((size_t)(r->end - r->at) < size) {
        r->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | *r->at++;
    return value;
}

static uint64_t take_uint(struct reader *r)
{
    uint8_t first = (uint8_t)big_endian(r, 1);
    if (first < 0x80)
        return first;
    if (first >= 0xcc && first <= 0xcf)
        return big_endian(r, (size_t)1 << (first - 0xcc));
    r->bad = true;
    return 0;
}

static struct span take_str(struct reader *r)
{
    struct span text = {NULL, 0};
    uint8_t first = (uint8_t)big_endian(r, 1);
    uint64_t size = 0;
    if (first >= 0xa0 && first <= 0xbf)
        size = first & 0x1f;
    else if (first == 0xd9)
        size = big_endian(r, 1);
    else if (first == 0xda)
        size = big_endian(r, 2);
    else
        r->bad = true;
    if (r->bad || (uint64_t)(r->end - r->at) < size) {
        r->bad = true;
        return text;
    }
    text = (struct span){r->at, (size_t)size};
    r->at += size;
    return text;
}

static bool is(struct span text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

/* Well-formed UTF-8 (Unicode table 3-7): no overlong forms, no surrogates. */
static bool is_utf8(struct span text)
{
    const uint8_t *at = text.data, *end = text.data + text.size;
    while (at < end) {
        while (end - at >= 8) {
            uint64_t word;
            memcpy(&word, at, 8);
            if (word & UINT64_C(0x8080808080808080))
                break;
            at += 8;
        }
        if (at == end)
            break;
        uint8_t first = *at++;
        if (first < 0x80)
            continue;
        int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (first < 0xc2 || first > 0xf4 || end - at < more || *at < low || *at > high)
            return false;
        for (int i = 1; i < more; i++)
            if ((at[i] & 0xc0) != 0x80)
                return false;
        at += more;
    }
    return true;
}

/* Within the bounds of ``wire.calls``; whether it follows the grammar is found out when it is looked up. */
static bool is_name(const struct send_request *request)
{
    size_t size = request->name.size;
    if (request->has_to ? size < PARTY_MIN || size > PARTY_MAX : size < 1 || size > CONVERSATION_MAX)
        return false;
    for (size_t at = 0; at < size; at++)
        if (request->name.data[at] & 0x80)
            return false;
    return true;
}

static void take_content(struct reader *r, struct send_request *request)
{
    const uint8_t *start = r->at;
    if (big_endian(r, 1) != 0x81 || !is(take_str(r), "text")) {
        r->bad = true;
        return;
    }
    struct span text = take_str(r);
    /* At most 20,000 characters; a fast frame holds no more bytes than that. */
    if (r->bad || !text.size || !is_utf8(text))
        r->bad = true;
    request->content = (struct span){start, (size_t)(r->at - start)};
}

bool parse_send(const uint8_t *data, size_t size, struct send_request *request)
{
    enum { TO = 1, CONVERSATION = 2, TYPE = 4, CONTENT = 8, N = 16, AFTER = 32 };
    struct reader r = {data, data + size, false};
    *request = (struct send_request){0};
    if (big_endian(&r, 1) != 0x94 || big_endian(&r, 1) != 1)
        return false;
    request->id = take_uint(&r);
    if (!is(take_str(&r), "message.send") || r.bad)
        return false;
    uint8_t map = (uint8_t)big_endian(&r, 1);
    if (map < 0x80 || map > 0x8f)
        return false;
    unsigned seen = 0;
    for (int left = map & 0x0f; left && !r.bad; left--) {
        struct span key = take_str(&r);
        unsigned field;
        if (r.bad)
            return false;
        if (is(key, "to")) {
            field = TO;
            request->has_to = true;
            request->name = take_str(&r);
        } else if (is(key, "conversation")) {
            field = CONVERSATION;
            request->name = take_str(&r);
        } else if (is(key, "type")) {
            field = TYPE;
            struct span type = take_str(&r);
            if (r.bad || !is(type, "text"))
                return false;
        } else if (is(key, "content")) {
            field = CONTENT;
            take_content(&r, request);
        } else if (is(key, "n")) {
            field = N;
            request->n = take_uint(&r);
        } else if (is(key, "after")) {
            field = AFTER;
            request->after = take_uint(&r);
        } else {
            return false;
        }
        if (seen & field)
            return false;
        seen |= field;
    }
    bool one_name = ((seen & TO) != 0) != ((seen & CONVERSATION) != 0);
    return !r.bad && r.at == r.end && one_name && (seen & CONTENT) && request->id && request->id <= MAX_INT &&
           request->n <= MAX_INT && request->after <= MAX_INT && is_name(request);
}
