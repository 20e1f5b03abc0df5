/* The type ``Port``: the packet thread as Python controls it. Peers, tracks and downtracks are named by numbers; a command
 * for one that is gone does nothing. No command waits for the lock with the GIL, or for the GIL with the lock.
 */
#include "module.h"

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

static int Port_init(Port *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"fd", "wake_fd", NULL};
    int fd, wake_fd;
    if (self->port) {
        PyErr_SetString(PyExc_ValueError, "the port is open");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ii", names, &fd, &wake_fd))
        return -1;
    self->port = port_open(fd, wake_fd);
    if (!self->port)
        PyErr_SetString(PyExc_OSError, "the packet thread cannot be set up");
    return self->port ? 0 : -1;
}

static void stop(Port *self)
{
    struct port *port = self->port;
    self->port = NULL;
    if (!port)
        return;
    Py_BEGIN_ALLOW_THREADS;
    port_stop(port);
    Py_END_ALLOW_THREADS;
    port_close(port);
}

static void Port_dealloc(Port *self)
{
    stop(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *Port_start(Port *self, PyObject *unused)
{
    (void)unused;
    if (!self->port || self->port->started || !port_start(self->port))
        return PyErr_Format(PyExc_OSError, "the packet thread cannot be started");
    Py_RETURN_NONE;
}

static PyObject *Port_stop(Port *self, PyObject *unused)
{
    (void)unused;
    stop(self);
    Py_RETURN_NONE;
}

/* --- peers --------------------------------------------------------------------------------------- */

static PyObject *Port_peer_add(Port *self, PyObject *unused)
{
    (void)unused;
    struct peer *peer = NULL;
    LOCKED(self, peer = peer_add(port));
    return peer ? PyLong_FromUnsignedLong(peer->id) : PyErr_NoMemory();
}

static void remove_peer(struct port *port, unsigned id)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer)
        peer_remove(port, peer);
}

static PyObject *Port_peer_remove(Port *self, PyObject *args)
{
    unsigned id;
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, remove_peer(port, id));
    Py_RETURN_NONE;
}

struct directions {
    struct srtp in, out;
};

static void set_keys(struct port *port, unsigned id, const struct directions *made, bool *used)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    *used = peer && !peer->keyed;
    if (!*used)
        return;
    peer->in = made->in;
    peer->out = made->out;
    peer->keyed = true;
}

/* peer_keys(peer, profile, receive, send): master keys with their salts. */
static PyObject *Port_peer_keys(Port *self, PyObject *args)
{
    unsigned id;
    int profile;
    const uint8_t *receive, *send;
    Py_ssize_t receive_size, send_size;
    struct session_keys rtp, rtcp;
    struct directions made;
    bool used = false;
    if (!PyArg_ParseTuple(args, "Iiy#y#", &id, &profile, &receive, &receive_size, &send, &send_size))
        return NULL;
    if (profile != AES_CM_128_HMAC_SHA1_80 && profile != AEAD_AES_128_GCM)
        return PyErr_Format(PyExc_ValueError, "an unknown profile");
    Py_ssize_t wanted = (Py_ssize_t)(KEY_BYTES + salt_size(profile));
    if (receive_size != wanted || send_size != wanted)
        return PyErr_Format(PyExc_ValueError, "keys of a wrong size");
    if (!derive_keys(profile, receive, 0, &rtp) || !derive_keys(profile, receive, 3, &rtcp) ||
        !srtp_open(&made.in, profile, false, &rtp, &rtcp))
        return PyErr_Format(PyExc_ValueError, "libcrypto failed");
    if (!derive_keys(profile, send, 0, &rtp) || !derive_keys(profile, send, 3, &rtcp) ||
        !srtp_open(&made.out, profile, true, &rtp, &rtcp)) {
        srtp_close(&made.in);
        return PyErr_Format(PyExc_ValueError, "libcrypto failed");
    }
    LOCKED(self, set_keys(port, id, &made, &used));
    if (!used) {
        srtp_close(&made.in);
        srtp_close(&made.out);
    }
    return PyBool_FromLong(used);
}

static void bind_peer(struct port *port, unsigned id, const struct endpoint *endpoint)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer)
        owners_set(&port->owners, endpoint, peer);
}

