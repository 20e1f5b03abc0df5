/* Addresses of the other side, comparable as bytes, and which peer is behind each. */
#include "thread.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t MAPPED[12] = {[10] = 0xFF, [11] = 0xFF};

bool endpoint_parse(const char *host, int port, struct endpoint *endpoint)
{
    *endpoint = (struct endpoint){.port = (uint16_t)port};
    if (port <= 0 || port > 0xFFFF)
        return false;
    if (inet_pton(AF_INET, host, endpoint->ip + sizeof MAPPED) == 1) {
        memcpy(endpoint->ip, MAPPED, sizeof MAPPED);
        return true;
    }
    char plain[INET6_ADDRSTRLEN];
    const char *zone = strchr(host, '%');
    size_t size = zone ? (size_t)(zone - host) : strlen(host);
    if (size >= sizeof plain)
        return false;
    memcpy(plain, host, size);
    plain[size] = 0;
    endpoint->scope = zone ? (uint32_t)strtoul(zone + 1, NULL, 10) : 0;
    return inet_pton(AF_INET6, plain, endpoint->ip) == 1;
}

void endpoint_from(const struct sockaddr_storage *address, struct endpoint *endpoint)
{
    *endpoint = (struct endpoint){0};
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        memcpy(endpoint->ip, MAPPED, sizeof MAPPED);
        memcpy(endpoint->ip + sizeof MAPPED, &in->sin_addr, 4);
        endpoint->port = ntohs(in->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;
        memcpy(endpoint->ip, &in->sin6_addr, 16);
        endpoint->port = ntohs(in->sin6_port);
        endpoint->scope = in->sin6_scope_id;
    }
}

socklen_t endpoint_to(const struct endpoint *endpoint, int family, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof *address);
    if (family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)address;
        if (memcmp(endpoint->ip, MAPPED, sizeof MAPPED))
            return 0;
        in->sin_family = AF_INET;
        in->sin_port = htons(endpoint->port);
        memcpy(&in->sin_addr, endpoint->ip + sizeof MAPPED, 4);
        return sizeof *in;
    }
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)address;
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(endpoint->port);
    in->sin6_scope_id = endpoint->scope;
    memcpy(&in->sin6_addr, endpoint->ip, 16);
    return sizeof *in;
}

void endpoint_format(const struct endpoint *endpoint, int family, char *host)
{
    if (family == AF_INET)
        inet_ntop(AF_INET, endpoint->ip + sizeof MAPPED, host, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, endpoint->ip, host, INET6_ADDRSTRLEN);
}

/* --- owners ------------------------------------------------------------------------------------ */

static uint64_t mixed(uint64_t word) /* every bit of the result depends on every bit of the word */
{
    word = (word ^ word >> 32) * 0xD6E8FEB86659FD93u;
    word = (word ^ word >> 32) * 0xD6E8FEB86659FD93u;
    return word ^ word >> 32;
}

/* Neighbouring addresses must not be neighbours here, nor may a peer choose addresses that meet: hence the seed. */
static size_t slot_of(const struct owners *owners, const struct endpoint *endpoint)
{
    uint64_t words[3];
    memcpy(words, endpoint, sizeof words);
    uint64_t hash = mixed(mixed(mixed(words[0] ^ owners->seed) ^ words[1]) ^ words[2]);
    size_t at = (size_t)hash & (owners->capacity - 1);
    while (owners->slots[at].peer && memcmp(&owners->slots[at].endpoint, endpoint, sizeof *endpoint))
        at = (at + 1) & (owners->capacity - 1);
    return at;
}

struct peer *owners_find(const struct owners *owners, const struct endpoint *endpoint)
{
    return owners->capacity ? owners->slots[slot_of(owners, endpoint)].peer : NULL;
}

/* Into new memory, without one peer if it is given. */
static bool rebuild(struct owners *owners, size_t capacity, const struct peer *without)
{
    struct owners fresh = {calloc(capacity, sizeof *fresh.slots), capacity, 0, owners->seed};
    if (!fresh.slots)
        return false;
    for (size_t i = 0; i < owners->capacity; i++) {
        struct owner *owner = &owners->slots[i];
        if (owner->peer && owner->peer != without) {
            fresh.slots[slot_of(&fresh, &owner->endpoint)] = *owner;
            fresh.count++;
        }
    }
    free(owners->slots);
    *owners = fresh;
    return true;
}

bool owners_set(struct owners *owners, const struct endpoint *endpoint, struct peer *peer)
{
    if (2 * (owners->count + 1) > owners->capacity &&
        !rebuild(owners, owners->capacity ? 2 * owners->capacity : 64, NULL))
        return false;
    struct owner *owner = &owners->slots[slot_of(owners, endpoint)];
    owners->count += !owner->peer;
    *owner = (struct owner){*endpoint, peer};
    return true;
}

/* Takes one slot out and moves up what was behind it. */
static void take_out(struct owners *owners, size_t hole)
{
    size_t mask = owners->capacity - 1;
    owners->slots[hole].peer = NULL;
    owners->count--;
    for (size_t at = (hole + 1) & mask; owners->slots[at].peer; at = (at + 1) & mask) {
        struct owner moved = owners->slots[at];
        owners->slots[at].peer = NULL;
        owners->slots[slot_of(owners, &moved.endpoint)] = moved;
    }
}

void owners_forget(struct owners *owners, const struct peer *peer)
{
    for (size_t at = 0; at < owners->capacity; at++)
        while (owners->slots[at].peer == peer)
            take_out(owners, at);
}
