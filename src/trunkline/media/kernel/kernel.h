/* The media kernel: what its files share. See docs/decisions/0019-media-kernel.md.
 *
 * Nothing here but module*.c knows Python. Sizes are bytes; what fails changes nothing.
 */
#ifndef TRUNKLINE_KERNEL_H
#define TRUNKLINE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number with these 16 bits that is nearest to ``near``. */
static inline int64_t nearest_number(int64_t near, uint16_t bits)
{
    return near + (int16_t)(uint16_t)(bits - (uint16_t)near);
}

static inline uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void write_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void write_u32(uint8_t *at, uint32_t value)
{
    write_u16(at, (uint16_t)(value >> 16));
    write_u16(at + 2, (uint16_t)value);
}

struct span {
    const uint8_t *data;
    size_t size;
};

/* --- libcrypto.c: OpenSSL's primitives, found when the module is loaded --------------------- */

enum { SHA1_BYTES = 20 };

/* Larger than OpenSSL's SHA_CTX (96 bytes in every version); copied to begin again from a known state. */
struct sha1 {
    uint64_t state[32];
};

struct libcrypto {
    void *(*cipher_new)(void);
    void (*cipher_free)(void *context);
    int (*cipher_init)(void *context, const void *cipher, void *engine, const uint8_t *key, const uint8_t *iv, int seal);
    int (*cipher_update)(void *context, uint8_t *out, int *out_size, const uint8_t *in, int in_size);
    int (*cipher_final)(void *context, uint8_t *out, int *out_size);
    int (*cipher_ctrl)(void *context, int kind, int size, void *data);
    const void *(*aes_128_ctr)(void);
    const void *(*aes_128_gcm)(void);
    int (*sha1_init)(struct sha1 *state);
    int (*sha1_update)(struct sha1 *state, const void *data, size_t size);
    int (*sha1_final)(uint8_t *digest, struct sha1 *state);
};

extern struct libcrypto libcrypto;

/* Loads it; NULL, or why it cannot be used. Loading again does nothing. */
const char *libcrypto_load(void);

/* --- replay.c: which packet indices were seen (RFC 3711 section 3.3.2) ---------------------- */

enum { RTP_WINDOW = 1024, RTCP_WINDOW = 128, WINDOW_WORDS = RTP_WINDOW / 64 };

struct window {
    uint64_t highest;
    uint64_t seen[WINDOW_WORDS]; /* bit ``index % size`` */
    uint16_t size;
    bool started;
};

enum replay { REPLAY_FRESH, REPLAY_OLD, REPLAY_SEEN };

enum replay window_check(const struct window *window, uint64_t index);
void window_note(struct window *window, uint64_t index);

/* The 48-bit index that a sequence number most likely has; false when there is none after the last. */
bool window_estimate(const struct window *window, uint16_t sequence, uint64_t *index);

/* --- streams.c: the sources of one direction ------------------------------------------------ */

struct stream {
    uint32_t ssrc;
    struct window rtp, rtcp;
};

struct streams {
    struct stream **slots; /* open addressing; never more than half full */
    size_t capacity, count, limit;
};

struct stream *streams_find(const struct streams *streams, uint32_t ssrc);
/* Brings a source, if it is where it is looked for first, into the cache. */
void streams_fetch(const struct streams *streams, uint32_t ssrc);
/* A new source; NULL when there are too many, or no memory. */
struct stream *streams_add(struct streams *streams, uint32_t ssrc);
void streams_clear(struct streams *streams);

/* --- keys.c: session keys from master keys (RFC 3711 section 4.3) --------------------------- */

enum profile { AES_CM_128_HMAC_SHA1_80 = 1, AEAD_AES_128_GCM = 7 }; /* as DTLS numbers them */
enum { KEY_BYTES = 16, MAX_SALT_BYTES = 14, AUTH_KEY_BYTES = 20 };

struct session_keys {
    uint8_t key[KEY_BYTES], salt[MAX_SALT_BYTES], auth[AUTH_KEY_BYTES];
};

size_t salt_size(enum profile profile);
/* ``size`` bytes for a label; false when libcrypto fails. */
bool derive(const uint8_t *key, const uint8_t *salt, size_t salt_bytes, uint8_t label, uint8_t *out, size_t size);
bool derive_keys(enum profile profile, const uint8_t *master, uint8_t first_label, struct session_keys *keys);

/* --- srtp.c: RTP and RTCP of one direction, protected and opened ---------------------------- */

enum { SRTP_OVERHEAD = 24, MAX_PACKET_BYTES = 65535 };
enum { INBOUND_STREAMS = 1024, OUTBOUND_STREAMS = 16384 };

/* Negative results; the packet is then as it was, or (FORGED) not to be looked at. */
enum srtp_error {
    SRTP_MALFORMED = -1,
    SRTP_REPLAYED = -2, /* seen before, too old to tell, or (sending) a number that was used */
    SRTP_FORGED = -3,
    SRTP_FULL = -4,     /* too many sources, no memory, or no more indices */
    SRTP_BROKEN = -5,   /* libcrypto failed */
};

struct srtp_half { /* the keys of RTP, or of RTCP */
    void *cipher;
    struct sha1 inner, outer;
    uint8_t salt[MAX_SALT_BYTES];
};

struct srtp {
    enum profile profile;
    bool sending;
    struct srtp_half rtp, rtcp;
    struct streams streams;
};

