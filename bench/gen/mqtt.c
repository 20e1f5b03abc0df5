/* MQTT 3.1.1 client: session i subscribes to "u/i" (pair, idle) or "room" (fan, all but the publisher).
 *
 * Lives here: CONNECT, SUBSCRIBE, PUBLISH at QoS 0 and 1, PUBACK. Does not: other packets.
 */
#include <stdio.h>
#include <string.h>

#include "engine.h"

enum { CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBACK = 9 };
enum { PACKET_IDS = 65535, MAX_TOPIC = 32 };

static size_t put_remaining_length(uint8_t *at, size_t len)
{
    size_t n = 0;
    do {
        uint8_t digit = len & 127;
        len >>= 7;
        at[n++] = (uint8_t)(digit | (len ? 128 : 0));
    } while (len);
    return n;
}

static size_t put_text(uint8_t *at, const char *text, size_t len)
{
    at[0] = (uint8_t)(len >> 8);
    at[1] = (uint8_t)len;
    memcpy(at + 2, text, len);
    return len + 2;
}

static size_t topic_name(char *out, uint32_t to)
{
    return (size_t)(to == TO_ROOM ? snprintf(out, MAX_TOPIC, "room") : snprintf(out, MAX_TOPIC, "u/%u", to));
}

static void put_packet(struct buffer *out, uint8_t first, const uint8_t *rest, size_t len)
{
    uint8_t *at = buffer_reserve(out, len + 5);
    at[0] = first;
    size_t n = 1 + put_remaining_length(at + 1, len);
    memcpy(at + n, rest, len);
    out->len += n + len;
}

static void mqtt_open(struct engine *e, struct session *s)
{
    uint8_t body[64] = {0, 4, 'M', 'Q', 'T', 'T', 4, e->options->clean_session ? 2 : 0, 0, 0};
    char client[16];
    int len = snprintf(client, sizeof client, "c%u", s->index);
    size_t n = 10 + put_text(body + 10, client, (size_t)len);
    put_packet(&s->conn.out, 0x10, body, n);
}

static void put_subscribe(struct engine *e, struct session *s)
{
    bool fan = e->options->workload == WORKLOAD_FAN || e->options->workload == WORKLOAD_ROOM;
    char topic[MAX_TOPIC];
    size_t topic_len = topic_name(topic, fan ? TO_ROOM : s->index);
    uint8_t body[64] = {0, 1};
    size_t n = 2 + put_text(body + 2, topic, topic_len);
    body[n++] = (uint8_t)e->options->subscribe_qos;
    put_packet(&s->conn.out, 0x82, body, n);
}

static void mqtt_send(struct engine *e, struct session *s, const struct outgoing *m)
{
    int qos = e->options->publish_qos;
    char topic[MAX_TOPIC];
    size_t topic_len = topic_name(topic, m->to);
    size_t rest = 2 + topic_len + (qos ? 2 : 0) + m->len;
    uint8_t *start = buffer_reserve(&s->conn.out, rest + 5), *at = start;
    *at++ = (uint8_t)(0x30 | qos << 1);
    at += put_remaining_length(at, rest);
    at += put_text(at, topic, topic_len);
    if (qos) {
        uint32_t id = m->number % PACKET_IDS + 1;
        *at++ = (uint8_t)(id >> 8);
        *at++ = (uint8_t)id;
    }
    memcpy(at, m->body, m->len);
    s->conn.out.len += (size_t)(at - start) + m->len;
}

/* The newest number sent that used this packet id. */
static uint32_t number_of(const struct session *s, uint32_t id)
{
    uint32_t back = (s->next_number % PACKET_IDS + PACKET_IDS - (id - 1)) % PACKET_IDS;
    return s->next_number - (back ? back : PACKET_IDS);
}

static void take_publish(struct engine *e, struct session *s, uint8_t flags, const uint8_t *body, size_t len)
{
    size_t at = 2 + ((size_t)body[0] << 8 | body[1]);
    if (at + 2 > len)
        fail("short PUBLISH");
    if (flags >> 1 & 3) {
        uint8_t puback[4] = {0x40, 2, body[at], body[at + 1]};
        buffer_append(&s->conn.out, puback, sizeof puback);
        at += 2;
    }
    e->workload->delivered(e, s, (const char *)body + at, len - at);
}

static void take_packet(struct engine *e, struct session *s, uint8_t first, const uint8_t *body, size_t len)
{
    switch (first >> 4) {
    case CONNACK:
        if (len < 2 || body[1])
            fail("CONNECT of session %u refused with code %d", s->index, len < 2 ? -1 : body[1]);
        if (e->options->workload == WORKLOAD_FAN && s->index == 0)
            engine_ready(e, s);
        else
            put_subscribe(e, s);
        break;
    case SUBACK:
        if (len < 3 || body[2] > 1)
            fail("SUBSCRIBE of session %u refused", s->index);
        engine_ready(e, s);
        break;
    case PUBLISH:
        take_publish(e, s, first & 15, body, len);
        break;
    case PUBACK:
        if (len < 2)
            fail("short PUBACK");
        e->workload->acked(e, s, number_of(s, (uint32_t)body[0] << 8 | body[1]));
        break;
    default:
        fail("unexpected MQTT packet type %d", first >> 4);
    }
}

static size_t mqtt_feed(struct engine *e, struct session *s, const uint8_t *data, size_t len)
{
    size_t rest = 0, at = 1;
    for (int shift = 0;; shift += 7) {
        if (at >= len)
            return 0;
        rest |= (size_t)(data[at] & 127) << shift;
        if (!(data[at++] & 128))
            break;
    }
    if (len < at + rest)
        return 0;
    take_packet(e, s, data[0], data + at, rest);
    return at + rest;
}

const struct protocol PROTOCOL_MQTT = {"mqtt", true, mqtt_open, mqtt_feed, mqtt_send};
