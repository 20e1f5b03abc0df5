/* The media load: sends paced bursts as publishers do and counts what subscribers get, on one thread of its own.
 *
 * Callers are set up by Python (ICE, DTLS); here are their sockets and keys. SRTP is the kernel's, built in. Every packet
 * ends with the time it was due, encrypted; one in SAMPLE is opened, which proves the keys and gives the latency.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"

enum { MAX_RECEIVERS = 256, MAX_STREAMS = 256, MAX_BURST = 64, SLOT = 1600, BATCH = 64, SAMPLE = 16, STAMP = 16 };
enum { MAX_SOURCES = 128, LATENCIES = 1 << 20 };
static const uint8_t MAGIC[8] = {'t', 'r', 'u', 'n', 'k', 'b', 'e', 'n'};

struct source {
    uint32_t ssrc;
    uint16_t highest;
    uint64_t first, last, packets;
};

struct receiver {
    int fd;
    bool clear; /* nothing is encrypted: the direct way */
    struct srtp srtp;
    struct source sources[MAX_SOURCES];
    size_t source_count;
    uint64_t seen;
};

struct flow {
    int fd;
    bool clear, video;
    struct sockaddr_in to;
    struct srtp *srtp;
    uint32_t ssrc, timestamp, step, size, burst, frames;
    uint16_t sequence;
    uint8_t type;
    uint8_t extensions[64];
    size_t extension_bytes;
    int64_t interval_ns, next_ns;
    uint64_t sent;
};

struct load {
    struct receiver receivers[MAX_RECEIVERS];
    struct flow streams[MAX_STREAMS];
    struct srtp senders[MAX_STREAMS];
    size_t receiver_count, stream_count, sender_count, latency_count;
    float *latencies; /* microseconds */
    uint64_t refused, late;
    double cpu_s;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool open_keys(struct srtp *srtp, int profile, bool sending, const uint8_t *master)
{
    struct session_keys rtp = {0}, rtcp = {0};
    return derive_keys(profile, master, 0, &rtp) && derive_keys(profile, master, 3, &rtcp) &&
           srtp_open(srtp, profile, sending, &rtp, &rtcp);
}

struct load *load_new(void)
{
    if (libcrypto_load())
        return NULL;
    struct load *load = calloc(1, sizeof *load);
    if (load)
        load->latencies = malloc(LATENCIES * sizeof *load->latencies);
    return load;
}

void load_free(struct load *load)
{
    for (size_t i = 0; i < load->receiver_count; i++)
        if (!load->receivers[i].clear)
            srtp_close(&load->receivers[i].srtp);
    for (size_t i = 0; i < load->sender_count; i++)
        srtp_close(&load->senders[i]);
    free(load->latencies);
    free(load);
}

/* Profile 0: in the clear. */
int load_receiver(struct load *load, int fd, int profile, const uint8_t *master)
{
    if (load->receiver_count == MAX_RECEIVERS)
        return -1;
    struct receiver *receiver = &load->receivers[load->receiver_count];
    receiver->fd = fd;
    receiver->clear = !profile;
    if (profile && !open_keys(&receiver->srtp, profile, false, master))
        return -1;
    return (int)load->receiver_count++;
}

int load_sender(struct load *load, int profile, const uint8_t *master)
{
    if (load->sender_count == MAX_STREAMS || !open_keys(&load->senders[load->sender_count], profile, true, master))
        return -1;
    return (int)load->sender_count++;
}

/* A stream of ``sender`` (-1: in the clear): ``burst`` packets of ``size`` bytes of payload, ``rate`` packets a second. */
int load_stream(struct load *load, int fd, const char *host, int port, int sender, uint32_t ssrc, int type, int video,
                uint32_t size, uint32_t burst, double rate, uint32_t clock_rate, const uint8_t *extensions,
                int extension_bytes)
{
    if (load->stream_count == MAX_STREAMS || burst > MAX_BURST || extension_bytes > 64 || size + 200 > SLOT ||
        size < STAMP + 8)
        return -1;
    struct flow *stream = &load->streams[load->stream_count];
    *stream = (struct flow){.fd = fd, .clear = sender < 0, .video = video, .ssrc = ssrc, .type = (uint8_t)type,
                              .size = size, .burst = burst, .sequence = 1000, .timestamp = 90000};
    stream->srtp = sender < 0 ? NULL : &load->senders[sender];
    stream->to.sin_family = AF_INET;
    stream->to.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, host, &stream->to.sin_addr);
    stream->interval_ns = (int64_t)(1e9 * burst / rate);
    stream->step = (uint32_t)((double)clock_rate * burst / rate);
    memcpy(stream->extensions, extensions, (size_t)extension_bytes);
    stream->extension_bytes = (size_t)extension_bytes;
    return (int)load->stream_count++;
}

