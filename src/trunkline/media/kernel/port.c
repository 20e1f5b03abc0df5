/* The thread: receives on the one UDP port, sorts (RFC 7983), forwards, keeps the timers. */
#include "thread.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, YIELD_DOWNS = 128, IDLE_MS = 50, BUSY_MS = 5, RECEIVE_BYTES = 8 << 20, SEND_BYTES = 8 << 20 };
#define TIMERS_S 0.005
#define BUSY_FROM_HZ 1000.0
#define BURST_NS 40000
#define BUSY_NS 800000
#define SHORT_TURN_NS 100000
#define URGENT_NICE -11
/* Woken up, it waits for the rest of a burst, and longer when that happens often: several datagrams are worked on, and
 * sent, for the price of one. */

double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void lock(struct port *port)
{
    pthread_mutex_lock(&port->lock);
    port->now_s = monotonic_s();
}

/* Lets Python in where it waits; a mutex alone would go to whoever asks again first. */
static void let_in(struct port *port)
{
    static const struct timespec moment = {0, 20000};
    for (int tries = 0; tries < 50 && atomic_load(&port->waiting); tries++)
        nanosleep(&moment, NULL);
}

/* --- forwarding ------------------------------------------------------------------------------------- */

/* Of a large audience nothing is in the cache: what comes soon is fetched while others are served, what is pointed to
 * when the pointer has come. */
static void fetch_ahead(const struct track *track)
{
    size_t at = track->cursor;
    if (at + 6 < track->down_count)
        for (size_t line = 0; line < sizeof(struct down); line += 64)
            __builtin_prefetch((const char *)track->downs[at + 6] + line);
    if (at + 4 < track->down_count) {
        const struct down *down = track->downs[at + 4];
        const struct peer *peer = down->peer;
        __builtin_prefetch(&peer->through_python);
        __builtin_prefetch(&peer->out.rtp, 1);
        __builtin_prefetch(&peer->out.rtp.salt);
        __builtin_prefetch(&peer->out.streams);
        __builtin_prefetch(&peer->target);
        __builtin_prefetch(&peer->transport_id);
        __builtin_prefetch(&peer->history, 1);
        __builtin_prefetch(&peer->sent, 1);
        __builtin_prefetch(down->bytes, 1);
        __builtin_prefetch(down->repacker, 1);
    }
    if (at + 2 < track->down_count) {
        const struct down *down = track->downs[at + 2];
        __builtin_prefetch(down->peer->out.streams.slots);
        __builtin_prefetch(down->peer->out.rtp.cipher, 1);
        history_fetch(&down->peer->history);
        if (down->bytes)
            sent_bytes_fetch(down->bytes, (uint16_t)(down->rewriter.highest + 1));
        if (down->repacker)
            repacker_fetch(down->repacker);
    }
    if (at + 1 < track->down_count)
        streams_fetch(&track->downs[at + 1]->peer->out.streams, track->downs[at + 1]->ssrc);
}

static void forward_track(struct port *port, struct track *track, struct rtp_media *batch)
{
    size_t served = 0;
    for (track->cursor = 0; track->cursor < track->down_count; track->cursor++) {
        struct down *down = track->downs[track->cursor];
        fetch_ahead(track);
        for (int at = track->first; at >= 0; at = batch[at].next)
            down_forward(port, down, &batch[at]);
        if (++served % YIELD_DOWNS == 0 && atomic_load(&port->waiting)) {
            output_flush(port);
            pthread_mutex_unlock(&port->lock);
            let_in(port);
            lock(port);
            if (track->dead)
                break;
        }
    }
    track->first = track->last = -1;
}

void port_forward(struct port *port, struct rtp_media *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct track *track = batch[i].layer->track;
        batch[i].next = -1;
        if (track->last >= 0)
            batch[track->last].next = (int)i;
        else
            track->first = (int)i;
        track->last = (int)i;
    }
    for (size_t i = 0; i < count; i++) {
        struct track *track = batch[i].layer->track;
        if (track->first == (int)i && !track->dead)
            forward_track(port, track, batch);
    }
}

void port_media(struct port *port, struct peer *peer, uint8_t *datagram, size_t size, struct rtp_media *batch,
                size_t *count)
{
    if (!peer->keyed)
        return;
    bool report = datagram[1] >= 192 && datagram[1] <= 223;
    int opened = report ? srtcp_unprotect(&peer->in, datagram, size) : srtp_unprotect(&peer->in, datagram, size);
    peer->received++;
    if (opened < 0) {
        peer->refused++;
        return;
    }
    if (report) {
        reports_receive(port, peer, datagram, (size_t)opened);
        return;
    }
    struct rtp_media *media = &batch[*count];
    *media = (struct rtp_media){.next = -1};
    if (!rtp_parse(datagram, (size_t)opened, &media->rtp))
        return;
    struct extension element;
    size_t position = 0;
    while (peer->transport_id && rtp_next_extension(&media->rtp, &position, &element))
        if (element.id == peer->transport_id && element.value.size == 2)
            arrivals_on_packet(&peer->arrivals, read_u16(element.value.data), port->now_s);
    struct source *source = track_of(peer, &media->rtp);
    if (!source)
        peer->unknown++;
    else
        *count += track_take(port, source, media);
}

