/* Commands of ``Port`` about peers: keys, where they are reached, what was decided about their paths, counts. */
#include "module_port.h"

PyObject *Port_peer_add(Port *self, PyObject *unused)
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

PyObject *Port_peer_remove(Port *self, PyObject *args)
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
PyObject *Port_peer_keys(Port *self, PyObject *args)
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
PyObject *Port_peer_bind(Port *self, PyObject *args)
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
PyObject *Port_peer_reach(Port *self, PyObject *args)
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
PyObject *Port_peer_consent(Port *self, PyObject *args)
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
    uint64_t waiting;
    bool found;
};

static void read_peer(struct port *port, unsigned id, struct peer_state *state)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer)
        *state = (struct peer_state){peer->heard_s, peer->round_trip_s, peer->received, peer->sent,
                                     peer->refused, peer->unknown, peer->told, peer->told_lost,
                                     peer->history.in_flight, peer->pacer.waiting, true};
}

/* peer_state(peer) -> (heard_s, round_trip_s, received, sent, refused, unknown, in_flight_bytes, told, told_lost,
 * packets that wait), or None. */
PyObject *Port_peer_state(Port *self, PyObject *args)
{
    unsigned id;
    struct peer_state state = {0};
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, read_peer(port, id, &state));
    if (!state.found)
        Py_RETURN_NONE;
    return Py_BuildValue("(ddKKKKLKKK)", state.heard_s, state.round_trip_s, state.received, state.sent, state.refused,
                         state.unknown, (long long)state.in_flight, state.told, state.told_lost, state.waiting);
}

static void set_depth(struct port *port, unsigned id, int depth, int limit, int copies)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    if (peer) {
        peer->depth = depth;
        peer->depth_limit = limit;
        peer->audio_copies = copies;
    }
}

/* peer_depth(peer, depth, limit, copies=1): how many earlier audio frames a packet repeats, and how often it goes out. */
PyObject *Port_peer_depth(Port *self, PyObject *args)
{
    unsigned id;
    int depth, limit, copies = 1;
    if (!PyArg_ParseTuple(args, "Iii|i", &id, &depth, &limit, &copies))
        return NULL;
    LOCKED(self, set_depth(port, id, depth, limit, copies));
    Py_RETURN_NONE;
}

static void set_pace(struct port *port, unsigned id, double rate_bps)
{
    struct peer *peer = handle_find(port, HANDLE_PEER, id);
    port->now_s = monotonic_s();
    if (peer)
        pacer_set(port, peer, rate_bps);
    output_flush(port);
}

/* peer_pace(peer, bits a second): video leaves no faster; 0 for at once. */
PyObject *Port_peer_pace(Port *self, PyObject *args)
{
    unsigned id;
    double rate_bps;
    if (!PyArg_ParseTuple(args, "Id", &id, &rate_bps))
        return NULL;
    LOCKED(self, set_pace(port, id, rate_bps));
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
PyObject *Port_peer_copies(Port *self, PyObject *args)
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
PyObject *Port_peer_mask(Port *self, PyObject *args)
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
PyObject *Port_peer_round_trip(Port *self, PyObject *args)
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
PyObject *Port_peer_extensions(Port *self, PyObject *args)
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
PyObject *Port_peer_send_rtcp(Port *self, PyObject *args)
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
PyObject *Port_peer_receive(Port *self, PyObject *args)
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
    if (!peer)
        return;
    feedback->reported = history_on_feedback(&peer->history, feedback->base, feedback->arrivals,
                                             (size_t)feedback->statuses, feedback->found);
    port->now_s = monotonic_s();
    for (size_t i = 0; i < feedback->reported; i++) {
        const struct reported *one = &feedback->found[i];
        struct down *down = one->carried.down ? handle_find(port, HANDLE_DOWN, one->carried.down) : NULL;
        if (down)
            down_on_reported(port, down, one->carried.sequence, one->arrived_us >= 0);
    }
    output_flush(port);
}

PyObject *list_reported(const struct reported *found, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        const struct reported *one = &found[i];
        PyObject *arrived = one->arrived_us < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(one->arrived_us);
        PyObject *item = Py_BuildValue("(LdiNiiNN)", (long long)one->number, one->sent_s, one->size, arrived,
                                       one->cluster, 1 + one->carried.twice, PyBool_FromLong(one->again),
                                       PyBool_FromLong(one->known));
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

/* peer_feedback(peer, body) -> what ``list_reported`` makes of it, or None when malformed. */
PyObject *Port_peer_feedback(Port *self, PyObject *args)
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
    PyObject *list = list_reported(feedback.found, feedback.reported);
    free(feedback.arrivals);
    PyMem_RawFree(feedback.found);
    return list;
}
