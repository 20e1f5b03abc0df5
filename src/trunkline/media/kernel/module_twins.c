/* The thread's functions by themselves, for the tests that hold them against their Python twins. */
#include "module.h"

#include "thread.h"

/* --- reception -------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    struct reception reception;
} Reception;

static int Reception_init(Reception *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"ssrc", "clock_rate", NULL};
    unsigned ssrc, clock_rate;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "II", names, &ssrc, &clock_rate))
        return -1;
    reception_begin(&self->reception, ssrc, clock_rate);
    return 0;
}

static void Reception_dealloc(Reception *self)
{
    reception_end(&self->reception);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *Reception_on_packet(Reception *self, PyObject *args)
{
    unsigned short sequence;
    unsigned timestamp, size;
    double now_s;
    int64_t number;
    if (!PyArg_ParseTuple(args, "HIId", &sequence, &timestamp, &size, &now_s))
        return NULL;
    if (!reception_on_packet(&self->reception, sequence, timestamp, size, now_s, &number))
        Py_RETURN_NONE;
    return PyLong_FromLongLong(number);
}

static PyObject *Reception_to_ask(Reception *self, PyObject *args)
{
    double now_s, round_trip_s;
    uint16_t asked[MAX_MISSING];
    if (!PyArg_ParseTuple(args, "dd", &now_s, &round_trip_s))
        return NULL;
    size_t count = reception_to_ask(&self->reception, now_s, round_trip_s, asked);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)i, PyLong_FromLong(asked[i]));
    return list;
}

static PyObject *Reception_on_sender_report(Reception *self, PyObject *args)
{
    unsigned long long ntp;
    double now_s;
    if (!PyArg_ParseTuple(args, "Kd", &ntp, &now_s))
        return NULL;
    reception_on_sender_report(&self->reception, ntp, now_s);
    Py_RETURN_NONE;
}

static PyObject *Reception_report(Reception *self, PyObject *args)
{
    double now_s;
    uint8_t block[REPORT_BLOCK_BYTES];
    if (!PyArg_ParseTuple(args, "d", &now_s))
        return NULL;
    if (!reception_report(&self->reception, now_s, block))
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize((char *)block, sizeof block);
}

static PyObject *Reception_gave_up(Reception *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->reception.gave_up);
}

static PyObject *Reception_take(Reception *self, PyObject *unused)
{
    (void)unused;
    struct reception *reception = &self->reception;
    PyObject *holes = PyList_New((Py_ssize_t)reception->hole_count);
    for (size_t i = 0; holes && i < reception->hole_count; i++)
        PyList_SET_ITEM(holes, (Py_ssize_t)i, PyLong_FromLong(reception->holes[i]));
    reception->hole_count = 0;
    PyObject *transit = reception->has_least ? PyFloat_FromDouble(reception->least_transit_s) : Py_NewRef(Py_None);
    reception->has_least = false;
    PyObject *hopeless = PyList_New((Py_ssize_t)reception->hopeless_count);
    for (size_t i = 0; hopeless && i < reception->hopeless_count; i++)
        PyList_SET_ITEM(hopeless, (Py_ssize_t)i, PyLong_FromLongLong(reception->hopeless[i]));
    reception->hopeless_count = 0;
    return Py_BuildValue("(NNN)", holes, hopeless, transit);
}

/* The time when the oldest missing packet was noticed; None when none is. */
static PyObject *Reception_oldest_missing_s(Reception *self, PyObject *unused)
{
    (void)unused;
    if (!self->reception.missing_count)
        Py_RETURN_NONE;
    return PyFloat_FromDouble(self->reception.missing[0].noticed_s);
}

static PyObject *Reception_forget(Reception *self, PyObject *sequence)
{
    reception_forget(&self->reception, (uint16_t)PyLong_AsLong(sequence));
    Py_RETURN_NONE;
}

