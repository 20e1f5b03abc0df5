#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t OPEN_TIMEOUT_NS = 30 * INT64_C(1000000000);

static const struct protocol *protocol_named(const char *name)
{
    static const struct protocol *const all[] = {&PROTOCOL_MQTT, &PROTOCOL_XMPP, &PROTOCOL_LINK,
                                                 &PROTOCOL_NATS};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    fail("unknown protocol %s", name);
}

static char **read_tokens(const char *path, uint32_t count)
{
    FILE *f = fopen(path, "r");
    if (!f)
        fail("cannot open %s: %s", path, strerror(errno));
    char **tokens = calloc(count, sizeof *tokens);
    size_t room = 0;
    for (uint32_t i = 0; i < count; i++) {
        ssize_t len = getline(&tokens[i], &room, f);
        room = 0;
        if (len <= 0)
            fail("%s has %u tokens, %u are needed", path, i, count);
        tokens[i][strcspn(tokens[i], "\r\n")] = 0;
    }
    fclose(f);
    return tokens;
}

void engine_init(struct engine *e, const struct options *options, uint32_t session_count, const struct workload *w)
{
    memset(e, 0, sizeof *e);
    net_init(&e->net);
    e->options = options;
    e->protocol = protocol_named(options->protocol);
    e->workload = w;
    e->session_count = session_count;
    e->sessions = calloc(session_count, sizeof *e->sessions);
    if (!e->sessions)
        fail("out of memory");
    if (e->protocol == &PROTOCOL_LINK) {
        if (!options->tokens_path)
            fail("the link needs --tokens");
        e->tokens = read_tokens(options->tokens_path, session_count);
    }
}

static void open_next(struct engine *e)
{
    struct session *s = &e->sessions[e->opened];
    s->index = e->opened;
    net_connect(&e->net, &s->conn, e->options->port, s->index);
    e->opened++;
    e->protocol->open(e, s);
    net_mark(&e->net, &s->conn);
}

void engine_open_all(struct engine *e)
{
    int64_t progress_ns = clock_now_ns();
    while (e->ready_count < e->session_count) {
        while (e->opened < e->session_count && e->opened - e->ready_count < e->options->opening)
            open_next(e);
        uint32_t before = e->ready_count;
        engine_turn(e, 100 * 1000000);
        if (e->ready_count != before)
            progress_ns = e->now_ns;
        else if (clock_now_ns() - progress_ns > OPEN_TIMEOUT_NS)
            fail("no session became ready for 30 s: %u of %u are", e->ready_count, e->session_count);
    }
}

void engine_ready(struct engine *e, struct session *s)
{
    s->ready = true;
    e->ready_count++;
}

static void handle_input(struct engine *e, struct session *s)
{
    struct span input;
    if (!net_receive(&e->net, &s->conn, &input))
        fail("the server closed session %u (%u messages sent, %s)", s->index, s->next_number,
             s->ready ? "signed in" : "signing in");
    e->now_ns = clock_now_ns();
    size_t used = 0;
    while (used < input.len) {
        size_t took = e->protocol->feed(e, s, input.data + used, input.len - used);
        if (took == 0)
            break;
        used += took;
    }
    net_keep(&s->conn, input.data + used, input.len - used);
    if (s->conn.out.len)
        net_mark(&e->net, &s->conn);
}

int engine_turn(struct engine *e, int64_t timeout_ns)
{
    net_flush(&e->net);
    int count = net_wait(&e->net, timeout_ns);
    e->now_ns = clock_now_ns();
    for (int i = 0; i < count; i++) {
        struct session *s = &e->sessions[e->net.events[i].data.u32];
        if (e->net.events[i].events & EPOLLOUT)
            net_resume(&e->net, &s->conn);
        if (e->net.events[i].events & ~(uint32_t)EPOLLOUT)
            handle_input(e, s);
    }
    net_flush(&e->net);
    return count;
}

void engine_send(struct engine *e, struct session *s, const struct outgoing *m)
{
    e->protocol->send(e, s, m);
    net_mark(&e->net, &s->conn);
}
