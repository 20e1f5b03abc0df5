/* Fuzz targets for every parser of the media kernel, with a driver that needs nothing but gcc.
 *
 * kernel TARGET SEED COUNT: so many inputs, made from a few sound ones by changing, cutting, growing and joining. Each
 * lies in memory of exactly its size, so the address sanitizer sees every byte read too far.
 */
#include "thread.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint32_t roll(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

/* --- targets --------------------------------------------------------------------------------- */

static unsigned taken; /* inputs that were found sound: a target that takes none proves little */

static void fuzz_packet(const uint8_t *data, size_t size)
{
    struct rtp rtp;
    struct extension elements[64];
    size_t count = 0, position = 0;
    if (!rtp_parse(data, size, &rtp))
        return;
    taken++;
    while (count < 64 && rtp_next_extension(&rtp, &position, &elements[count]))
        count++;
    size_t room = roll((uint32_t)size + 64);
    uint8_t *out = malloc(room ? room : 1);
    size_t written = rtp_write(out, room, &rtp, elements, count);
    require(written <= room, "no more is written than there is room for");
    struct rtp again;
    if (written) {
        require(rtp_parse(out, written, &again), "what is written can be read");
        require(again.payload.size == rtp.payload.size && again.sequence == rtp.sequence, "it is the same");
    }
    free(out);
}

static void fuzz_payload(const uint8_t *data, size_t size)
{
    struct span payload = {data, size};
    struct vp8 vp8, again;
    for (enum codec codec = CODEC_OTHER; codec <= CODEC_AV1; codec++)
        taken += is_key_frame(codec, payload);
    if (!vp8_parse(payload, &vp8))
        return;
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    vp8_rewrite(copy, &vp8, (uint16_t)roll(0x8000), (uint8_t)roll(256));
    require(vp8_parse((struct span){copy, size}, &again) && again.size == vp8.size, "rewriting keeps the shape");
    free(copy);
}

/* One stream: what a damaged descriptor leaves behind meets the next ones. */
static void fuzz_dependency(const uint8_t *data, size_t size)
{
    static struct scaling scaling;
    static struct scaler scaler = {.present = -1};
    struct part part;
    part_read(&scaling, CODEC_VP9, (struct span){data, size}, (struct span){data, size}, &part);
    require(scaling.structure.count <= MAX_TEMPLATES && scaling.structure.top < MAX_SPATIAL, "few templates");
    if (!part.known)
        return;
    taken++;
    if (roll(50) == 0)
        scaler_begin(&scaler, &part);
    struct verdict verdict = scaler_take(&scaler, &part, (int)roll(4), scaling.top, roll(2));
    require(verdict.sent || !verdict.last, "what is not sent ends nothing");
    scaler_renumber(&scaler, part.frame);
}

static struct srtp receivers[4], senders[4];

static void open_all(void)
{
    static const uint8_t master[30] = {1, 2, 3};
    for (int i = 0; i < 4; i++) {
        enum profile profile = i % 2 ? AEAD_AES_128_GCM : AES_CM_128_HMAC_SHA1_80;
        struct session_keys rtp, rtcp;
        require(derive_keys(profile, master, 0, &rtp) && derive_keys(profile, master, 3, &rtcp), "keys");
        srtp_close(&receivers[i]);
        srtp_close(&senders[i]);
        require(srtp_open(&receivers[i], profile, false, &rtp, &rtcp), "a receiver");
        require(srtp_open(&senders[i], profile, true, &rtp, &rtcp), "a sender");
    }
}