static PyMethodDef Reception_methods[] = {
    {"take", (PyCFunction)Reception_take, METH_NOARGS, NULL},
    {"forget", (PyCFunction)Reception_forget, METH_O, NULL},
    {"oldest_missing_s", (PyCFunction)Reception_oldest_missing_s, METH_NOARGS, NULL},
    {"on_packet", (PyCFunction)Reception_on_packet, METH_VARARGS, NULL},
    {"to_ask", (PyCFunction)Reception_to_ask, METH_VARARGS, NULL},
    {"on_sender_report", (PyCFunction)Reception_on_sender_report, METH_VARARGS, NULL},
    {"report", (PyCFunction)Reception_report, METH_VARARGS, NULL},
    {"gave_up", (PyCFunction)Reception_gave_up, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject ReceptionType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.Reception",
    .tp_basicsize = sizeof(Reception),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Reception_init,
    .tp_dealloc = (destructor)Reception_dealloc,
    .tp_methods = Reception_methods,
};

/* --- arrivals ------------------------------------------------------------------------------------------ */

typedef struct {
    PyObject_HEAD
    struct arrivals arrivals;
} Arrivals;

static int Arrivals_init(Arrivals *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"origin_s", NULL};
    return PyArg_ParseTupleAndKeywords(args, kwargs, "d", names, &self->arrivals.origin_s) ? 0 : -1;
}

