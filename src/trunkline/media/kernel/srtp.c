/* SRTP and SRTCP with AES_CM_128_HMAC_SHA1_80 (RFC 3711) and AEAD_AES_128_GCM (RFC 7714).
 *
 * A packet is looked up, its index estimated, checked against the window, authenticated; only then is anything
 * remembered. While sending, the window refuses a number that was used: a key stream is never used twice.
 */
#include "kernel.h"

#include <string.h>

enum {
    GCM_TAG = 16,
    HMAC_TAG = 10,
    HMAC_BLOCK = 64,
    RTCP_HEADER = 8,
    RTCP_INDEX = 4,
    GET_TAG = 0x10, /* EVP_CTRL_AEAD_GET_TAG */
    SET_TAG = 0x11,
};
static const uint32_t ENCRYPTED = 0x80000000u;

/* --- setting up ------------------------------------------------------------------------------ */

static bool begin_digest(struct sha1 *state, const uint8_t *key, uint8_t pad)
{
    uint8_t block[HMAC_BLOCK];
    memset(block, pad, sizeof block);
    for (size_t i = 0; i < AUTH_KEY_BYTES; i++)
        block[i] ^= key[i];
    return libcrypto.sha1_init(state) == 1 && libcrypto.sha1_update(state, block, sizeof block) == 1;
}

static bool open_half(struct srtp_half *half, enum profile profile, bool sending, const struct session_keys *keys)
{
    bool aead = profile == AEAD_AES_128_GCM;
    const void *kind = aead ? libcrypto.aes_128_gcm() : libcrypto.aes_128_ctr();
    memcpy(half->salt, keys->salt, sizeof half->salt);
    half->cipher = libcrypto.cipher_new();
    return half->cipher && libcrypto.cipher_init(half->cipher, kind, NULL, keys->key, NULL, sending || !aead) == 1 &&
           begin_digest(&half->inner, keys->auth, 0x36) && begin_digest(&half->outer, keys->auth, 0x5C);
}

bool srtp_open(struct srtp *srtp, enum profile profile, bool sending, const struct session_keys *rtp,
               const struct session_keys *rtcp)
{
    memset(srtp, 0, sizeof *srtp);
    srtp->profile = profile;
    srtp->sending = sending;
    srtp->streams.limit = sending ? OUTBOUND_STREAMS : INBOUND_STREAMS;
    if (open_half(&srtp->rtp, profile, sending, rtp) && open_half(&srtp->rtcp, profile, sending, rtcp))
        return true;
    srtp_close(srtp);
    return false;
}

void srtp_close(struct srtp *srtp)
{
    if (srtp->rtp.cipher)
        libcrypto.cipher_free(srtp->rtp.cipher);
    if (srtp->rtcp.cipher)
        libcrypto.cipher_free(srtp->rtcp.cipher);
    srtp->rtp.cipher = srtp->rtcp.cipher = NULL;
    streams_clear(&srtp->streams);
}

/* --- primitives ------------------------------------------------------------------------------ */