/* peer_bind(peer, host, port): datagrams from there are the peer's. */
static PyObject *Port_peer_bind(Port *self, PyObject *args)
{
    unsigned id;
    const char *host;
    int number;
    struct endpoint endpoint;
    if (!PyArg_ParseTuple(args, "Isi", &id, &host, &number))
        return NULL;
    if (!endpoint_parse(host, number, &endpoint))
        return PyErr_Format(PyExc_ValueError, "not an address: %s %d", host, number);
    LOCKED(self, bind_peer(port, id, &endpoint));
    Py_RETURN_NONE;
}

static void reach(struct port *port, unsigned id, const struct endpoint *endpoint)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (!peer)
        return;
    peer->through_python = !endpoint;
    peer->selected = endpoint ? *endpoint : (struct endpoint){0};
    peer->target_size = endpoint ? endpoint_to(endpoint, port->family, &peer->target) : 0;
    peer->reached = !endpoint || peer->target_size;
}

/* peer_reach(peer, host, port): media leaves to there; through Python when host is None. */
static PyObject *Port_peer_reach(Port *self, PyObject *args)
{
    unsigned id;
    const char *host;
    int number;
    struct endpoint endpoint;
    if (!PyArg_ParseTuple(args, "Izi", &id, &host, &number))
        return NULL;
    if (host && !endpoint_parse(host, number, &endpoint))
        return PyErr_Format(PyExc_ValueError, "not an address: %s %d", host, number);
    LOCKED(self, reach(port, id, host ? &endpoint : NULL));
    Py_RETURN_NONE;
}

static void set_consent(struct port *port, unsigned id, struct span username, struct span password)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (!peer || username.size > sizeof peer->username || password.size > sizeof peer->password)
        return;
    memcpy(peer->username, username.data, username.size);
    memcpy(peer->password, password.data, password.size);
    peer->username_size = username.size;
    peer->password_size = password.size;
}

/* peer_consent(peer, username, password): checks with these are answered. */
static PyObject *Port_peer_consent(Port *self, PyObject *args)
{
    unsigned id;
    const char *username, *password;
    Py_ssize_t username_size, password_size;
    if (!PyArg_ParseTuple(args, "Iy#y#", &id, &username, &username_size, &password, &password_size))
        return NULL;
    LOCKED(self, set_consent(port, id, (struct span){(const uint8_t *)username, (size_t)username_size},
                             (struct span){(const uint8_t *)password, (size_t)password_size}));
    Py_RETURN_NONE;
}

struct peer_state {
    double heard_s, round_trip_s;
    uint64_t received, sent, refused, unknown, told, told_lost;
    int64_t in_flight;
    bool found;
};

static void read_peer(struct port *port, unsigned id, struct peer_state *state)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer)
        *state = (struct peer_state){peer->heard_s, peer->round_trip_s, peer->received, peer->sent,
                                     peer->refused, peer->unknown, peer->told, peer->told_lost,
                                     peer->history.in_flight, true};
}

/* peer_state(peer) -> (heard_s, round_trip_s, received, sent, refused, unknown, in_flight_bytes, told, told_lost), or None. */
static PyObject *Port_peer_state(Port *self, PyObject *args)
{
    unsigned id;
    struct peer_state state = {0};
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, read_peer(port, id, &state));
    if (!state.found)
        Py_RETURN_NONE;
    return Py_BuildValue("(ddKKKKLKK)", state.heard_s, state.round_trip_s, state.received, state.sent, state.refused,
                         state.unknown, (long long)state.in_flight, state.told, state.told_lost);
}

static void set_depth(struct port *port, unsigned id, int depth, int limit)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer) {
        peer->depth = depth;
        peer->depth_limit = limit;
    }
}

/* peer_depth(peer, depth, limit): how many earlier audio frames a packet repeats. */
static PyObject *Port_peer_depth(Port *self, PyObject *args)
{
    unsigned id;
    int depth, limit;
    if (!PyArg_ParseTuple(args, "Iii", &id, &depth, &limit))
        return NULL;
    LOCKED(self, set_depth(port, id, depth, limit));
    Py_RETURN_NONE;
}

static void set_copies(struct port *port, unsigned id, const int copies[4], bool recovery)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (!peer)
        return;
    peer->copies = copies[0];
    peer->answers = copies[1];
    peer->base_copies = copies[2];
    peer->other_copies = copies[3];
    peer->recovery = recovery;
}

