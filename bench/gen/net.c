#define _GNU_SOURCE
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024 };

void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("loadgen: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

uint8_t *buffer_reserve(struct buffer *b, size_t extra)
{
    if (b->len + extra > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 512;
        while (cap < b->len + extra)
            cap *= 2;
        b->data = realloc(b->data, cap);
        if (!b->data)
            fail("out of memory");
        b->cap = cap;
    }
    return b->data + b->len;
}

void buffer_append(struct buffer *b, const void *data, size_t len)
{
    memcpy(buffer_reserve(b, len), data, len);
    b->len += len;
}

void net_init(struct net *net)
{
    memset(net, 0, sizeof *net);
    net->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (net->epoll_fd < 0)
        fail("epoll_create1: %s", strerror(errno));
    /* The default slack of 50 us would make every open-loop message late. */
    prctl(PR_SET_TIMERSLACK, 1UL);
}

static void watch(struct net *net, struct conn *conn, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | (conn->blocked ? (uint32_t)EPOLLOUT : 0), .data.u32 = conn->tag};
    if (epoll_ctl(net->epoll_fd, operation, conn->fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
}

void net_connect(struct net *net, struct conn *conn, uint16_t port, uint32_t tag)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(conn, 0, sizeof *conn);
    conn->tag = tag;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0)
        fail("socket %u: %s (raise the limit of open files: ulimit -n)", tag, strerror(errno));
    if (connect(conn->fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect %u to port %u: %s", tag, port, strerror(errno));
    int one = 1;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(conn->fd, F_SETFL, fcntl(conn->fd, F_GETFL) | O_NONBLOCK);
    watch(net, conn, EPOLL_CTL_ADD);
}

void net_close(struct conn *conn)
{
    if (conn->fd > 0)
        close(conn->fd);
    conn->fd = -1;
}

int net_wait(struct net *net, int64_t timeout_ns)
{
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int count = epoll_pwait2(net->epoll_fd, net->events, NET_MAX_EVENTS, &timeout, NULL);
    if (count < 0 && errno != EINTR)
        fail("epoll_pwait2: %s", strerror(errno));
    return count < 0 ? 0 : count;
}

bool net_receive(struct net *net, struct conn *conn, struct span *out)
{
    struct buffer *scratch = &net->scratch;
    scratch->len = 0;
    if (conn->kept.len) {
        buffer_append(scratch, conn->kept.data, conn->kept.len);
        conn->kept.len = 0;
    }
    uint8_t *room = buffer_reserve(scratch, READ_SIZE);
    ssize_t got = read(conn->fd, room, READ_SIZE);
    net->reads++;
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    if (got > 0)
        scratch->len += (size_t)got;
    out->data = scratch->data;
    out->len = scratch->len;
    return true;
}

void net_keep(struct conn *conn, const uint8_t *rest, size_t len)
{
    conn->kept.len = 0;
    if (len)
        buffer_append(&conn->kept, rest, len);
}

void net_mark(struct net *net, struct conn *conn)
{
    if (conn->dirty || conn->blocked)
        return;
    if (net->dirty_count == net->dirty_cap) {
        net->dirty_cap = net->dirty_cap ? net->dirty_cap * 2 : 1024;
        net->dirty = realloc(net->dirty, net->dirty_cap * sizeof *net->dirty);
        if (!net->dirty)
            fail("out of memory");
    }
    conn->dirty = true;
    net->dirty[net->dirty_count++] = conn;
}

static void flush_one(struct net *net, struct conn *conn)
{
    ssize_t wrote = write(conn->fd, conn->out.data, conn->out.len);
    net->writes++;
    if (wrote < 0 && errno != EAGAIN)
        fail("write to connection %u: %s", conn->tag, strerror(errno));
    size_t left = conn->out.len - (wrote > 0 ? (size_t)wrote : 0);
    if (left && wrote > 0)
        memmove(conn->out.data, conn->out.data + wrote, left);
    conn->out.len = left;
    bool blocked = left > 0;
    if (blocked != conn->blocked) {
        conn->blocked = blocked;
        watch(net, conn, EPOLL_CTL_MOD);
    }
}

void net_flush(struct net *net)
{
    for (size_t i = 0; i < net->dirty_count; i++) {
        net->dirty[i]->dirty = false;
        if (net->dirty[i]->fd >= 0)
            flush_one(net, net->dirty[i]);
    }
    net->dirty_count = 0;
}

void net_resume(struct net *net, struct conn *conn)
{
    if (conn->blocked)
        flush_one(net, conn);
}
