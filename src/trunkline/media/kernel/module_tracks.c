/* Commands of ``Port`` about published tracks. */
#include "module_port.h"

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
PyObject *Port_track_add(Port *self, PyObject *args)
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

PyObject *Port_track_remove(Port *self, PyObject *args)
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
PyObject *Port_track_source(Port *self, PyObject *args)
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
PyObject *Port_track_ask(Port *self, PyObject *args)
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
 * since this was last asked or None, frames, freezes, frozen_s)], [(octets, arrived_s) of each spatial layer of a scalable
 * stream]). */
PyObject *Port_track_state(Port *self, PyObject *args)
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
        PyObject *one = Py_BuildValue("(NdKKLdKNKKd)", ssrc, layer->arrived_s, layer->octets, reception->packets,
                                      (long long)expected, reception->jitter, reception->gave_up, transit,
                                      layer->smoothness.frames, layer->smoothness.freezes, layer->smoothness.frozen_s);
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