static size_t write_packet(struct flow *stream, uint32_t place, int64_t due_ns, uint8_t *out)
{
    struct extension elements[8];
    size_t count = 0;
    for (size_t at = 0; at + 2 <= stream->extension_bytes; at += 2u + stream->extensions[at + 1])
        elements[count++] =
            (struct extension){stream->extensions[at], {stream->extensions + at + 2, stream->extensions[at + 1]}};
    uint8_t payload[SLOT];
    memset(payload, 0x5A, stream->size);
    if (stream->video) { /* VP8 with a picture id of 15 bits; a key frame now and then */
        payload[0] = place == 0 ? 0x90 : 0x80;
        payload[1] = 0x80;
        payload[2] = (uint8_t)(0x80 | (stream->frames >> 8 & 0x7F));
        payload[3] = (uint8_t)stream->frames;
        payload[4] = stream->frames % 100 ? 1 : 0;
    }
    memcpy(payload + stream->size - STAMP, MAGIC, sizeof MAGIC);
    memcpy(payload + stream->size - 8, &due_ns, 8);
    struct rtp rtp = {.payload_type = stream->type, .marker = place + 1 == stream->burst, .sequence = stream->sequence++,
                      .timestamp = stream->timestamp, .ssrc = stream->ssrc, .payload = {payload, stream->size}};
    size_t size = rtp_write(out, SLOT - SRTP_OVERHEAD, &rtp, elements, count);
    if (stream->clear)
        return size;
    int sealed = srtp_protect(stream->srtp, out, size);
    return sealed > 0 ? (size_t)sealed : 0;
}