/* peer_copies(peer, urgent reports, answers, base, other, recovery): how often is sent what its path may lose. */
static PyObject *Port_peer_copies(Port *self, PyObject *args)
{
    unsigned id;
    int copies[4], recovery;
    if (!PyArg_ParseTuple(args, "Iiiiip", &id, &copies[0], &copies[1], &copies[2], &copies[3], &recovery))
        return NULL;
    for (int i = 0; i < 4; i++)
        if (copies[i] < (i < 2) || copies[i] > 8)
            return PyErr_Format(PyExc_ValueError, "%d copies", copies[i]);
    LOCKED(self, set_copies(port, id, copies, recovery));
    Py_RETURN_NONE;
}

static void set_mask(struct port *port, unsigned id, bool masked)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer)
        peer->arrivals.masked = masked;
}

/* peer_mask(peer, masked): feedback reports what is missing as received. */
static PyObject *Port_peer_mask(Port *self, PyObject *args)
{
    unsigned id;
    int masked;
    if (!PyArg_ParseTuple(args, "Ip", &id, &masked))
        return NULL;
    LOCKED(self, set_mask(port, id, masked));
    Py_RETURN_NONE;
}

static void set_round_trip(struct port *port, unsigned id, double round_trip_s)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer)
        peer->uplink_round_trip_s = round_trip_s;
}

/* peer_round_trip(peer, seconds): of the way to a publisher; negative when it is not known. */
static PyObject *Port_peer_round_trip(Port *self, PyObject *args)
{
    unsigned id;
    double round_trip_s;
    if (!PyArg_ParseTuple(args, "Id", &id, &round_trip_s))
        return NULL;
    LOCKED(self, set_round_trip(port, id, round_trip_s));
    Py_RETURN_NONE;
}

static void set_extensions(struct port *port, unsigned id, int mid, int transport)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer) {
        peer->mid_id = (uint8_t)mid;
        peer->transport_id = (uint8_t)transport;
    }
}

/* peer_extensions(peer, mid, transport): numbers in what it sends; 0 for none. */
static PyObject *Port_peer_extensions(Port *self, PyObject *args)
{
    unsigned id;
    int mid, transport;
    if (!PyArg_ParseTuple(args, "Iii", &id, &mid, &transport))
        return NULL;
    LOCKED(self, set_extensions(port, id, mid, transport));
    Py_RETURN_NONE;
}

static void send_report(struct port *port, unsigned id, struct span compound, bool *sent)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    port->now_s = monotonic_s();
    *sent = peer && peer_send_report(port, peer, compound.data, compound.size);
    output_flush(port);
}

/* peer_send_rtcp(peer, compound): encrypts and sends; whether it was sent. */
static PyObject *Port_peer_send_rtcp(Port *self, PyObject *args)
{
    unsigned id;
    const uint8_t *compound;
    Py_ssize_t size;
    bool sent = false;
    if (!PyArg_ParseTuple(args, "Iy#", &id, &compound, &size))
        return NULL;
    LOCKED(self, send_report(port, id, (struct span){compound, (size_t)size}, &sent));
    return PyBool_FromLong(sent);
}

static void inject(struct port *port, unsigned id, uint8_t *datagram, size_t size)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer)
        port_inject(port, peer, datagram, size);
}

/* peer_receive(peer, datagram): media that came another way than over the port. */
static PyObject *Port_peer_receive(Port *self, PyObject *args)
{
    unsigned id;
    const uint8_t *given;
    Py_ssize_t size;
    uint8_t datagram[DATAGRAM_BYTES];
    if (!PyArg_ParseTuple(args, "Iy#", &id, &given, &size))
        return NULL;
    if (size < 0 || (size_t)size > sizeof datagram)
        Py_RETURN_NONE;
    memcpy(datagram, given, (size_t)size);
    LOCKED(self, inject(port, id, datagram, (size_t)size));
    Py_RETURN_NONE;
}

struct feedback {
    uint16_t base;
    uint8_t count;
    int64_t *arrivals;
    long statuses;
    struct reported *found;
    size_t reported;
};

static void join_feedback(struct port *port, unsigned id, struct feedback *feedback)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer)
        feedback->reported = history_on_feedback(&peer->history, feedback->base, feedback->arrivals,
                                                 (size_t)feedback->statuses, feedback->found);
}

