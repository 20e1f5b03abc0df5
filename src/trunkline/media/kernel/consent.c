/* Connectivity checks that change nothing, answered without Python: genuine Binding requests from an address that was
 * validated before, with the present username (RFC 8445 section 7.3, RFC 7675). Whatever is unusual in one is left to
 * the twin, protocol/stun.
 */
#include "thread.h"

#include <string.h>

enum {
    STUN_HEADER = 20,
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    FINGERPRINT = 0x8028,
    ICE_CONTROLLED = 0x8029,
    XOR_MAPPED_ADDRESS = 0x0020,
    OPTIONAL = 0x8000,
    HMAC_BLOCK = 64,
};
static const uint32_t COOKIE = 0x2112A442, FINGERPRINT_XOR = 0x5354554E;

static uint32_t crc32_of(const uint8_t *data, size_t size)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
    }
    return ~crc;
}

/* HMAC-SHA1 over a message whose header says ``length``. */
static bool sign(const struct peer *peer, const uint8_t *message, size_t size, uint16_t length, uint8_t *digest)
{
    uint8_t inner[HMAC_BLOCK] = {0}, outer[HMAC_BLOCK], head[4];
    struct sha1 state;
    memcpy(inner, peer->password, peer->password_size);
    for (size_t i = 0; i < HMAC_BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5C;
        inner[i] ^= 0x36;
    }
    memcpy(head, message, 2);
    write_u16(head + 2, length);
    return libcrypto.sha1_init(&state) == 1 && libcrypto.sha1_update(&state, inner, sizeof inner) == 1 &&
           libcrypto.sha1_update(&state, head, sizeof head) == 1 &&
           libcrypto.sha1_update(&state, message + 4, size - 4) == 1 && libcrypto.sha1_final(digest, &state) == 1 &&
           libcrypto.sha1_init(&state) == 1 && libcrypto.sha1_update(&state, outer, sizeof outer) == 1 &&
           libcrypto.sha1_update(&state, digest, SHA1_BYTES) == 1 && libcrypto.sha1_final(digest, &state) == 1;
}

/* Whether a request is genuine and asks for nothing that has to be decided. */
static bool is_plain(const struct peer *peer, const uint8_t *data, size_t size, bool selected)
{
    bool named = false, genuine = false;
    if (size < STUN_HEADER || read_u16(data) != 1 || read_u32(data + 4) != COOKIE ||
        STUN_HEADER + (size_t)read_u16(data + 2) != size || size % 4)
        return false;
    for (size_t at = STUN_HEADER; at + 4 <= size;) {
        uint16_t kind = read_u16(data + at);
        size_t value_size = read_u16(data + at + 2), whole = (value_size + 3) & ~(size_t)3;
        const uint8_t *value = data + at + 4;
        if (at + 4 + whole > size)
            return false;
        if (kind == FINGERPRINT)
            return named && genuine && value_size == 4 && at + 8 == size &&
                   (crc32_of(data, at) ^ FINGERPRINT_XOR) == read_u32(value);
        if (genuine) /* something else behind the integrity */
            return false;
        if (kind == USERNAME) {
            named = value_size == peer->username_size && !memcmp(value, peer->username, value_size);
        } else if (kind == MESSAGE_INTEGRITY) {
            uint8_t digest[SHA1_BYTES];
            volatile uint8_t difference = 0;
            if (value_size != SHA1_BYTES || !sign(peer, data, at, (uint16_t)(at - STUN_HEADER + 24), digest))
                return false;
            for (size_t i = 0; i < SHA1_BYTES; i++)
                difference |= digest[i] ^ value[i];
            genuine = !difference;
            if (!genuine)
                return false;
        } else if (kind == ICE_CONTROLLED || (kind == USE_CANDIDATE && !selected) ||
                   (kind < OPTIONAL && kind != PRIORITY && kind != USE_CANDIDATE)) {
            return false;
        }
        at += 4 + whole;
    }
    return named && genuine;
}

static size_t write_reply(const struct peer *peer, const uint8_t *request, const struct endpoint *from, uint8_t *out)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    bool ipv4 = !memcmp(from->ip, mapped, sizeof mapped);
    size_t address = ipv4 ? 4 : 16, at = STUN_HEADER;
    memcpy(out, request, STUN_HEADER);
    write_u16(out, 0x0101);
    write_u16(out + at, XOR_MAPPED_ADDRESS);
    write_u16(out + at + 2, (uint16_t)(4 + address));
    out[at + 4] = 0;
    out[at + 5] = ipv4 ? 1 : 2;
    write_u16(out + at + 6, from->port ^ (uint16_t)(COOKIE >> 16));
    for (size_t i = 0; i < address; i++)
        out[at + 8 + i] = from->ip[(ipv4 ? 12 : 0) + i] ^ request[4 + i];
    at += 8 + address;
    write_u16(out + at, MESSAGE_INTEGRITY);
    write_u16(out + at + 2, SHA1_BYTES);
    if (!sign(peer, out, at, (uint16_t)(at - STUN_HEADER + 24), out + at + 4))
        return 0;
    at += 24;
    write_u16(out + 2, (uint16_t)(at - STUN_HEADER + 8));
    write_u16(out + at, FINGERPRINT);
    write_u16(out + at + 2, 4);
    write_u32(out + at + 4, crc32_of(out, at) ^ FINGERPRINT_XOR);
    return at + 8;
}

bool consent_answer(struct port *port, struct peer *peer, const uint8_t *datagram, size_t size,
                    const struct endpoint *from)
{
    bool selected = peer->reached && !memcmp(from, &peer->selected, sizeof *from);
    if (!peer->username_size || !is_plain(peer, datagram, size, selected))
        return false;
    uint8_t reply[STUN_HEADER + 24 + 24 + 8];
    size_t reply_size = write_reply(peer, datagram, from, reply);
    struct sockaddr_storage address;
    socklen_t address_size = endpoint_to(from, port->family, &address);
    if (!reply_size || !address_size)
        return false;
    for (int copies = 0; copies < peer->copies; copies++)
        sendto(port->fd, reply, reply_size, 0, (struct sockaddr *)&address, address_size);
    peer->heard_s = port->now_s;
    peer->checks++;
    return true;
}