/* Sets a direction up from session keys; false (and nothing is left to free) when libcrypto fails. */
bool srtp_open(struct srtp *srtp, enum profile profile, bool sending, const struct session_keys *rtp,
               const struct session_keys *rtcp);
void srtp_close(struct srtp *srtp);

/* In place. ``packet`` has room for SRTP_OVERHEAD bytes more. The new size, or a negative srtp_error. */
int srtp_protect(struct srtp *srtp, uint8_t *packet, size_t size);
int srtp_unprotect(struct srtp *srtp, uint8_t *packet, size_t size);
int srtcp_protect(struct srtp *srtp, uint8_t *packet, size_t size);
int srtcp_unprotect(struct srtp *srtp, uint8_t *packet, size_t size);

/* --- packet.c: RTP packets and their header extensions (RFC 3550 section 5.1, RFC 8285) ------ */

enum { RTP_HEADER_BYTES = 12, ONE_BYTE_PROFILE = 0xBEDE, TWO_BYTE_PROFILE = 0x1000 };

struct rtp {
    uint8_t payload_type, padding, csrc_count;
    bool marker;
    uint16_t sequence, extension_profile;
    uint32_t timestamp, ssrc;
    struct span extensions; /* the block without its header */
    struct span payload;
};

/* The bytes of the header with its extension block; 0 when they do not fit the packet. */
size_t rtp_header_size(const uint8_t *data, size_t size);
/* False for what is not a sound RTP packet; the same are refused as by protocol/rtp/packet. */
bool rtp_parse(const uint8_t *data, size_t size, struct rtp *rtp);

struct extension {
    uint8_t id;
    struct span value;
};

/* The element at ``*position``, which moves on; false at the end. Only on packets that rtp_parse took. */
bool rtp_next_extension(const struct rtp *rtp, size_t *position, struct extension *found);

/* Writes a packet without contributing sources and padding. ``rtp`` gives the fixed fields and the payload. The bytes
 * written, or 0 when an element cannot be written or ``capacity`` is too small. */
size_t rtp_write(uint8_t *out, size_t capacity, const struct rtp *rtp, const struct extension *extensions, size_t count);

/* --- payload.c: what a forwarder reads in video payloads ------------------------------------ */

enum codec { CODEC_OTHER, CODEC_VP8, CODEC_H264, CODEC_VP9, CODEC_AV1 };

struct vp8 {
    bool start, has_picture_id, wide, has_tl0, has_temporal, sync, key_frame;
    uint16_t picture_id;
    uint8_t tl0_index, temporal;
    size_t size;
};

bool vp8_parse(struct span payload, struct vp8 *vp8);
/* Other running numbers, in place and in the same widths. */
void vp8_rewrite(uint8_t *payload, const struct vp8 *vp8, uint16_t picture_id, uint8_t tl0_index);
bool is_key_frame(enum codec codec, struct span payload);
/* Whether a payload surely begins a frame; false where its codec does not tell. */
bool begins_frame(enum codec codec, struct span payload);
/* The running number of a payload's frame, at least its last 7 bits; -1 where its codec does not tell. */
int picture_of(enum codec codec, struct span payload);

/* --- dependency.c: the dependency descriptor of scalable video -------------------------------- */

enum { MAX_TEMPLATES = 64, MAX_SPATIAL = 4 };

struct dependencies { /* the structure; all 0 before the first */
    uint8_t offset, targets, top;
    size_t count;
    struct {
        uint8_t spatial, temporal, reach;
    } templates[MAX_TEMPLATES];
};

struct dependency { /* one packet */
    bool begins, ends, has_structure;
    uint8_t spatial, temporal;
    uint16_t frame, reach; /* ``reach``: how many frames back the farthest one lies that it depends on; 0: none */
};

/* ``known`` is replaced by the structure in it, if there is one. False: it is malformed, or its template is not known. */
bool dependency_read(struct span value, struct dependencies *known, struct dependency *found);

/* --- rewriting.c: the numbers of one forwarded stream ---------------------------------------- */

enum { LEFT_OUT_MEMORY = 512 };

struct numbers {
    uint16_t sequence, picture_id;
    uint32_t timestamp;
    uint8_t tl0_index;
};

struct rewriter {
    uint32_t clock_rate;
    double last_s;
    int64_t highest;         /* extended number sent last */
    struct numbers last;     /* before ``has_last``: where to begin */
    bool has_last, has_source, has_input;
    uint32_t ssrc;
    int64_t first, input_highest, sequence_offset;
    uint32_t timestamp_offset, picture_offset, tl0_offset;
    int64_t *left_out; /* a ring of LEFT_OUT_MEMORY, oldest at ``left_out_first``; growing numbers. NULL before the first */
    size_t left_out_first, left_out_count;
};

void rewriter_begin(struct rewriter *rewriter, uint16_t sequence, uint32_t timestamp, uint32_t clock_rate);
void rewriter_end(struct rewriter *rewriter);
/* The packet with these numbers begins a key frame of another source. ``vp8`` may be NULL. */
void rewriter_switch(struct rewriter *rewriter, uint32_t ssrc, uint16_t sequence, uint32_t timestamp, double now_s,
                     const struct vp8 *vp8);
void rewriter_leave_out(struct rewriter *rewriter, uint16_t sequence);
/* False when the packet is not to be sent: it is from before the switch, or was left out. */
bool rewriter_rewrite(struct rewriter *rewriter, uint16_t sequence, uint32_t timestamp, double now_s,
                      const struct vp8 *vp8, struct numbers *numbers);

#endif