static PyObject *list_reported(const struct feedback *feedback)
{
    PyObject *list = PyList_New((Py_ssize_t)feedback->reported);
    for (size_t i = 0; list && i < feedback->reported; i++) {
        const struct reported *one = &feedback->found[i];
        PyObject *arrived = one->arrived_us < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(one->arrived_us);
        PyObject *item = Py_BuildValue("(LdiNi)", (long long)one->number, one->sent_s, one->size, arrived, one->cluster);
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

/* peer_feedback(peer, body) -> [(number, sent_s, size_bytes, arrived_us or None, cluster)], or None when malformed. */
static PyObject *Port_peer_feedback(Port *self, PyObject *args)
{
    unsigned id;
    const uint8_t *body;
    Py_ssize_t size;
    struct feedback feedback = {0};
    if (!PyArg_ParseTuple(args, "Iy#", &id, &body, &size))
        return NULL;
    feedback.statuses = feedback_parse((struct span){body, (size_t)size}, &feedback.base, &feedback.count,
                                       &feedback.arrivals);
    if (feedback.statuses < 0)
        Py_RETURN_NONE;
    feedback.found = PyMem_RawMalloc(((size_t)feedback.statuses + 1) * sizeof *feedback.found);
    if (!feedback.found || !self->port) {
        free(feedback.arrivals);
        PyMem_RawFree(feedback.found);
        return PyErr_NoMemory();
    }
    LOCKED(self, join_feedback(port, id, &feedback));
    PyObject *list = list_reported(&feedback);
    free(feedback.arrivals);
    PyMem_RawFree(feedback.found);
    return list;
}

/* --- tracks ---------------------------------------------------------------------------------------- */

static bool copy_name(char *to, const char *from, Py_ssize_t size)
{
    if (size >= NAME_BYTES)
        return false;
    memcpy(to, from, (size_t)size);
    to[size] = 0;
    return true;
}

struct track_plan {
    struct track track; /* its description only */
    unsigned peer, id;
};

static bool read_rids(PyObject *rids, struct track *track)
{
    Py_ssize_t count = PyTuple_GET_SIZE(rids);
    if (!count || count > MAX_LAYERS)
        return false;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t size;
        const char *rid = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(rids, i), &size);
        if (!rid || !copy_name(track->layers[i].rid, rid, size))
            return false;
    }
    track->layer_count = (size_t)count;
    return true;
}

/* Formats: (payload type, kind, codec, original). */
static bool read_formats(PyObject *formats, struct track *track)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(formats); i++) {
        int type, kind, codec, original;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(formats, i), "iiii", &type, &kind, &codec, &original) || type < 0 ||
            type >= MAX_TYPES || original < 0 || original >= MAX_TYPES)
            return false;
        track->formats[type].kind = (uint8_t)kind;
        track->formats[type].codec = (uint8_t)codec;
        track->formats[type].original = (uint8_t)original;
    }
    return true;
}

static void add_track(struct port *port, struct track_plan *plan)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, plan->peer);
    struct track *track = peer ? track_add(port, peer) : NULL;
    if (!track)
        return;
    const struct track *from = &plan->track;
    track->audio = from->audio;
    track->redundant = from->redundant;
    track->layer_count = from->layer_count;
    memcpy(track->mid, from->mid, sizeof track->mid);
    memcpy(track->formats, from->formats, sizeof track->formats);
    for (size_t i = 0; i < from->layer_count; i++)
        memcpy(track->layers[i].rid, from->layers[i].rid, NAME_BYTES);
    track->rid_id = from->rid_id;
    track->repaired_id = from->repaired_id;
    track->level_id = from->level_id;
    track->orientation_id = from->orientation_id;
    track->descriptor_id = from->descriptor_id;
    plan->id = track->id;
}

/* track_add(peer, audio, mid, rids, formats, (rid, repaired, level, orientation, descriptor)) -> a number, 0 when it cannot be. */
static PyObject *Port_track_add(Port *self, PyObject *args)
{
    struct track_plan plan = {0};
    struct track *track = &plan.track;
    int audio;
    const char *mid;
    Py_ssize_t mid_size;
    PyObject *rids, *formats;
    if (!PyArg_ParseTuple(args, "Ips#O!O!(bbbbb)", &plan.peer, &audio, &mid, &mid_size, &PyTuple_Type, &rids,
                          &PyTuple_Type, &formats, &track->rid_id, &track->repaired_id, &track->level_id,
                          &track->orientation_id, &track->descriptor_id))
        return NULL;
    track->audio = audio;
    if (!copy_name(track->mid, mid, mid_size) || !read_rids(rids, track) || !read_formats(formats, track))
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "such a track cannot be forwarded");
    LOCKED(self, add_track(port, &plan));
    return PyLong_FromUnsignedLong(plan.id);
}