static void Arrivals_dealloc(Arrivals *self)
{
    arrivals_end(&self->arrivals);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *Arrivals_on_packet(Arrivals *self, PyObject *args)
{
    unsigned short number;
    double now_s;
    if (!PyArg_ParseTuple(args, "Hd", &number, &now_s))
        return NULL;
    arrivals_on_packet(&self->arrivals, number, now_s);
    Py_RETURN_NONE;
}

static PyObject *Arrivals_feedback(Arrivals *self, PyObject *args)
{
    uint8_t out[MAX_FEEDBACK_BYTES];
    double now_s, missing_s = -1;
    int masked;
    if (!PyArg_ParseTuple(args, "dp|d", &now_s, &masked, &missing_s))
        return NULL;
    self->arrivals.masked = masked;
    self->arrivals.has_missing = missing_s >= 0;
    self->arrivals.missing_s = missing_s;
    size_t size = arrivals_feedback(&self->arrivals, now_s, out);
    if (!size)
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize((char *)out, (Py_ssize_t)size);
}

static PyMethodDef Arrivals_methods[] = {
    {"on_packet", (PyCFunction)Arrivals_on_packet, METH_VARARGS, NULL},
    {"feedback", (PyCFunction)Arrivals_feedback, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject ArrivalsType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.Arrivals",
    .tp_basicsize = sizeof(Arrivals),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Arrivals_init,
    .tp_dealloc = (destructor)Arrivals_dealloc,
    .tp_methods = Arrivals_methods,
};

/* --- history ------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    struct history history;
} History;

static void History_dealloc(History *self)
{
    history_end(&self->history);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *History_on_sent(History *self, PyObject *args)
{
    unsigned size;
    double now_s;
    unsigned short cluster = 0;
    if (!PyArg_ParseTuple(args, "Id|H", &size, &now_s, &cluster))
        return NULL;
    return PyLong_FromLong(history_on_sent(&self->history, size, now_s, cluster, (struct carried){0}));
}

static PyObject *History_on_sent_again(History *self, PyObject *args)
{
    unsigned short number;
    if (!PyArg_ParseTuple(args, "H", &number))
        return NULL;
    history_on_sent_again(&self->history, number);
    Py_RETURN_NONE;
}

/* on_feedback(body) -> what ``list_reported`` makes of it, or None when malformed. */
static PyObject *History_on_feedback(History *self, PyObject *args)
{
    const uint8_t *body;
    Py_ssize_t size;
    uint16_t base;
    uint8_t count;
    int64_t *arrivals;
    if (!PyArg_ParseTuple(args, "y#", &body, &size))
        return NULL;
    long statuses = feedback_parse((struct span){body, (size_t)size}, &base, &count, &arrivals);
    if (statuses < 0)
        Py_RETURN_NONE;
    struct reported *found = malloc(((size_t)statuses + 1) * sizeof *found);
    size_t reported = found ? history_on_feedback(&self->history, base, arrivals, (size_t)statuses, found) : 0;
    PyObject *list = list_reported(found, reported);
    free(found);
    free(arrivals);
    return list;
}

static PyObject *History_in_flight(History *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromLongLong(self->history.in_flight);
}

static PyMethodDef History_methods[] = {
    {"on_sent", (PyCFunction)History_on_sent, METH_VARARGS, NULL},
    {"on_sent_again", (PyCFunction)History_on_sent_again, METH_VARARGS, NULL},
    {"on_feedback", (PyCFunction)History_on_feedback, METH_VARARGS, NULL},
    {"in_flight", (PyCFunction)History_in_flight, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject HistoryType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.History",
    .tp_basicsize = sizeof(History),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)History_dealloc,
    .tp_methods = History_methods,
};

/* --- redundant audio -------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    struct frame_store store;
    struct repacker repacker;
} Frames;

static void Frames_dealloc(Frames *self)
{
    frames_end(&self->store);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *Frames_add(Frames *self, PyObject *args)
{
    unsigned timestamp;
    const uint8_t *data;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "Iy#", &timestamp, &data, &size))
        return NULL;
    frames_add(&self->store, (struct frame){timestamp, {data, (size_t)size}});
    Py_RETURN_NONE;
}

static PyObject *Frames_pack(Frames *self, PyObject *args)
{
    unsigned char type;
    unsigned timestamp;
    const uint8_t *data;
    Py_ssize_t size;
    int depth;
    uint8_t out[MAX_RED_BYTES + 2048];
    if (!PyArg_ParseTuple(args, "bIy#i", &type, &timestamp, &data, &size, &depth))
        return NULL;
    size_t made = repacker_pack(&self->repacker, &self->store, type, (struct frame){timestamp, {data, (size_t)size}},
                                depth, out, sizeof out);
    return PyBytes_FromStringAndSize((char *)out, (Py_ssize_t)made);
}

static PyObject *Frames_is_new(Frames *self, PyObject *timestamp)
{
    return PyBool_FromLong(repacker_is_new(&self->repacker, (uint32_t)PyLong_AsUnsignedLong(timestamp)));
}

static PyObject *Frames_note(Frames *self, PyObject *timestamp)
{
    repacker_note(&self->repacker, (uint32_t)PyLong_AsUnsignedLong(timestamp));
    Py_RETURN_NONE;
}

static PyMethodDef Frames_methods[] = {
    {"add", (PyCFunction)Frames_add, METH_VARARGS, NULL},
    {"pack", (PyCFunction)Frames_pack, METH_VARARGS, NULL},
    {"is_new", (PyCFunction)Frames_is_new, METH_O, NULL},
    {"note", (PyCFunction)Frames_note, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject FramesType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.Frames",
    .tp_basicsize = sizeof(Frames),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)Frames_dealloc,
    .tp_methods = Frames_methods,
};

/* red(payload, timestamp) -> [(timestamp, data)], oldest first; None when it is malformed. */
static PyObject *py_red(PyObject *module, PyObject *args)
{
    (void)module;
    const uint8_t *data;
    Py_ssize_t size;
    unsigned timestamp;
    struct frame frames[MAX_BLOCKS];
    if (!PyArg_ParseTuple(args, "y#I", &data, &size, &timestamp))
        return NULL;
    size_t count = red_parse((struct span){data, (size_t)size}, timestamp, frames);
    if (!count)
        Py_RETURN_NONE;
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)i,
                        Py_BuildValue("(Iy#)", frames[i].timestamp, (const char *)frames[i].data.data,
                                      (Py_ssize_t)frames[i].data.size));
    return list;
}

typedef struct {
    PyObject_HEAD
    struct holes holes;
} Holes;

static PyObject *Holes_on_packet(Holes *self, PyObject *args)
{
    unsigned short sequence;
    unsigned timestamp;
    int begins, ends, picture = -1;
    if (!PyArg_ParseTuple(args, "HIpp|i", &sequence, &timestamp, &begins, &ends, &picture))
        return NULL;
    holes_on_packet(&self->holes, sequence, timestamp, begins, ends, picture);
    Py_RETURN_NONE;
}

static PyObject *Holes_was_padding(Holes *self, PyObject *sequence)
{
    return PyBool_FromLong(holes_was_padding(&self->holes, (uint16_t)PyLong_AsLong(sequence)));
}