static bool is_media(const uint8_t *datagram, size_t size)
{
    return size >= 8 && datagram[0] >= 128 && datagram[0] <= 191;
}

void port_inject(struct port *port, struct peer *peer, uint8_t *datagram, size_t size)
{
    struct rtp_media one;
    size_t count = 0;
    port->now_s = monotonic_s();
    if (!is_media(datagram, size))
        return;
    port_media(port, peer, datagram, size, &one, &count);
    /* Not port_forward: letting go of the lock is for the thread alone, and what it has in hand stays as it is. */
    for (size_t i = 0; count && i < one.layer->track->down_count; i++)
        down_forward(port, one.layer->track->downs[i], &one);
    output_flush(port);
}

/* --- the thread --------------------------------------------------------------------------------------- */

struct reception_room {
    uint8_t bytes[BATCH][DATAGRAM_BYTES];
    struct sockaddr_storage from[BATCH];
    struct iovec vectors[BATCH];
    struct mmsghdr messages[BATCH];
    struct rtp_media media[BATCH];
};

static int receive(struct port *port, struct reception_room *room)
{
    for (size_t i = 0; i < BATCH; i++) {
        room->vectors[i] = (struct iovec){room->bytes[i], DATAGRAM_BYTES};
        room->messages[i].msg_hdr = (struct msghdr){.msg_name = &room->from[i],
                                                    .msg_namelen = sizeof room->from[i],
                                                    .msg_iov = &room->vectors[i],
                                                    .msg_iovlen = 1};
    }
    return recvmmsg(port->fd, room->messages, BATCH, MSG_DONTWAIT, NULL);
}

static void bury_all(struct port *port)
{
    while (port->dead) {
        struct dead *dead = port->dead;
        port->dead = dead->next;
        if (dead->kind == HANDLE_PEER)
            peer_free(dead->object);
        else if (dead->kind == HANDLE_TRACK)
            track_free(dead->object);
        else
            down_free(dead->object);
        free(dead);
    }
}

static void work(struct port *port, struct reception_room *room, int received)
{
    size_t count = 0;
    bury_all(port);
    port->received += (size_t)received;
    for (int i = 0; i < received; i++) {
        uint8_t *datagram = room->bytes[i];
        size_t size = room->messages[i].msg_len;
        struct endpoint from;
        if (!size || room->messages[i].msg_hdr.msg_flags & MSG_TRUNC)
            continue;
        endpoint_from(&room->from[i], &from);
        struct peer *peer = owners_find(&port->owners, &from);
        if (is_media(datagram, size)) {
            if (peer)
                port_media(port, peer, datagram, size, room->media, &count);
            else
                port->dropped++;
            continue;
        }
        if (peer && datagram[0] < 4 && consent_answer(port, peer, datagram, size, &from))
            continue;
        struct event event = {(uint32_t)size, peer ? peer->id : 0, EVENT_DATAGRAM, from};
        events_put(&port->events, &event, datagram);
    }
    port_forward(port, room->media, count);
    output_flush(port);
}

static void timers(struct port *port)
{
    if (port->now_s - port->timers_s < TIMERS_S)
        return;
    double passed_s = port->now_s - port->timers_s;
    port->timers_s = port->now_s;
    for (struct peer *peer = port->publishers; peer; peer = peer->next_publisher)
        reports_due(port, peer);
    pacers_run(port);
    if (port->now_s - port->repeated_s >= REPEAT_S) {
        port->repeated_s = port->now_s;
        for (struct down **at = &port->repeating; *at;) {
            struct down *down = *at;
            if (down_repeat(port, down)) {
                at = &down->next_repeating;
            } else {
                down->repeats = false;
                *at = down->next_repeating;
            }
        }
    }
    /* Sender reports are due once a second: in half of that every downtrack is looked at once. */
    size_t look = (size_t)((double)port->handle_count * (passed_s < 0.5 ? passed_s * 2 : 1)) + 1;
    for (size_t i = 0; i < look && i < port->handle_count; i++) {
        port->report_cursor = (port->report_cursor + 1) % port->handle_count;
        struct handle *handle = &port->handles[port->report_cursor];
        if (handle->kind == HANDLE_DOWN)
            down_report(port, handle->object);
    }
    output_flush(port);
}