static void remove_track(struct port *port, unsigned id)
{
    struct track *track = handle_find(port, HANDLE_TRACK, id);
    if (track)
        track_remove(port, track);
}

static PyObject *Port_track_remove(Port *self, PyObject *args)
{
    unsigned id;
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, remove_track(port, id));
    Py_RETURN_NONE;
}

static void name_source(struct port *port, unsigned id, unsigned ssrc, unsigned layer, bool repair)
{
    struct track *track = handle_find(port, HANDLE_TRACK, id);
    if (track && layer < track->layer_count)
        peer_add_source(track->peer, ssrc, track, (uint8_t)layer, repair);
}

/* track_source(track, ssrc, layer, repair): a source the SDP names. */
static PyObject *Port_track_source(Port *self, PyObject *args)
{
    unsigned id, ssrc, layer;
    int repair;
    if (!PyArg_ParseTuple(args, "IIIp", &id, &ssrc, &layer, &repair))
        return NULL;
    LOCKED(self, name_source(port, id, ssrc, layer, repair));
    Py_RETURN_NONE;
}

static void ask_track(struct port *port, unsigned id, unsigned layer)
{
    struct track *track = handle_find(port, HANDLE_TRACK, id);
    port->now_s = monotonic_s();
    if (track && layer < track->layer_count)
        track_ask(port, &track->layers[layer]);
    output_flush(port);
}

/* track_ask(track, layer): ask the publisher for a key frame, unless it was asked a moment ago. */
static PyObject *Port_track_ask(Port *self, PyObject *args)
{
    unsigned id, layer;
    if (!PyArg_ParseTuple(args, "II", &id, &layer))
        return NULL;
    LOCKED(self, ask_track(port, id, layer));
    Py_RETURN_NONE;
}

struct track_state {
    bool found;
    int level;
    size_t count;
    struct layer layers[MAX_LAYERS];
    uint8_t top;
    uint64_t scaled[MAX_SPATIAL];
    double scaled_s[MAX_SPATIAL];
};

static void read_track(struct port *port, unsigned id, struct track_state *state)
{
    struct track *track = handle_find(port, HANDLE_TRACK, id);
    if (!track)
        return;
    state->found = true;
    state->level = track->level;
    state->count = track->layer_count;
    memcpy(state->layers, track->layers, sizeof state->layers);
    memcpy(state->scaled, track->scaled, sizeof state->scaled);
    memcpy(state->scaled_s, track->scaled_s, sizeof state->scaled_s);
    if (track->layer_count == 1 && track->layers[0].scaling)
        state->top = track->layers[0].scaling->top < MAX_SPATIAL ? track->layers[0].scaling->top : MAX_SPATIAL - 1;
    for (size_t i = 0; i < track->layer_count; i++)
        track->layers[i].reception.has_least = false; /* taken */
}

/* track_state(track) -> (level or -1, [(ssrc or None, arrived_s, octets, packets, expected, jitter, gave_up, least transit
 * since this was last asked or None)], [(octets, arrived_s) of each spatial layer of a scalable stream]). */
static PyObject *Port_track_state(Port *self, PyObject *args)
{
    unsigned id;
    struct track_state state = {0};
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, read_track(port, id, &state));
    if (!state.found)
        Py_RETURN_NONE;
    PyObject *layers = PyList_New((Py_ssize_t)state.count);
    for (size_t i = 0; layers && i < state.count; i++) {
        const struct layer *layer = &state.layers[i];
        const struct reception *reception = &layer->reception;
        int64_t expected = reception->started ? reception->highest - reception->base + 1 : 0;
        PyObject *ssrc = layer->has_source ? PyLong_FromUnsignedLong(layer->ssrc) : Py_NewRef(Py_None);
        PyObject *transit = reception->has_least ? PyFloat_FromDouble(reception->least_transit_s) : Py_NewRef(Py_None);
        PyObject *one = Py_BuildValue("(NdKKLdKN)", ssrc, layer->arrived_s, layer->octets, reception->packets,
                                      (long long)expected, reception->jitter, reception->gave_up, transit);
        if (!one)
            Py_CLEAR(layers);
        else
            PyList_SET_ITEM(layers, (Py_ssize_t)i, one);
    }
    PyObject *scaled = layers ? PyList_New(state.top ? state.top + 1 : 0) : NULL;
    for (size_t i = 0; scaled && state.top && i <= state.top; i++)
        PyList_SET_ITEM(scaled, (Py_ssize_t)i, Py_BuildValue("(Kd)", state.scaled[i], state.scaled_s[i]));
    if (!scaled)
        Py_CLEAR(layers);
    return layers ? Py_BuildValue("(iNN)", state.level, layers, scaled) : NULL;
}

