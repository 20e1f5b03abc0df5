/* One subscriber's packets spread over time. The twin, with the reasons, is media/sfu/pacing.
 *
 * What waits is not encrypted yet: it is numbered and sealed when it leaves, so that feedback measures the path and not
 * this queue.
 */
#include "thread.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WAITING = 1024, LEAST_BURST_BYTES = 2400 };
#define BURST_S 0.02
#define DRAIN_S 0.25

struct paced {
    struct paced *next;
    uint32_t down;
    uint16_t size, counted; /* of the packet; as it counts on the path */
    uint8_t data[];
};

static double pace_bps(const struct pacer *pacer)
{
    double drain_bps = 8 * (double)pacer->waiting_bytes / DRAIN_S;
    return pacer->rate_bps > drain_bps ? pacer->rate_bps : drain_bps;
}

static double burst_bytes(const struct pacer *pacer)
{
    double burst = pace_bps(pacer) / 8 * BURST_S;
    return burst > LEAST_BURST_BYTES ? burst : LEAST_BURST_BYTES;
}

static void pay(struct pacer *pacer, double now_s)
{
    double passed_s = now_s > pacer->updated_s ? now_s - pacer->updated_s : 0;
    pacer->debt_bytes -= passed_s * pace_bps(pacer) / 8;
    if (pacer->debt_bytes < 0)
        pacer->debt_bytes = 0;
    pacer->updated_s = now_s;
}

bool pacer_holds(struct port *port, struct peer *peer)
{
    struct pacer *pacer = &peer->pacer;
    if (!peer->paces)
        return false;
    pay(pacer, port->now_s);
    return pacer->waiting || pacer->debt_bytes >= burst_bytes(pacer);
}

void pacer_note(struct port *port, struct peer *peer, size_t counted)
{
    if (!peer->paces)
        return;
    pay(&peer->pacer, port->now_s);
    peer->pacer.debt_bytes += (double)counted;
}

static struct paced *take_next(struct pacer *pacer)
{
    for (int lane = 0; lane < LANES; lane++) {
        struct paced *first = pacer->first[lane];
        if (!first)
            continue;
        pacer->first[lane] = first->next;
        pacer->waiting--;
        pacer->waiting_bytes -= first->counted;
        return first;
    }
    return NULL;
}

/* Sends the next packet; how much it counts. One of a track that is not sent any more is dropped. */
static size_t leave(struct port *port, struct peer *peer, uint16_t cluster)
{
    struct paced *paced = take_next(&peer->pacer);
    struct down *down = handle_find(port, HANDLE_DOWN, paced->down);
    size_t counted = paced->counted;
    if (down && peer->keyed && peer->reached) {
        uint8_t *packet = output_room(port, paced->size + SRTP_OVERHEAD);
        memcpy(packet, paced->data, paced->size);
        down_leave(port, down, packet, paced->size, counted, cluster);
        peer->pacer.debt_bytes += (double)counted;
    }
    free(paced);
    return counted;
}

void pacer_put(struct port *port, struct down *down, enum lane lane, uint8_t *packet, size_t size, size_t counted)
{
    struct peer *peer = down->peer;
    struct pacer *pacer = &peer->pacer;
    struct paced *paced = malloc(sizeof *paced + size);
    if (!paced) {
        down_leave(port, down, packet, size, counted, 0);
        return;
    }
    *paced = (struct paced){NULL, down->id, (uint16_t)size, (uint16_t)counted};
    memcpy(paced->data, packet, size);
    if (pacer->first[lane])
        pacer->last[lane]->next = paced;
    else
        pacer->first[lane] = paced;
    pacer->last[lane] = paced;
    pacer->waiting++;
    pacer->waiting_bytes += counted;
    if (!pacer->listed) {
        pacer->listed = true;
        peer->next_paced = port->paced;
        port->paced = peer;
    }
    if (pacer->waiting > MAX_WAITING)
        leave(port, peer, 0);
}

static void release(struct port *port, struct peer *peer)
{
    struct pacer *pacer = &peer->pacer;
    pay(pacer, port->now_s);
    while (pacer->waiting && (!(pacer->rate_bps > 0) || pacer->debt_bytes < burst_bytes(pacer)))
        leave(port, peer, 0);
}

void pacers_run(struct port *port)
{
    for (struct peer **at = &port->paced; *at;) {
        struct peer *peer = *at;
        release(port, peer);
        if (peer->pacer.waiting) {
            at = &peer->next_paced;
        } else {
            peer->pacer.listed = false;
            *at = peer->next_paced;
        }
    }
}

size_t pacer_spend(struct port *port, struct peer *peer, size_t size, uint16_t cluster)
{
    size_t sent = 0;
    while (peer->pacer.waiting && sent < size)
        sent += leave(port, peer, cluster);
    return sent;
}

void pacer_set(struct port *port, struct peer *peer, double rate_bps)
{
    struct pacer *pacer = &peer->pacer;
    pay(pacer, port->now_s);
    if (!(pacer->rate_bps > 0))
        pacer->debt_bytes = 0;
    pacer->rate_bps = rate_bps > 0 ? rate_bps : 0;
    peer->paces = rate_bps > 0;
    if (pacer->waiting)
        release(port, peer);
}

void pacer_end(struct port *port, struct peer *peer)
{
    struct paced *paced;
    while ((paced = take_next(&peer->pacer)))
        free(paced);
    for (struct peer **at = &port->paced; *at; at = &(*at)->next_paced)
        if (*at == peer) {
            *at = peer->next_paced;
            break;
        }
    peer->pacer.listed = false;
}