/* The initial counter or vector: the salt, with source and index mixed in at their places. */
static void make_iv(const struct srtp *srtp, const struct srtp_half *half, uint32_t ssrc, uint64_t index, uint8_t *iv)
{
    bool aead = srtp->profile == AEAD_AES_128_GCM;
    size_t at = aead ? 2 : 4, end = aead ? 12 : 14;
    memset(iv, 0, KEY_BYTES);
    memcpy(iv, half->salt, end);
    for (int i = 0; i < 4; i++)
        iv[at + (size_t)i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++)
        iv[end - 6 + (size_t)i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static bool counter_mode(struct srtp_half *half, const uint8_t *iv, uint8_t *data, size_t size)
{
    int written = 0;
    return libcrypto.cipher_init(half->cipher, NULL, NULL, NULL, iv, 1) == 1 &&
           (!size || libcrypto.cipher_update(half->cipher, data, &written, data, (int)size) == 1);
}

/* The tag over a packet and the word that follows it (its roll-over counter, or nothing). */
static bool hmac(const struct srtp_half *half, const uint8_t *data, size_t size, const uint8_t *word, size_t word_size,
                 uint8_t *digest)
{
    struct sha1 state = half->inner;
    if (libcrypto.sha1_update(&state, data, size) != 1 ||
        (word_size && libcrypto.sha1_update(&state, word, word_size) != 1) ||
        libcrypto.sha1_final(digest, &state) != 1)
        return false;
    state = half->outer;
    return libcrypto.sha1_update(&state, digest, SHA1_BYTES) == 1 && libcrypto.sha1_final(digest, &state) == 1;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t size) /* in a time that tells nothing */
{
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= a[i] ^ b[i];
    return !difference;
}

/* Begins an AEAD operation with what is authenticated only: one or two pieces. */
static bool begin_aead(struct srtp_half *half, bool seal, const uint8_t *iv, struct span head, struct span more)
{
    int written = 0;
    return libcrypto.cipher_init(half->cipher, NULL, NULL, NULL, iv, seal) == 1 &&
           libcrypto.cipher_update(half->cipher, NULL, &written, head.data, (int)head.size) == 1 &&
           (!more.size || libcrypto.cipher_update(half->cipher, NULL, &written, more.data, (int)more.size) == 1);
}

static bool seal_aead(struct srtp_half *half, const uint8_t *iv, struct span head, struct span more, uint8_t *data,
                      size_t size)
{
    int written = 0;
    return begin_aead(half, true, iv, head, more) &&
           (!size || libcrypto.cipher_update(half->cipher, data, &written, data, (int)size) == 1) &&
           libcrypto.cipher_final(half->cipher, data + size, &written) == 1 &&
           libcrypto.cipher_ctrl(half->cipher, GET_TAG, GCM_TAG, data + size) == 1;
}

static int open_aead(struct srtp_half *half, const uint8_t *iv, struct span head, struct span more, uint8_t *data,
                     size_t size)
{
    int written = 0;
    if (!begin_aead(half, false, iv, head, more) ||
        (size && libcrypto.cipher_update(half->cipher, data, &written, data, (int)size) != 1) ||
        libcrypto.cipher_ctrl(half->cipher, SET_TAG, GCM_TAG, data + size) != 1)
        return SRTP_BROKEN;
    return libcrypto.cipher_final(half->cipher, data + size, &written) == 1 ? 0 : SRTP_FORGED;
}

/* --- RTP ------------------------------------------------------------------------------------- */

static bool is_rtp(const uint8_t *packet, size_t size)
{
    return size >= RTP_HEADER_BYTES && size <= MAX_PACKET_BYTES && packet[0] >> 6 == 2;
}

/* The index of a packet and, when it is known already, its source; an error when the index was seen. */
static int look_up(const struct srtp *srtp, const uint8_t *packet, struct stream **stream, uint64_t *index)
{
    static const struct window fresh = {.size = RTP_WINDOW};
    *stream = streams_find(&srtp->streams, read_u32(packet + 8));
    const struct window *window = *stream ? &(*stream)->rtp : &fresh;
    if (!window_estimate(window, read_u16(packet + 2), index))
        return SRTP_FULL;
    return window_check(window, *index) == REPLAY_FRESH ? 0 : SRTP_REPLAYED;
}

int srtp_protect(struct srtp *srtp, uint8_t *packet, size_t size)
{
    size_t head = is_rtp(packet, size) ? rtp_header_size(packet, size) : 0;
    if (!head || size > MAX_PACKET_BYTES - SRTP_OVERHEAD)
        return SRTP_MALFORMED;
    struct stream *stream;
    uint64_t index;
    int refused = look_up(srtp, packet, &stream, &index);
    if (refused)
        return refused;
    if (!stream && !(stream = streams_add(&srtp->streams, read_u32(packet + 8))))
        return SRTP_FULL;
    window_note(&stream->rtp, index); /* before the key stream is used, so that a failure cannot lead to using it again */
    uint8_t iv[KEY_BYTES];
    make_iv(srtp, &srtp->rtp, stream->ssrc, index, iv);
    if (srtp->profile == AEAD_AES_128_GCM) {
        bool done = seal_aead(&srtp->rtp, iv, (struct span){packet, head}, (struct span){0}, packet + head, size - head);
        return done ? (int)(size + GCM_TAG) : SRTP_BROKEN;
    }
    uint8_t digest[SHA1_BYTES], cycles[4];
    write_u32(cycles, (uint32_t)(index >> 16));
    if (!counter_mode(&srtp->rtp, iv, packet + head, size - head) ||
        !hmac(&srtp->rtp, packet, size, cycles, sizeof cycles, digest))
        return SRTP_BROKEN;
    memcpy(packet + size, digest, HMAC_TAG);
    return (int)(size + HMAC_TAG);
}

int srtp_unprotect(struct srtp *srtp, uint8_t *packet, size_t size)
{
    size_t tag = srtp->profile == AEAD_AES_128_GCM ? GCM_TAG : HMAC_TAG;
    if (size < RTP_HEADER_BYTES + tag || !is_rtp(packet, size))
        return SRTP_MALFORMED;
    size -= tag;
    size_t head = rtp_header_size(packet, size);
    if (!head)
        return SRTP_MALFORMED;
    struct stream *stream;
    uint64_t index;
    int refused = look_up(srtp, packet, &stream, &index);
    if (refused)
        return refused;
    uint8_t iv[KEY_BYTES];
    make_iv(srtp, &srtp->rtp, read_u32(packet + 8), index, iv);
    if (srtp->profile == AEAD_AES_128_GCM) {
        refused = open_aead(&srtp->rtp, iv, (struct span){packet, head}, (struct span){0}, packet + head, size - head);
        if (refused)
            return refused;
    } else {
        uint8_t digest[SHA1_BYTES], cycles[4];
        write_u32(cycles, (uint32_t)(index >> 16));
        if (!hmac(&srtp->rtp, packet, size, cycles, sizeof cycles, digest))
            return SRTP_BROKEN;
        if (!same(digest, packet + size, HMAC_TAG))
            return SRTP_FORGED;
        if (!counter_mode(&srtp->rtp, iv, packet + head, size - head))
            return SRTP_BROKEN;
    }
    if (!stream && !(stream = streams_add(&srtp->streams, read_u32(packet + 8))))
        return SRTP_FULL;
    window_note(&stream->rtp, index);
    return (int)size;
}

/* --- RTCP ------------------------------------------------------------------------------------ */

static bool is_rtcp(const uint8_t *packet, size_t size)
{
    return size >= RTCP_HEADER && size <= MAX_PACKET_BYTES && packet[0] >> 6 == 2;
}

int srtcp_protect(struct srtp *srtp, uint8_t *packet, size_t size)
{
    if (!is_rtcp(packet, size) || size > MAX_PACKET_BYTES - SRTP_OVERHEAD)
        return SRTP_MALFORMED;
    uint32_t ssrc = read_u32(packet + 4);
    struct stream *stream = streams_find(&srtp->streams, ssrc);
    if (!stream && !(stream = streams_add(&srtp->streams, ssrc)))
        return SRTP_FULL;
    uint64_t index = stream->rtcp.highest + 1; /* from 1, as libsrtp counts */
    if (index >= ENCRYPTED)
        return SRTP_FULL;
    window_note(&stream->rtcp, index);
    uint8_t iv[KEY_BYTES], word[RTCP_INDEX];
    make_iv(srtp, &srtp->rtcp, ssrc, index, iv);
    write_u32(word, ENCRYPTED | (uint32_t)index);
    uint8_t *body = packet + RTCP_HEADER;
    size_t body_size = size - RTCP_HEADER;
    if (srtp->profile == AEAD_AES_128_GCM) {
        if (!seal_aead(&srtp->rtcp, iv, (struct span){packet, RTCP_HEADER}, (struct span){word, RTCP_INDEX}, body,
                       body_size))
            return SRTP_BROKEN;
        memcpy(packet + size + GCM_TAG, word, RTCP_INDEX);
        return (int)(size + GCM_TAG + RTCP_INDEX);
    }
    uint8_t digest[SHA1_BYTES];
    memcpy(packet + size, word, RTCP_INDEX);
    if (!counter_mode(&srtp->rtcp, iv, body, body_size) ||
        !hmac(&srtp->rtcp, packet, size + RTCP_INDEX, NULL, 0, digest))
        return SRTP_BROKEN;
    memcpy(packet + size + RTCP_INDEX, digest, HMAC_TAG);
    return (int)(size + RTCP_INDEX + HMAC_TAG);
}

int srtcp_unprotect(struct srtp *srtp, uint8_t *packet, size_t size)
{
    bool aead = srtp->profile == AEAD_AES_128_GCM;
    size_t trailer = RTCP_INDEX + (aead ? GCM_TAG : HMAC_TAG);
    if (size < RTCP_HEADER + trailer || !is_rtcp(packet, size))
        return SRTP_MALFORMED;
    size -= trailer;
    const uint8_t *word = packet + size + (aead ? GCM_TAG : 0);
    uint32_t marked = read_u32(word), index = marked & ~ENCRYPTED, ssrc = read_u32(packet + 4);
    if (!(marked & ENCRYPTED))
        return SRTP_FORGED; /* nobody was told that reports may go in the clear */
    struct stream *stream = streams_find(&srtp->streams, ssrc);
    if (stream && window_check(&stream->rtcp, index) != REPLAY_FRESH)
        return SRTP_REPLAYED;
    uint8_t iv[KEY_BYTES];
    make_iv(srtp, &srtp->rtcp, ssrc, index, iv);
    uint8_t *body = packet + RTCP_HEADER;
    if (aead) {
        int refused = open_aead(&srtp->rtcp, iv, (struct span){packet, RTCP_HEADER}, (struct span){word, RTCP_INDEX},
                                body, size - RTCP_HEADER);
        if (refused)
            return refused;
    } else {
        uint8_t digest[SHA1_BYTES];
        if (!hmac(&srtp->rtcp, packet, size + RTCP_INDEX, NULL, 0, digest))
            return SRTP_BROKEN;
        if (!same(digest, packet + size + RTCP_INDEX, HMAC_TAG))
            return SRTP_FORGED;
        if (!counter_mode(&srtp->rtcp, iv, body, size - RTCP_HEADER))
            return SRTP_BROKEN;
    }
    if (!stream && !(stream = streams_add(&srtp->streams, ssrc)))
        return SRTP_FULL;
    window_note(&stream->rtcp, index);
    return (int)size;
}