/* Whether it is woken up so often that it pays to wait for more. */
static bool is_busy(struct port *port)
{
    double now_s = monotonic_s(), passed_s = now_s - port->wakeup_s;
    port->wakeup_s = now_s;
    port->wakeups++;
    double rate = passed_s > 1e-6 ? 1 / passed_s : 1e6;
    if (rate > 20000)
        rate = 20000;
    port->wakeup_rate += (rate - port->wakeup_rate) * (passed_s > 0.1 ? 1 : 0.05);
    return port->wakeup_rate > BUSY_FROM_HZ;
}

/* Asks for short turns on the processor: who asks for less than others is let in as soon as it wakes up (Linux 6.12),
 * whatever Python is doing. Older kernels ignore it. On a crowded machine that holds only while it has had less than its
 * share, so it asks for a larger share as well, where that is allowed (CAP_SYS_NICE, or RLIMIT_NICE). */
static void ask_for_short_turns(void)
{
    int present = getpriority(PRIO_PROCESS, 0);
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime_ns, deadline_ns, period_ns;
    } attributes = {.size = sizeof attributes, .runtime_ns = SHORT_TURN_NS};
    attributes.nice = present < URGENT_NICE ? present : URGENT_NICE;
    if (!syscall(SYS_sched_setattr, 0, &attributes, 0))
        return;
    attributes.nice = present;
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static void *run(void *given)
{
    static const struct timespec burst = {0, BURST_NS}, busy = {0, BUSY_NS};
    struct port *port = given;
    struct reception_room *room = malloc(sizeof *room);
    prctl(PR_SET_NAME, "trunkline-media");
    ask_for_short_turns();
    prctl(PR_SET_TIMERSLACK, 1000ul); /* nanoseconds: pauses are as short as they say */
    while (room && !atomic_load(&port->stopping)) {
        struct pollfd readable = {.fd = port->fd, .events = POLLIN};
        int ready = poll(&readable, 1, atomic_load(&port->publishing) ? BUSY_MS : IDLE_MS);
        if (ready > 0) {
            bool often = is_busy(port);
            port->gathered += often;
            nanosleep(often ? &busy : &burst, NULL);
        }
        int received = 0;
        do {
            received = ready > 0 ? receive(port, room) : 0;
            let_in(port);
            lock(port);
            work(port, room, received > 0 ? received : 0);
            timers(port);
            atomic_store(&port->publishing, port->publishers || port->handle_count > port->handle_free_count);
            pthread_mutex_unlock(&port->lock);
        } while (received == BATCH && !atomic_load(&port->stopping));
        if (received < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNREFUSED) {
            static const struct timespec pause = {0, 1000000};
            nanosleep(&pause, NULL); /* whatever it is, it must not take a whole core */
        }
    }
    free(room);
    return NULL;
}

struct port *port_open(int fd, int wake_fd)
{
    struct port *port = calloc(1, sizeof *port);
    struct sockaddr_storage name;
    socklen_t name_size = sizeof name;
    int receive_bytes = RECEIVE_BYTES, send_bytes = SEND_BYTES;
    if (!port)
        return NULL;
    if (getrandom(&port->owners.seed, sizeof port->owners.seed, 0) != sizeof port->owners.seed ||
        getsockname(fd, (struct sockaddr *)&name, &name_size) || !output_open(&port->output) ||
        !events_open(&port->events, wake_fd)) {
        port_close(port);
        return NULL;
    }
    /* More than a user may ask for takes a privilege: what is given is taken. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_bytes, sizeof send_bytes))
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    output_fragments(fd, false);
    port->fd = fd;
    port->family = name.ss_family;
    port->now_s = monotonic_s();
    pthread_mutex_init(&port->lock, NULL);
    return port;
}

bool port_start(struct port *port)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are Python's */
    port->started = !pthread_create(&port->thread, NULL, run, port);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return port->started;
}

void port_stop(struct port *port)
{
    atomic_store(&port->stopping, true);
    if (port->started)
        pthread_join(port->thread, NULL);
    port->started = false;
}

void port_bury(struct port *port, uint8_t kind, void *object)
{
    struct dead *dead = malloc(sizeof *dead);
    if (!dead)
        return; /* better lost than freed while the thread may look at it */
    *dead = (struct dead){object, kind, port->dead};
    port->dead = dead;
}

/* Nothing but the memory is left to end: the thread has stopped. */
void port_close(struct port *port)
{
    for (size_t place = 0; place < port->handle_count; place++)
        if (port->handles[place].kind == HANDLE_PEER)
            peer_remove(port, port->handles[place].object);
    bury_all(port);
    output_close(&port->output);
    events_close(&port->events);
    free(port->owners.slots);
    free(port->handles);
    free(port->handle_free);
    free(port);
}
