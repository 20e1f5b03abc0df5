/* Numbers by which Python names peers, tracks and downtracks. A number of what is gone finds nothing. */
#include "thread.h"

#include <stdlib.h>

enum { PLACE_BITS = 20, MAX_HANDLES = 1 << PLACE_BITS, GENERATIONS = 1 << (32 - PLACE_BITS) };

static bool grow(struct port *port)
{
    size_t count = port->handle_count ? 2 * port->handle_count : 64;
    if (count > MAX_HANDLES)
        return false;
    struct handle *handles = realloc(port->handles, count * sizeof *handles);
    if (!handles)
        return false;
    port->handles = handles;
    uint32_t *spare = realloc(port->handle_free, count * sizeof *spare);
    if (!spare)
        return false;
    port->handle_free = spare;
    for (size_t place = count; place-- > port->handle_count;) {
        handles[place] = (struct handle){.generation = 1};
        spare[port->handle_free_count++] = (uint32_t)place;
    }
    port->handle_count = count;
    return true;
}

uint32_t handle_add(struct port *port, uint8_t kind, void *object)
{
    if (!port->handle_free_count && !grow(port))
        return 0;
    uint32_t place = port->handle_free[--port->handle_free_count];
    port->handles[place].object = object;
    port->handles[place].kind = kind;
    return port->handles[place].generation << PLACE_BITS | place;
}

void *handle_find(const struct port *port, uint8_t kind, uint32_t id)
{
    size_t place = id & (MAX_HANDLES - 1);
    if (place >= port->handle_count)
        return NULL;
    const struct handle *handle = &port->handles[place];
    return handle->generation == id >> PLACE_BITS && handle->kind == kind ? handle->object : NULL;
}

void handle_drop(struct port *port, uint32_t id)
{
    uint32_t place = id & (MAX_HANDLES - 1);
    if (place >= port->handle_count || port->handles[place].generation != id >> PLACE_BITS)
        return;
    uint32_t following = port->handles[place].generation % (GENERATIONS - 1) + 1;
    port->handles[place] = (struct handle){.generation = following};
    port->handle_free[port->handle_free_count++] = place;
}