/* Genuine packets, opened whole or damaged, and any bytes. */
static void fuzz_srtp(const uint8_t *data, size_t size)
{
    static unsigned runs;
    if (runs++ % 20000 == 0)
        open_all();
    int which = (int)roll(4);
    bool reports = which >= 2, damaged = roll(2);
    int (*protect)(struct srtp *, uint8_t *, size_t) = reports ? srtcp_protect : srtp_protect;
    int (*unprotect)(struct srtp *, uint8_t *, size_t) = reports ? srtcp_unprotect : srtp_unprotect;
    uint8_t *packet = malloc(size + SRTP_OVERHEAD);
    memcpy(packet, data, size);
    require(unprotect(&receivers[which], packet, size) < 0, "what was never sent is not opened");
    memcpy(packet, data, size);
    int sealed = protect(&senders[which], packet, size);
    if (sealed > 0) {
        uint8_t *arrived = malloc((size_t)sealed);
        memcpy(arrived, packet, (size_t)sealed);
        if (damaged)
            arrived[roll((uint32_t)sealed)] ^= (uint8_t)(1 << roll(8));
        int opened = unprotect(&receivers[which], arrived, (size_t)sealed);
        require(!(damaged && opened > 0), "what was changed is not opened");
        if (opened > 0) {
            taken++;
            require((size_t)opened == size && !memcmp(arrived, data, size), "it is what was sent");
            memcpy(arrived, packet, (size_t)sealed);
            require(unprotect(&receivers[which], arrived, (size_t)sealed) < 0, "it is opened once");
        }
        free(arrived);
    }
    free(packet);
}

static void fuzz_rewriting(const uint8_t *data, size_t size)
{
    struct rewriter rewriter;
    struct numbers numbers;
    rewriter_begin(&rewriter, (uint16_t)roll(0x10000), roll(UINT32_MAX), 90000);
    for (size_t i = 0; i + 3 <= size; i += 3) {
        uint16_t sequence = read_u16(data + i + 1);
        double now_s = (double)i;
        if (data[i] % 8 == 0)
            rewriter_switch(&rewriter, data[i], sequence, sequence * 3000u, now_s, NULL);
        else if (data[i] % 8 < 3)
            rewriter_leave_out(&rewriter, sequence);
        else
            taken += rewriter_rewrite(&rewriter, sequence, sequence * 3000u, now_s, NULL, &numbers);
        require(rewriter.left_out_count <= LEFT_OUT_MEMORY, "little is remembered");
    }
    rewriter_end(&rewriter);
}

static void fuzz_redundant(const uint8_t *data, size_t size)
{
    struct frame frames[MAX_BLOCKS];
    struct frame_store store = {0};
    struct repacker repacker = {0};
    size_t count = red_parse((struct span){data, size}, 100000, frames);
    require(count <= MAX_BLOCKS, "few frames");
    for (size_t i = 0; i < count; i++)
        frames_add(&store, frames[i]);
    if (count) {
        size_t room = roll(MAX_RED_BYTES + (uint32_t)size);
        uint8_t *out = malloc(room ? room : 1);
        taken++;
        require(repacker_pack(&repacker, &store, 111, frames[count - 1], (int)roll(14), out, room) <= room, "room");
        free(out);
    }
    frames_end(&store);
}

static void fuzz_feedback(const uint8_t *data, size_t size)
{
    static struct history history;
    static double now_s;
    uint16_t base;
    uint8_t count;
    int64_t *arrivals;
    for (uint32_t more = roll(40); more; more--)
        history_on_sent(&history, roll(1500), now_s += 0.001, 0, (struct carried){0});
    long statuses = feedback_parse((struct span){data, size}, &base, &count, &arrivals);
    if (statuses < 0)
        return;
    taken++;
    struct reported *found = malloc(((size_t)statuses + 1) * sizeof *found);
    require(history_on_feedback(&history, base, arrivals, (size_t)statuses, found) <= (size_t)statuses, "once each");
    require(history.in_flight >= 0 && history.next - history.oldest <= HISTORY_PACKETS, "little is remembered");
    free(found);
    free(arrivals);
}

/* A port that nothing listens to: what peers may send it, opened already, and checks. */
static void fuzz_reports(const uint8_t *data, size_t size)
{
    static struct port *port;
    static struct peer *peer;
    if (!port) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0), wake = eventfd(0, EFD_NONBLOCK);
        struct sockaddr_in any = {.sin_family = AF_INET};
        require(!bind(fd, (struct sockaddr *)&any, sizeof any) && (port = port_open(fd, wake)), "a port");
        peer = peer_add(port);
        struct track *track = track_add(port, peer);
        track->layer_count = 1;
        peer_add_source(peer, 2, track, 0, false);
        struct down *down = down_add(port, track, peer, 0, 0);
        down->ssrc = 3;
        memcpy(peer->username, "user", 4);
        peer->username_size = 4;
    }
    struct endpoint from;
    require(endpoint_parse("127.0.0.1", 9, &from), "an address");
    require(!consent_answer(port, peer, data, size, &from), "nobody knows the password");
    port->now_s += 0.1;
    reports_receive(port, peer, data, size);
    while (events_peek(&port->events)) {
        taken++;
        events_drop(&port->events);
    }
}

