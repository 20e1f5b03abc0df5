/* Non-blocking TCP connections on one epoll instance.
 *
 * Lives here: connecting, reading into a shared buffer, keeping an unfinished tail per connection, and
 * collecting output so that everything one turn has for a connection leaves in one write.
 * Does not: know any protocol.
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct buffer {
    uint8_t *data;
    size_t len, cap;
};

struct conn {
    int fd;
    uint32_t tag;     /* returned with every event */
    bool dirty;       /* listed for the next flush */
    bool blocked;     /* the kernel took only part of the output */
    struct buffer kept; /* input that did not make a whole frame */
    struct buffer out;
};

struct span {
    uint8_t *data;
    size_t len;
};

enum { NET_MAX_EVENTS = 1024 };

struct net {
    int epoll_fd;
    struct buffer scratch;
    struct conn **dirty;
    size_t dirty_count, dirty_cap;
    struct epoll_event events[NET_MAX_EVENTS];
    uint64_t reads, writes;
};

/* Makes room for `extra` bytes more and returns where they go; the caller adds to len. */
uint8_t *buffer_reserve(struct buffer *b, size_t extra);
void buffer_append(struct buffer *b, const void *data, size_t len);

void net_init(struct net *net);

/* Connects to 127.0.0.1; ends the program with a message when that fails. */
void net_connect(struct net *net, struct conn *conn, uint16_t port, uint32_t tag);
void net_close(struct conn *conn);

/* Waits for events, at most timeout_ns (0: poll). Returns how many are in net->events. */
int net_wait(struct net *net, int64_t timeout_ns);

/* Everything readable now, the kept tail first. The span is valid until the next call. Returns false when the
 * server closed the connection. */
bool net_receive(struct net *net, struct conn *conn, struct span *out);

/* Stores the part of the last span that was not consumed. */
void net_keep(struct conn *conn, const uint8_t *rest, size_t len);

/* Lists the connection for the next flush: call after appending to conn->out. */
void net_mark(struct net *net, struct conn *conn);
void net_flush(struct net *net);

/* Writes on after the kernel reported room again (EPOLLOUT). */
void net_resume(struct net *net, struct conn *conn);

/* Prints a message and ends the program: a generator has nothing to recover. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
