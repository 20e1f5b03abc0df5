/* The command line of loadgen.
 *
 * Lives here: what can be asked for, with defaults and checks. Does not: act on it.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "usage.h"

enum workload_kind { WORKLOAD_PAIR, WORKLOAD_FAN, WORKLOAD_IDLE, WORKLOAD_FILL, WORKLOAD_ROOM };

struct options {
    enum workload_kind workload;
    const char *protocol;      /* mqtt, xmpp, link */
    uint16_t port;
    uint32_t sessions;         /* fan: subscribers, the publisher comes on top */
    uint32_t in_flight;        /* closed loop: per sender */
    double rate_per_s;         /* above 0: open loop, all senders together */
    double volatile_per_s;     /* room: messages that may be dropped, besides */
    uint32_t body_bytes;
    double warmup_s, seconds;
    uint32_t opening;          /* handshakes at the same time */
    struct usage_target usage;
    const char *tokens_path;   /* link: one token per line, line i for session i */
    const char *conversation;  /* link, fan: the group to send to */
    const char *run_tag;       /* link: makes outbox ids unique to this run */
    uint32_t conversations, entries; /* fill: how many, and messages in each */
    int publish_qos, subscribe_qos;
    bool clean_session;
    bool register_users;       /* xmpp: create the accounts first */
};

/* Reads argv; prints what is wrong and ends the program when it makes no sense. */
void options_parse(struct options *o, int argc, char **argv);

#endif
