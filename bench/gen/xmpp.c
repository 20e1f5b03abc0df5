/* XMPP client: session i is u<i>@localhost; plain TCP, SASL PLAIN, no stream management.
 *
 * Lives here: the handshake (with in-band registration when asked), chat messages, finding bodies in the stream.
 * Does not: parse XML. Bodies hold only characters that need no escaping, which makes a search enough.
 * XMPP confirms nothing to the sender, so a message counts as done when its peer has it: the cheapest rule for
 * the server.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "engine.h"

enum { STEP_STREAM, STEP_REGISTER, STEP_AUTH, STEP_STREAM_AGAIN, STEP_BIND, STEP_PRESENCE, STEP_DONE };

static const char STREAM_HEADER[] =
    "<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/* What the server must have sent before the next step. */
static const char *const AWAITED[] = {
    [STEP_STREAM] = "</stream:features>", [STEP_REGISTER] = "id='reg'", [STEP_AUTH] = "<success",
    [STEP_STREAM_AGAIN] = "</stream:features>", [STEP_BIND] = "</iq>", [STEP_PRESENCE] = "<presence",
};

static void put(struct session *s, const char *text)
{
    buffer_append(&s->conn.out, text, strlen(text));
}

static void put_auth(struct session *s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char plain[48] = {0}; /* \0 user \0 password, zero-filled to a multiple of three */
    char user[16];
    size_t user_len = (size_t)snprintf(user, sizeof user, "u%u", s->index);
    memcpy(plain + 1, user, user_len);
    memcpy(plain + 2 + user_len, "secret", 6);
    size_t len = 2 + user_len + 6;
    char text[80];
    size_t n = 0;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)(uint8_t)plain[i] << 16 | (uint32_t)(uint8_t)plain[i + 1] << 8 | (uint8_t)plain[i + 2];
        text[n++] = digits[v >> 18];
        text[n++] = digits[v >> 12 & 63];
        text[n++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
        text[n++] = i + 2 < len ? digits[v & 63] : '=';
    }
    text[n] = 0;
    put(s, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>");
    put(s, text);
    put(s, "</auth>");
}

static void put_register(struct session *s)
{
    char stanza[256];
    snprintf(stanza, sizeof stanza,
             "<iq type='set' id='reg'><query xmlns='jabber:iq:register'><username>u%u</username>"
             "<password>secret</password></query></iq>", s->index);
    put(s, stanza);
}

static void xmpp_open(struct engine *e, struct session *s)
{
    (void)e;
    s->step = STEP_STREAM;
    put(s, STREAM_HEADER);
}

static void advance(struct engine *e, struct session *s)
{
    switch (s->step) {
    case STEP_STREAM:
        s->step = e->options->register_users ? STEP_REGISTER : STEP_AUTH;
        if (e->options->register_users)
            put_register(s);
        else
            put_auth(s);
        break;
    case STEP_REGISTER:
        s->step = STEP_AUTH;
        put_auth(s);
        break;
    case STEP_AUTH:
        s->step = STEP_STREAM_AGAIN;
        put(s, STREAM_HEADER);
        break;
    case STEP_STREAM_AGAIN:
        s->step = STEP_BIND;
        put(s, "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
               "<resource>bench</resource></bind></iq>");
        break;
    case STEP_BIND:
        s->step = STEP_PRESENCE;
        put(s, "<presence/>");
        break;
    case STEP_PRESENCE:
        s->step = STEP_DONE;
        engine_ready(e, s);
        break;
    default:
        break;
    }
}

static size_t feed_handshake(struct engine *e, struct session *s, const uint8_t *data, size_t len)
{
    if (memmem(data, len, "<failure", 8) || memmem(data, len, "<stream:error", 13))
        fail("session %u refused: %.*s", s->index, (int)(len < 600 ? len : 600), (const char *)data);
    const char *awaited = AWAITED[s->step];
    if (!memmem(data, len, awaited, strlen(awaited)))
        return 0;
    advance(e, s);
    return len;
}

static size_t xmpp_feed(struct engine *e, struct session *s, const uint8_t *data, size_t len)
{
    static const char open_tag[] = "<body>", close_tag[] = "</body>";
    if (s->step != STEP_DONE)
        return feed_handshake(e, s, data, len);
    const uint8_t *body = memmem(data, len, open_tag, sizeof open_tag - 1);
    if (!body) {
        if (memmem(data, len, "<stream:error", 13) || memmem(data, len, "type='error'", 12))
            fail("session %u: %.*s", s->index, (int)(len < 600 ? len : 600), (const char *)data);
        return len > sizeof open_tag ? len - sizeof open_tag : 0;
    }
    body += sizeof open_tag - 1;
    const uint8_t *end = memmem(body, (size_t)(data + len - body), close_tag, sizeof close_tag - 1);
    if (!end)
        return 0;
    e->workload->delivered(e, s, (const char *)body, (size_t)(end - body));
    return (size_t)(end - data) + sizeof close_tag - 1;
}

static void xmpp_send(struct engine *e, struct session *s, const struct outgoing *m)
{
    (void)e;
    char head[128];
    if (m->to == TO_ROOM)
        fail("fan-out over XMPP is not built");
    int n = snprintf(head, sizeof head, "<message type='chat' id='m%u' to='u%u@localhost'><body>", m->number, m->to);
    buffer_append(&s->conn.out, head, (size_t)n);
    buffer_append(&s->conn.out, m->body, m->len);
    put(s, "</body></message>");
}

const struct protocol PROTOCOL_XMPP = {"xmpp", false, xmpp_open, xmpp_feed, xmpp_send};