/* --- downtracks --------------------------------------------------------------------------------------- */

struct down_plan {
    unsigned track, peer, id, ssrc, rtx_ssrc, timestamp;
    unsigned short sequence;
};

static void add_down(struct port *port, struct down_plan *plan)
{
    struct track *track = handle_find(port, HANDLE_TRACK, plan->track);
    struct peer *peer = handle_find(port, HANDLE_PEER, plan->peer);
    struct down *down = track && peer ? down_add(port, track, peer, plan->sequence, plan->timestamp) : NULL;
    if (!down)
        return;
    down->ssrc = plan->ssrc;
    down->rtx_ssrc = plan->rtx_ssrc;
    plan->id = down->id;
}

/* down_add(track, peer, ssrc, rtx_ssrc, sequence, timestamp) -> a number, 0 when it cannot be. */
static PyObject *Port_down_add(Port *self, PyObject *args)
{
    struct down_plan plan = {0};
    if (!PyArg_ParseTuple(args, "IIIIHI", &plan.track, &plan.peer, &plan.ssrc, &plan.rtx_ssrc, &plan.sequence,
                          &plan.timestamp))
        return NULL;
    LOCKED(self, add_down(port, &plan));
    return PyLong_FromUnsignedLong(plan.id);
}

static void remove_down(struct port *port, unsigned id)
{
    struct down *down = handle_find(port, HANDLE_DOWN, id);
    if (down)
        down_remove(port, down);
}

static PyObject *Port_down_remove(Port *self, PyObject *args)
{
    unsigned id;
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, remove_down(port, id));
    Py_RETURN_NONE;
}

static void assign_down(struct port *port, unsigned id, const struct down *plan)
{
    struct down *down = handle_find(port, HANDLE_DOWN, id);
    if (!down)
        return;
    memcpy(down->mid, plan->mid, sizeof down->mid);
    memcpy(down->formats, plan->formats, sizeof down->formats);
    down->format_count = plan->format_count;
    down->mid_id = plan->mid_id;
    down->level_id = plan->level_id;
    down->transport_id = plan->transport_id;
    down->orientation_id = plan->orientation_id;
    down->descriptor_id = plan->descriptor_id;
    down->red_type = plan->red_type;
    down->red_inner = plan->red_inner;
    down->assigned = true;
}

/* down_assign(down, mid, ((in, out, repair), ...), (mid, level, transport, orientation, descriptor), red type, its
 * inner type). */
static PyObject *Port_down_assign(Port *self, PyObject *args)
{
    unsigned id;
    struct down plan = {0};
    const char *mid;
    Py_ssize_t mid_size;
    PyObject *formats;
    if (!PyArg_ParseTuple(args, "Is#O!(bbbbb)ii", &id, &mid, &mid_size, &PyTuple_Type, &formats, &plan.mid_id,
                          &plan.level_id, &plan.transport_id, &plan.orientation_id, &plan.descriptor_id, &plan.red_type,
                          &plan.red_inner))
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(formats) && plan.format_count < 16; i++) {
        unsigned char *place = &plan.formats[plan.format_count].in;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(formats, i), "bbb", place, place + 1, place + 2))
            return NULL;
        plan.format_count++;
    }
    if (!copy_name(plan.mid, mid, mid_size))
        return PyErr_Format(PyExc_ValueError, "a mid of %zd bytes", mid_size);
    LOCKED(self, assign_down(port, id, &plan));
    Py_RETURN_NONE;
}

