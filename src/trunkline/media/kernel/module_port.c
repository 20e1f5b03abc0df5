/* The type ``Port``: the packet thread as Python controls it. Here are its life, its downtracks, and what the thread has for
 * Python; peers and published tracks have files of their own (module_port.h).
 */
#include "module_port.h"

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
    int loss;
    uint32_t jitter;
};

static void read_down(struct port *port, unsigned id, struct down_state *state)
{
    struct down *down = handle_find(port, HANDLE_DOWN, id);
    if (down)
        *state = (struct down_state){true, down->layer, down->packets, down->octets, down->again,
                                     down->reported_loss, down->reported_jitter};
}

/* down_state(down) -> (layer or -1, packets, octets, repeated, reported loss in 256ths or -1, reported jitter), or None. */
static PyObject *Port_down_state(Port *self, PyObject *args)
{
    unsigned id;
    struct down_state state = {0};
    if (!PyArg_ParseTuple(args, "I", &id))
        return NULL;
    LOCKED(self, read_down(port, id, &state));
    if (!state.found)
        Py_RETURN_NONE;
    return Py_BuildValue("(iKKKiI)", state.layer, state.packets, state.octets, state.again, state.loss, state.jitter);
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
    METHOD(peer_pace, METH_VARARGS, "How fast video leaves."),
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