/* --- the driver ------------------------------------------------------------------------------ */

static const struct target {
    const char *name;
    void (*run)(const uint8_t *data, size_t size);
} TARGETS[] = {
    {"packet", fuzz_packet}, {"payload", fuzz_payload}, {"srtp", fuzz_srtp}, {"rewriting", fuzz_rewriting},
    {"dependency", fuzz_dependency}, {"redundant", fuzz_redundant}, {"feedback", fuzz_feedback}, {"reports", fuzz_reports}};

/* Sound beginnings: plain, with both extension forms, padded, with sources; reports; payloads of the codecs. */
static const char *const SEEDS[] = {
    "8060000100000002000000036d65646961",
    "90e0fffe0000000200000003bede0002101122aabbcc00006d65646961",
    "916000010000000200000003000000041000000201030102030000006d65",
    "a0600001000000020000000361620000000000000006",
    "80c9000100000001",
    "81c8000d000000010000000200000003000000040000000500000006000000070000000800000009",
    "ef00780aef000005666972737473656e6f77", "6f66616b65", "0000000400000501200400008004000004100004",
    "81cd0003000000010000000300010003", "81ce00020000000100000003", "84ce000400000001000000000000000301000000",
    "8fcd0005000000010000000300000003000005012003000000040400",
    "000100102112a4420102030405060708090a0b0c000600047573657200250000",
    "90e0e0851020309d012a", "18000267420003654711", "7c8588", "a8810a00", "08",
    "c00005c00222300000000049049049fe000000000000000001027f0167027f0167027f0167e0",
    "c30006",
    "c100073008625600",
};

static size_t read_seed(const char *hex, uint8_t *out)
{
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        require(sscanf(hex + 2 * i, "%2x", &byte) == 1, "a seed");
        out[i] = (uint8_t)byte;
    }
    return size;
}

enum { MAX_INPUT = 1500, SEED_COUNT = sizeof SEEDS / sizeof *SEEDS };

static size_t make_input(uint8_t *out)
{
    size_t size = read_seed(SEEDS[roll(SEED_COUNT)], out);
    for (uint32_t changes = roll(6); changes; changes--) {
        uint32_t kind = roll(6);
        if (kind == 0)
            size = roll((uint32_t)size + 1);
        else if (kind == 1 && size < MAX_INPUT - 200)
            for (uint32_t more = roll(100); more; more--)
                out[size++] = (uint8_t)roll(256);
        else if (kind == 2 && size < MAX_INPUT - 200)
            size += read_seed(SEEDS[roll(SEED_COUNT)], out + size);
        else if (kind == 3 && size >= 4)
            write_u16(out + 2, (uint16_t)roll(0x10000));
        else if (size)
            out[roll((uint32_t)size)] = (uint8_t)roll(256);
    }
    return size;
}

int main(int count, char **words)
{
    uint8_t input[MAX_INPUT];
    const char *why_not = libcrypto_load();
    if (count != 4 || why_not) {
        fprintf(stderr, "%s\n", why_not ? why_not : "usage: kernel TARGET SEED COUNT");
        return 2;
    }
    state = strtoull(words[2], NULL, 10) * 2654435761u + 1;
    for (size_t i = 0; i < sizeof TARGETS / sizeof *TARGETS; i++) {
        if (strcmp(words[1], TARGETS[i].name))
            continue;
        unsigned long runs = strtoul(words[3], NULL, 10);
        for (unsigned long run = 0; run < runs; run++) {
            size_t size = make_input(input);
            uint8_t *exact = malloc(size);
            if (size)
                memcpy(exact, input, size);
            TARGETS[i].run(exact, size);
            free(exact);
        }
        printf("%s: %lu inputs, %u sound\n", words[1], runs, taken);
        return taken ? 0 : 1;
    }
    fprintf(stderr, "no such target\n");
    return 2;
}