static void limit_down(struct port *port, unsigned id, int wanted, bool paused)
{
    struct down *down = handle_find(port, HANDLE_DOWN, id);
    if (down) {
        down->wanted = wanted;
        if (paused && !down->paused)
            down->layer = -1; /* it begins again with a key frame, and its numbers go on without a gap */
        down->paused = paused;
    }
}

/* down_limit(down, wanted, paused): the highest layer to send, or nothing. */
static PyObject *Port_down_limit(Port *self, PyObject *args)
{
    unsigned id;
    int wanted, paused;
    if (!PyArg_ParseTuple(args, "Iip", &id, &wanted, &paused))
        return NULL;
    LOCKED(self, limit_down(port, id, wanted, paused));
    Py_RETURN_NONE;
}

static void ask_down(struct port *port, unsigned id)
{
    struct down *down = handle_find(port, HANDLE_DOWN, id);
    port->now_s = monotonic_s();
    if (down)
        down_ask(port, down);
    output_flush(port);
}

static PyObject *Port_down_ask(Port *self, PyObject *args)
{
    unsigned id;
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, ask_down(port, id));
    Py_RETURN_NONE;
}

static void probe_down(struct port *port, unsigned id, size_t size, unsigned short cluster, size_t *sent)
{
    struct down *down = handle_find(port, HANDLE_DOWN, id);
    port->now_s = monotonic_s();
    if (down)
        *sent = down_probe(port, down, size, cluster);
    output_flush(port);
}

/* down_probe(down, size_bytes, cluster) -> bytes of padding sent on the retransmission source. */
static PyObject *Port_down_probe(Port *self, PyObject *args)
{
    unsigned id, size;
    unsigned short cluster;
    size_t sent = 0;
    if (!PyArg_ParseTuple(args, "IIH", &id, &size, &cluster))
        return NULL;
    LOCKED(self, probe_down(port, id, size, cluster, &sent));
    return PyLong_FromSize_t(sent);
}

struct down_state {
    bool found;
    int layer;
    uint64_t packets, octets, again;
};

static void read_down(struct port *port, unsigned id, struct down_state *state)
{
    struct down *down = handle_find(port, HANDLE_DOWN, id);
    if (down)
        *state = (struct down_state){true, down->layer, down->packets, down->octets, down->again};
}

/* down_state(down) -> (layer or -1, packets, octets, repeated), or None. */
static PyObject *Port_down_state(Port *self, PyObject *args)
{
    unsigned id;
    struct down_state state = {0};
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, read_down(port, id, &state));
    if (!state.found)
        Py_RETURN_NONE;
    return Py_BuildValue("(iKKK)", state.layer, state.packets, state.octets, state.again);
}

/* --- the port ------------------------------------------------------------------------------------------- */

enum { TAKEN_BYTES = 256 << 10, TAKEN_EVENTS = 256 };

static void take(struct port *port, uint8_t *out, size_t *size, bool *more)
{
    const struct event *event;
    for (int i = 0; i < TAKEN_EVENTS && (event = events_peek(&port->events)); i++) {
        size_t whole = sizeof *event + (event->size + 7) / 8 * 8;
        if (*size + whole > TAKEN_BYTES)
            break;
        memcpy(out + *size, event, whole);
        *size += whole;
        events_drop(&port->events);
    }
    *more = port->events.waking = events_peek(&port->events) != NULL; /* the reader comes again at once */
}

/* take() -> [(kind, peer, host, port, data)] and whether there is more. */
static PyObject *Port_take(Port *self, PyObject *unused)
{
    (void)unused;
    size_t size = 0;
    bool more = false;
    uint8_t *copy = self->port ? PyMem_RawMalloc(TAKEN_BYTES) : NULL;
    if (!copy)
        return PyErr_Format(PyExc_ValueError, "the port is closed");
    LOCKED(self, take(port, copy, &size, &more));
    PyObject *list = PyList_New(0);
    for (size_t at = 0; list && at < size;) {
        struct event *event = (struct event *)(copy + at);
        char host[INET6_ADDRSTRLEN] = "";
        if (event->kind == EVENT_DATAGRAM)
            endpoint_format(&event->from, self->port->family, host);
        PyObject *item = Py_BuildValue("(iIsiy#)", event->kind, event->peer, host, event->from.port,
                                       (char *)(event + 1), (Py_ssize_t)event->size);
        if (!item || PyList_Append(list, item))
            Py_CLEAR(list);
        Py_XDECREF(item);
        at += sizeof *event + (event->size + 7) / 8 * 8;
    }
    PyMem_RawFree(copy);
    return list ? Py_BuildValue("(NN)", list, PyBool_FromLong(more)) : NULL;
}