static PyMethodDef Holes_methods[] = {
    {"on_packet", (PyCFunction)Holes_on_packet, METH_VARARGS, NULL},
    {"was_padding", (PyCFunction)Holes_was_padding, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject HolesType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.Holes",
    .tp_basicsize = sizeof(Holes),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_methods = Holes_methods,
};

/* --- scalable video ------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    struct scaling scaling;
    struct scaler scaler;
    struct part part;
} Scaler;

/* read(codec, payload, descriptor) -> (spatial, begins, ends, free, frame or None, base, top), or None; kept for take(). */
static PyObject *Scaler_read(Scaler *self, PyObject *args)
{
    int codec;
    Py_buffer payload, descriptor;
    if (!PyArg_ParseTuple(args, "iy*y*", &codec, &payload, &descriptor))
        return NULL;
    part_read(&self->scaling, (enum codec)codec, (struct span){payload.buf, (size_t)payload.len},
              (struct span){descriptor.buf, (size_t)descriptor.len}, &self->part);
    PyBuffer_Release(&payload);
    PyBuffer_Release(&descriptor);
    const struct part *part = &self->part;
    if (!part->known)
        Py_RETURN_NONE;
    PyObject *frame = part->has_frame ? PyLong_FromLong(part->frame) : Py_NewRef(Py_None);
    return Py_BuildValue("(iNNNNNi)", part->spatial, PyBool_FromLong(part->begins), PyBool_FromLong(part->ends),
                         PyBool_FromLong(part->free), frame, PyBool_FromLong(part->base), self->scaling.top);
}

static PyObject *Scaler_begin(Scaler *self, PyObject *unused)
{
    (void)unused;
    scaler_begin(&self->scaler, &self->part);
    Py_RETURN_NONE;
}

/* take(wanted, newest) -> (sent, last, asks, present), of what was read last. */
static PyObject *Scaler_take(Scaler *self, PyObject *args)
{
    int wanted, newest;
    if (!PyArg_ParseTuple(args, "ip", &wanted, &newest))
        return NULL;
    struct verdict verdict = scaler_take(&self->scaler, &self->part, wanted, self->scaling.top, newest);
    return Py_BuildValue("(NNNi)", PyBool_FromLong(verdict.sent), PyBool_FromLong(verdict.last),
                         PyBool_FromLong(verdict.asks), self->scaler.present);
}

static PyObject *Scaler_renumber(Scaler *self, PyObject *frame)
{
    return PyLong_FromLong(scaler_renumber(&self->scaler, (uint16_t)PyLong_AsLong(frame)));
}

static PyMethodDef Scaler_methods[] = {
    {"read", (PyCFunction)Scaler_read, METH_VARARGS, NULL},
    {"begin", (PyCFunction)Scaler_begin, METH_NOARGS, NULL},
    {"take", (PyCFunction)Scaler_take, METH_VARARGS, NULL},
    {"renumber", (PyCFunction)Scaler_renumber, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int Scaler_init(Scaler *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {NULL};
    self->scaler.present = -1;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "", names) ? 0 : -1;
}

static PyTypeObject ScalerType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.Scaler",
    .tp_basicsize = sizeof(Scaler),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Scaler_init,
    .tp_methods = Scaler_methods,
};

static PyMethodDef functions[] = {
    {"red", py_red, METH_VARARGS, "The frames of a redundant payload; None when it is none."},
    {NULL, NULL, 0, NULL},
};

int add_twins(PyObject *module)
{
    if (PyType_Ready(&ReceptionType) || PyType_Ready(&ArrivalsType) || PyType_Ready(&HistoryType) ||
        PyType_Ready(&FramesType) || PyType_Ready(&HolesType) || PyType_Ready(&ScalerType))
        return -1;
    return PyModule_AddFunctions(module, functions) ||
           PyModule_AddObjectRef(module, "Reception", (PyObject *)&ReceptionType) ||
           PyModule_AddObjectRef(module, "Arrivals", (PyObject *)&ArrivalsType) ||
           PyModule_AddObjectRef(module, "History", (PyObject *)&HistoryType) ||
           PyModule_AddObjectRef(module, "Frames", (PyObject *)&FramesType) ||
           PyModule_AddObjectRef(module, "Holes", (PyObject *)&HolesType) ||
           PyModule_AddObjectRef(module, "Scaler", (PyObject *)&ScalerType);
}