static void send_burst(struct load *load, struct flow *stream, int64_t due_ns)
{
    static uint8_t bytes[MAX_BURST][SLOT];
    struct mmsghdr messages[MAX_BURST];
    struct iovec vectors[MAX_BURST];
    for (uint32_t i = 0; i < stream->burst; i++) {
        vectors[i] = (struct iovec){bytes[i], write_packet(stream, i, due_ns, bytes[i])};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &stream->to, .msg_namelen = sizeof stream->to, .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int sent = sendmmsg(stream->fd, messages, stream->burst, 0);
    stream->sent += sent > 0 ? (uint64_t)sent : 0;
    load->refused += stream->burst - (uint64_t)(sent > 0 ? sent : 0);
    stream->timestamp += stream->step;
    stream->frames++;
}

static void count(struct load *load, struct receiver *receiver, uint8_t *data, size_t size)
{
    if (size < RTP_HEADER_BYTES + STAMP || data[0] >> 6 != 2 || (data[1] >= 192 && data[1] <= 223))
        return;
    uint32_t ssrc = read_u32(data + 8);
    uint16_t sequence = read_u16(data + 2);
    struct source *source = receiver->sources;
    while (source < receiver->sources + receiver->source_count && source->ssrc != ssrc)
        source++;
    if (source == receiver->sources + receiver->source_count) {
        if (receiver->source_count == MAX_SOURCES)
            return;
        receiver->source_count++;
        *source = (struct source){.ssrc = ssrc, .highest = sequence, .first = sequence, .last = sequence};
    }
    int16_t ahead = (int16_t)(uint16_t)(sequence - source->highest);
    if (ahead > 0) {
        source->highest = sequence;
        source->last += (uint64_t)ahead;
    }
    source->packets++;
    if (receiver->seen++ % SAMPLE)
        return;
    int64_t due_ns;
    if (!receiver->clear) {
        int opened = srtp_unprotect(&receiver->srtp, data, size);
        if (opened < 0) {
            load->refused++;
            return;
        }
        size = (size_t)opened;
    }
    if (size < STAMP || memcmp(data + size - STAMP, MAGIC, sizeof MAGIC))
        return;
    memcpy(&due_ns, data + size - 8, 8);
    if (load->latency_count < LATENCIES)
        load->latencies[load->latency_count++] = (float)(now_ns() - due_ns) / 1000.0f;
}

static void drain(struct load *load, struct receiver *receiver)
{
    static uint8_t bytes[BATCH][2048];
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    int got;
    do {
        for (size_t i = 0; i < BATCH; i++) {
            vectors[i] = (struct iovec){bytes[i], sizeof bytes[i]};
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
        }
        got = recvmmsg(receiver->fd, messages, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < got; i++)
            count(load, receiver, bytes[i], messages[i].msg_len);
    } while (got == BATCH);
}

/* Sends for so many seconds, then counts what is still under way. What arrives is read at once, or every so many
 * seconds: who sends to a socket that nobody sleeps on does not pay for waking its reader.
 */
int load_run(struct load *load, double seconds, double collect_s)
{
    int poll = epoll_create1(0);
    struct rusage before, after;
    for (size_t i = 0; i < load->receiver_count && !collect_s; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &load->receivers[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, load->receivers[i].fd, &event);
    }
    getrusage(RUSAGE_THREAD, &before);
    int64_t begun = now_ns(), end = begun + (int64_t)(seconds * 1e9), over = end + 400000000;
    for (size_t i = 0; i < load->stream_count; i++)
        load->streams[i].next_ns = begun + (int64_t)i * load->streams[i].interval_ns / (int64_t)load->stream_count;
    for (int64_t now = begun; now < over; now = now_ns()) {
        int64_t next = over;
        for (size_t i = 0; i < load->stream_count; i++) {
            struct flow *stream = &load->streams[i];
            if (stream->next_ns > end)
                continue;
            if (stream->next_ns <= now) {
                load->late += now - stream->next_ns > 5000000;
                send_burst(load, stream, now); /* counted from here: waiting in the generator is not the server's */
                stream->next_ns += stream->interval_ns;
            }
            if (stream->next_ns < next)
                next = stream->next_ns;
        }
        struct epoll_event events[64];
        struct timespec pause = {0, 0};
        int64_t left = next - now_ns(), wait = collect_s ? (int64_t)(collect_s * 1e9) : left;
        left = wait < left ? wait : left;
        if (left > 0)
            pause = (struct timespec){left / 1000000000, left % 1000000000};
        int ready = epoll_pwait2(poll, events, 64, &pause, NULL);
        for (int i = 0; i < ready; i++)
            drain(load, events[i].data.ptr);
        for (size_t i = 0; i < load->receiver_count && collect_s; i++)
            drain(load, &load->receivers[i]);
    }
    getrusage(RUSAGE_THREAD, &after);
    load->cpu_s = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                  (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) * 1e-6;
    close(poll);
    return 0;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* sent, received, lost on the way, refused, late, the load's CPU seconds, samples, p50, p99, p99.9 and largest latency (us) */
void load_result(struct load *load, double *out)
{
    uint64_t sent = 0, received = 0, lost = 0;
    for (size_t i = 0; i < load->stream_count; i++)
        sent += load->streams[i].sent;
    for (size_t i = 0; i < load->receiver_count; i++)
        for (size_t k = 0; k < load->receivers[i].source_count; k++) {
            struct source *source = &load->receivers[i].sources[k];
            uint64_t expected = source->last - source->first + 1;
            received += source->packets;
            lost += expected > source->packets ? expected - source->packets : 0;
        }
    size_t n = load->latency_count;
    qsort(load->latencies, n, sizeof *load->latencies, by_value);
    double found[] = {(double)sent, (double)received, (double)lost, (double)load->refused, (double)load->late, load->cpu_s,
                      (double)n, n ? load->latencies[n / 2] : 0, n ? load->latencies[n * 99 / 100] : 0,
                      n ? load->latencies[n * 999 / 1000] : 0, n ? load->latencies[n - 1] : 0};
    memcpy(out, found, sizeof found);
}
