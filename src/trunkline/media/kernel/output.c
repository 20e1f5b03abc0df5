/* Datagrams gathered while a batch is worked on and sent with few calls. Packets of the same size for the same peer that
 * follow one another become one message, which the kernel cuts up again (UDP GSO). */
#include "thread.h"

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { FULL_MS = 2, FULL_TRIES = 3 };

bool output_open(struct output *output)
{
    memset(output, 0, sizeof *output);
    output->arena = malloc(ARENA_BYTES);
    output->segmentation = true;
    return output->arena;
}

void output_close(struct output *output)
{
    free(output->arena);
    output->arena = NULL;
}

/* Packets ask routers not to cut them up, as is usual. Where the kernel need not be ready to do that itself either, it
 * looks for no number that fragments would share: a line of memory that is in no cache. Who is on a narrow way pays. */
void output_fragments(int fd, bool allowed)
{
    int discovery = allowed ? IP_PMTUDISC_WANT : IP_PMTUDISC_DO;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discovery, sizeof discovery);
}

uint8_t *output_room(struct port *port, size_t size)
{
    struct output *output = &port->output;
    if (output->used + size > ARENA_BYTES || output->count == MAX_MESSAGES)
        output_flush(port);
    return output->arena + output->used;
}

static bool extend(struct output *output, const struct peer *peer, const uint8_t *data, size_t size)
{
    if (!output->count || !output->segmentation)
        return false;
    size_t last = output->count - 1;
    struct iovec *vector = &output->vectors[last];
    if (!output->open[last] || output->peers[last] != peer || (uint8_t *)vector->iov_base + vector->iov_len != data ||
        size > output->segment[last] || output->segments[last] >= MAX_SEGMENTS ||
        vector->iov_len + size > MAX_SEGMENTED_BYTES)
        return false;
    vector->iov_len += size;
    output->segments[last]++;
    output->open[last] = size == output->segment[last]; /* only the last may be shorter */
    return true;
}

void output_add(struct port *port, struct peer *peer, uint8_t *data, size_t size)
{
    struct output *output = &port->output;
    output->packets++;
    output->octets += size;
    peer->sent++;
    if (peer->through_python) {
        struct event event = {.size = (uint32_t)size, .peer = peer->id, .kind = EVENT_SEND};
        events_put(&port->events, &event, data);
        return;
    }
    output->used = (size_t)(data - output->arena) + size;
    if (extend(output, peer, data, size))
        return;
    size_t at = output->count++;
    output->vectors[at] = (struct iovec){data, size};
    output->peers[at] = peer;
    output->segment[at] = (uint16_t)size;
    output->segments[at] = 1;
    output->open[at] = true;
}

static void prepare(struct output *output, size_t at)
{
    struct msghdr *header = &output->messages[at].msg_hdr;
    struct peer *peer = output->peers[at];
    *header = (struct msghdr){.msg_name = &peer->target,
                              .msg_namelen = peer->target_size,
                              .msg_iov = &output->vectors[at],
                              .msg_iovlen = 1};
    if (output->segments[at] < 2)
        return;
    header->msg_control = output->control[at];
    header->msg_controllen = sizeof output->control[at];
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    memcpy(CMSG_DATA(control), &output->segment[at], sizeof(uint16_t));
}

/* One by one, where the way out does not take segments or is too narrow; whether it was too narrow. */
static bool send_apart(struct port *port, size_t at)
{
    struct output *output = &port->output;
    const struct peer *peer = output->peers[at];
    const struct sockaddr *target = (const struct sockaddr *)&peer->target;
    const uint8_t *data = output->vectors[at].iov_base;
    bool narrow = false;
    for (size_t left = output->vectors[at].iov_len; left;) {
        size_t size = left < output->segment[at] ? left : output->segment[at];
        ssize_t sent = sendto(port->fd, data, size, 0, target, peer->target_size);
        if (sent < 0 && errno == EMSGSIZE) {
            narrow = true;
            output_fragments(port->fd, true);
            sent = sendto(port->fd, data, size, 0, target, peer->target_size);
            output_fragments(port->fd, false);
        }
        output->calls++;
        output->failed += sent < 0;
        data += size;
        left -= size;
    }
    return narrow;
}

void output_flush(struct port *port)
{
    struct output *output = &port->output;
    int tries = 0;
    for (size_t at = 0; at < output->count; at++)
        prepare(output, at);
    for (size_t at = 0; at < output->count;) {
        int sent = sendmmsg(port->fd, output->messages + at, (unsigned)(output->count - at), 0);
        output->calls++;
        if (sent > 0) {
            at += (size_t)sent;
            output->datagrams += (size_t)sent;
            continue;
        }
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && tries++ < FULL_TRIES) {
            struct pollfd writable = {.fd = port->fd, .events = POLLOUT};
            poll(&writable, 1, FULL_MS);
            continue;
        }
        if (errno == EMSGSIZE || (output->segments[at] > 1 && (errno == EIO || errno == EINVAL))) {
            output->segmentation &= send_apart(port, at++); /* is the way narrow, others may still take segments */
            continue;
        }
        output->failed += output->segments[at++];
    }
    output->count = output->used = 0;
}
