/* The type ``Port``: what the files of its commands share.
 *
 * Peers, tracks and downtracks are named by numbers; a command for one that is gone does nothing. No command waits for the
 * lock with the GIL, or for the GIL with the lock.
 */
#ifndef TRUNKLINE_MODULE_PORT_H
#define TRUNKLINE_MODULE_PORT_H

#include "module.h"

#include <stdlib.h>
#include <string.h>

#include "thread.h"

typedef struct {
    PyObject_HEAD
    struct port *port;
} Port;

/* Runs a statement with the lock held. */
#define LOCKED(self, statement)                                                                                        \
    do {                                                                                                               \
        struct port *port = (self)->port;                                                                              \
        if (!port) {                                                                                                   \
            PyErr_SetString(PyExc_ValueError, "the port is closed");                                                   \
            return NULL;                                                                                               \
        }                                                                                                              \
        if (!pthread_mutex_trylock(&port->lock)) {                                                                     \
            statement;                                                                                                 \
            pthread_mutex_unlock(&port->lock);                                                                         \
        } else {                                                                                                       \
            Py_BEGIN_ALLOW_THREADS;                                                                                    \
            atomic_fetch_add(&port->waiting, 1);                                                                       \
            pthread_mutex_lock(&port->lock);                                                                           \
            atomic_fetch_sub(&port->waiting, 1);                                                                       \
            statement;                                                                                                 \
            pthread_mutex_unlock(&port->lock);                                                                         \
            Py_END_ALLOW_THREADS;                                                                                      \
        }                                                                                                              \
    } while (0)

static inline bool copy_name(char *to, const char *from, Py_ssize_t size)
{
    if (size >= NAME_BYTES)
        return false;
    memcpy(to, from, (size_t)size);
    to[size] = 0;
    return true;
}

/* module_peers.c */
PyObject *Port_peer_add(Port *self, PyObject *unused);
PyObject *Port_peer_remove(Port *self, PyObject *args);
PyObject *Port_peer_keys(Port *self, PyObject *args);
PyObject *Port_peer_bind(Port *self, PyObject *args);
PyObject *Port_peer_reach(Port *self, PyObject *args);
PyObject *Port_peer_consent(Port *self, PyObject *args);
PyObject *Port_peer_state(Port *self, PyObject *args);
PyObject *Port_peer_depth(Port *self, PyObject *args);
PyObject *Port_peer_copies(Port *self, PyObject *args);
PyObject *Port_peer_mask(Port *self, PyObject *args);
PyObject *Port_peer_round_trip(Port *self, PyObject *args);
PyObject *Port_peer_extensions(Port *self, PyObject *args);
PyObject *Port_peer_send_rtcp(Port *self, PyObject *args);
PyObject *Port_peer_receive(Port *self, PyObject *args);
PyObject *Port_peer_feedback(Port *self, PyObject *args);

/* module_tracks.c */
PyObject *Port_track_add(Port *self, PyObject *args);
PyObject *Port_track_remove(Port *self, PyObject *args);
PyObject *Port_track_source(Port *self, PyObject *args);
PyObject *Port_track_ask(Port *self, PyObject *args);
PyObject *Port_track_state(Port *self, PyObject *args);

#endif