struct totals {
    uint64_t received, dropped, missed, wakeups, gathered, packets, octets, calls, datagrams, failed;
    bool segmentation;
};

static void read_totals(struct port *port, struct totals *totals)
{
    const struct output *output = &port->output;
    *totals = (struct totals){port->received, port->dropped, port->events.dropped, atomic_load(&port->wakeups),
                              atomic_load(&port->gathered), output->packets, output->octets, output->calls,
                              output->datagrams, output->failed, output->segmentation};
}

static PyObject *Port_totals(Port *self, PyObject *unused)
{
    (void)unused;
    struct totals totals;
    LOCKED(self, read_totals(port, &totals));
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:N}", "received", totals.received, "dropped",
                         totals.dropped, "missed", totals.missed, "wakeups", totals.wakeups, "gathered",
                         totals.gathered, "sent", totals.packets, "sent_octets", totals.octets, "calls", totals.calls,
                         "datagrams", totals.datagrams, "failed", totals.failed, "segmentation",
                         PyBool_FromLong(totals.segmentation));
}

#define METHOD(name, flags, text) {#name, (PyCFunction)(void *)Port_##name, flags, text}

static PyMethodDef Port_methods[] = {
    METHOD(start, METH_NOARGS, "Begin to receive."),
    METHOD(stop, METH_NOARGS, "End the thread and forget everything."),
    METHOD(take, METH_NOARGS, "What Python has to see, and whether there is more."),
    METHOD(totals, METH_NOARGS, "Counts of the whole port."),
    METHOD(peer_add, METH_NOARGS, "A new peer."),
    METHOD(peer_remove, METH_VARARGS, "Forget a peer with its tracks."),
    METHOD(peer_keys, METH_VARARGS, "Keys of both directions."),
    METHOD(peer_bind, METH_VARARGS, "Datagrams from an address are the peer's."),
    METHOD(peer_reach, METH_VARARGS, "Where the peer is sent to."),
    METHOD(peer_consent, METH_VARARGS, "Checks with these credentials are answered."),
    METHOD(peer_state, METH_VARARGS, "Counts of a peer."),
    METHOD(peer_depth, METH_VARARGS, "The depth of redundant audio."),
    METHOD(peer_copies, METH_VARARGS, "How often is sent what its path may lose."),
    METHOD(peer_mask, METH_VARARGS, "Whether feedback reports what is missing as received."),
    METHOD(peer_round_trip, METH_VARARGS, "The round trip to a publisher."),
    METHOD(peer_extensions, METH_VARARGS, "Extension numbers in what a peer sends."),
    METHOD(peer_send_rtcp, METH_VARARGS, "Send a compound."),
    METHOD(peer_receive, METH_VARARGS, "Media that came another way."),
    METHOD(peer_feedback, METH_VARARGS, "Packets that transport-wide feedback reports on."),
    METHOD(track_add, METH_VARARGS, "A published track."),
    METHOD(track_remove, METH_VARARGS, "Forget a published track."),
    METHOD(track_source, METH_VARARGS, "A source of a track."),
    METHOD(track_ask, METH_VARARGS, "Ask for a key frame."),
    METHOD(track_state, METH_VARARGS, "Counts of a published track."),
    METHOD(down_add, METH_VARARGS, "A subscribed track."),
    METHOD(down_remove, METH_VARARGS, "Forget a subscribed track."),
    METHOD(down_assign, METH_VARARGS, "The subscriber's section that carries it."),
    METHOD(down_limit, METH_VARARGS, "The highest layer to send."),
    METHOD(down_ask, METH_VARARGS, "The subscriber needs a key frame."),
    METHOD(down_probe, METH_VARARGS, "Send padding."),
    METHOD(down_state, METH_VARARGS, "Counts of a subscribed track."),
    {NULL, NULL, 0, NULL},
};

PyTypeObject PortType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.Port",
    .tp_doc = "The packet thread of one UDP port.",
    .tp_basicsize = sizeof(Port),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Port_init,
    .tp_dealloc = (destructor)Port_dealloc,
    .tp_methods = Port_methods,
};
