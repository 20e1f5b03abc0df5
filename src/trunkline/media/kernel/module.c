/* The module ``_kernel``: SRTP for the engine, and the packet functions by themselves for their tests. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "kernel.h"
#include "module.h"

static struct span span_of(PyObject *bytes)
{
    return (struct span){(const uint8_t *)PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)};
}

static bool is_bytes(PyObject *object)
{
    if (PyBytes_Check(object))
        return true;
    PyErr_SetString(PyExc_TypeError, "bytes are needed");
    return false;
}

static PyObject *optional(bool present, unsigned long value)
{
    return present ? PyLong_FromUnsignedLong(value) : Py_NewRef(Py_None);
}

/* --- SRTP ------------------------------------------------------------------------------------ */

typedef struct {
    PyObject_HEAD
    struct srtp srtp;
} Srtp;

enum { SESSION_KEY_BYTES = KEY_BYTES + MAX_SALT_BYTES + AUTH_KEY_BYTES };

static void read_session_keys(const uint8_t *from, struct session_keys *keys)
{
    memcpy(keys->key, from, KEY_BYTES);
    memcpy(keys->salt, from + KEY_BYTES, MAX_SALT_BYTES);
    memcpy(keys->auth, from + KEY_BYTES + MAX_SALT_BYTES, AUTH_KEY_BYTES);
}

static int Srtp_init(Srtp *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"profile", "keys", "sending", "derived", NULL};
    int profile, sending, derived = 0;
    Py_buffer given;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iy*p|p", names, &profile, &given, &sending, &derived))
        return -1;
    struct session_keys rtp = {0}, rtcp = {0};
    const uint8_t *keys = given.buf;
    const char *wrong = NULL;
    if (profile != AES_CM_128_HMAC_SHA1_80 && profile != AEAD_AES_128_GCM) {
        wrong = "an unknown profile";
    } else if (given.len != (Py_ssize_t)(derived ? 2 * SESSION_KEY_BYTES : KEY_BYTES + salt_size(profile))) {
        wrong = "keys of a wrong size";
    } else {
        if (derived) {
            read_session_keys(keys, &rtp);
            read_session_keys(keys + SESSION_KEY_BYTES, &rtcp);
        } else if (!derive_keys(profile, keys, 0, &rtp) || !derive_keys(profile, keys, 3, &rtcp)) {
            wrong = "libcrypto failed";
        }
        if (!wrong) {
            if (self->srtp.rtp.cipher)
                srtp_close(&self->srtp);
            if (!srtp_open(&self->srtp, profile, sending, &rtp, &rtcp))
                wrong = "libcrypto failed";
        }
    }
    PyBuffer_Release(&given);
    if (wrong)
        PyErr_SetString(PyExc_ValueError, wrong);
    return wrong ? -1 : 0;
}

static void Srtp_dealloc(Srtp *self)
{
    srtp_close(&self->srtp);
    Py_TYPE(self)->tp_free(self);
}

/* Runs an operation on a copy of a packet: the result, or None when it was refused. */
static PyObject *transform(Srtp *self, PyObject *packet, int (*operation)(struct srtp *, uint8_t *, size_t), bool sending)
{
    if (!is_bytes(packet))
        return NULL;
    struct span given = span_of(packet);
    if (!self->srtp.rtp.cipher || self->srtp.sending != sending) {
        PyErr_SetString(PyExc_ValueError, "it is for the other direction");
        return NULL;
    }
    if (given.size > MAX_PACKET_BYTES)
        Py_RETURN_NONE;
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(given.size + SRTP_OVERHEAD));
    if (!result)
        return NULL;
    uint8_t *place = (uint8_t *)PyBytes_AS_STRING(result);
    memcpy(place, given.data, given.size);
    int size = operation(&self->srtp, place, given.size);
    if (size < 0) {
        Py_DECREF(result);
        Py_RETURN_NONE;
    }
    _PyBytes_Resize(&result, size);
    return result;
}

static PyObject *Srtp_protect(Srtp *self, PyObject *packet)
{
    return transform(self, packet, srtp_protect, true);
}

static PyObject *Srtp_unprotect(Srtp *self, PyObject *packet)
{
    return transform(self, packet, srtp_unprotect, false);
}

static PyObject *Srtp_protect_rtcp(Srtp *self, PyObject *packet)
{
    return transform(self, packet, srtcp_protect, true);
}

static PyObject *Srtp_unprotect_rtcp(Srtp *self, PyObject *packet)
{
    return transform(self, packet, srtcp_unprotect, false);
}

static PyMethodDef Srtp_methods[] = {
    {"protect", (PyCFunction)Srtp_protect, METH_O, "A packet as it goes out; None when refused."},
    {"unprotect", (PyCFunction)Srtp_unprotect, METH_O, "The packet inside; None when refused."},
    {"protect_rtcp", (PyCFunction)Srtp_protect_rtcp, METH_O, "A compound as it goes out; None when refused."},
    {"unprotect_rtcp", (PyCFunction)Srtp_unprotect_rtcp, METH_O, "The compound inside; None when refused."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject SrtpType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.Srtp",
    .tp_doc = "One direction of SRTP and SRTCP.",
    .tp_basicsize = sizeof(Srtp),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Srtp_init,
    .tp_dealloc = (destructor)Srtp_dealloc,
    .tp_methods = Srtp_methods,
};

/* derive(key, salt, label, size): bytes of the pseudo-random function. */
static PyObject *py_derive(PyObject *module, PyObject *args)
{
    (void)module;
    const uint8_t *key, *salt;
    Py_ssize_t key_bytes, salt_bytes;
    unsigned char label;
    int size;
    uint8_t out[128];
    if (!PyArg_ParseTuple(args, "y#y#bi", &key, &key_bytes, &salt, &salt_bytes, &label, &size))
        return NULL;
    if (key_bytes != KEY_BYTES || size < 0 || (size_t)size > sizeof out ||
        !derive(key, salt, (size_t)salt_bytes, label, out, (size_t)size))
        return PyErr_Format(PyExc_ValueError, "nothing can be derived from this");
    return PyBytes_FromStringAndSize((char *)out, size);
}

/* --- packets --------------------------------------------------------------------------------- */

static PyObject *extensions_of(const struct rtp *rtp)
{
    PyObject *found = PyDict_New();
    struct extension element;
    size_t position = 0;
    while (found && rtp_next_extension(rtp, &position, &element)) {
        PyObject *id = PyLong_FromLong(element.id);
        PyObject *value = PyBytes_FromStringAndSize((const char *)element.value.data, (Py_ssize_t)element.value.size);
        if (!id || !value || PyDict_SetItem(found, id, value))
            Py_CLEAR(found);
        Py_XDECREF(id);
        Py_XDECREF(value);
    }
    return found;
}

/* parse(datagram) -> None, or (type, sequence, timestamp, ssrc, marker, sources, padding, extensions, payload). */
static PyObject *py_parse(PyObject *module, PyObject *datagram)
{
    (void)module;
    struct rtp rtp;
    if (!is_bytes(datagram))
        return NULL;
    struct span given = span_of(datagram);
    if (!rtp_parse(given.data, given.size, &rtp))
        Py_RETURN_NONE;
    return Py_BuildValue("(iikkOiiNy#)", rtp.payload_type, rtp.sequence, (unsigned long)rtp.timestamp,
                         (unsigned long)rtp.ssrc, rtp.marker ? Py_True : Py_False, rtp.csrc_count, rtp.padding,
                         extensions_of(&rtp), rtp.payload.data, (Py_ssize_t)rtp.payload.size);
}

enum { MAX_ELEMENTS = 32 };

/* write(type, sequence, timestamp, ssrc, marker, extensions, payload) -> a packet; None when it cannot be written. */
static PyObject *py_write(PyObject *module, PyObject *args)
{
    (void)module;
    struct rtp rtp = {0};
    struct extension elements[MAX_ELEMENTS];
    PyObject *extensions, *payload, *id, *value;
    int marker;
    unsigned int timestamp, ssrc;
    if (!PyArg_ParseTuple(args, "bHIIpO!S", &rtp.payload_type, &rtp.sequence, &timestamp, &ssrc, &marker, &PyDict_Type,
                          &extensions, &payload))
        return NULL;
    rtp.timestamp = timestamp;
    rtp.ssrc = ssrc;
    rtp.marker = marker;
    rtp.payload = span_of(payload);
    size_t count = 0, room = RTP_HEADER_BYTES + 8 + rtp.payload.size;
    Py_ssize_t position = 0;
    while (PyDict_Next(extensions, &position, &id, &value)) {
        long number = PyLong_AsLong(id);
        if (number == -1 && PyErr_Occurred())
            return NULL;
        if (!is_bytes(value))
            return NULL;
        if (count == MAX_ELEMENTS || number < 0 || number > 255)
            Py_RETURN_NONE;
        elements[count++] = (struct extension){(uint8_t)number, span_of(value)};
        room += 2 + (size_t)PyBytes_GET_SIZE(value);
    }
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    if (!result)
        return NULL;
    size_t size = rtp_write((uint8_t *)PyBytes_AS_STRING(result), room, &rtp, elements, count);
    if (!size) {
        Py_DECREF(result);
        Py_RETURN_NONE;
    }
    _PyBytes_Resize(&result, (Py_ssize_t)size);
    return result;
}

/* --- payloads -------------------------------------------------------------------------------- */

/* vp8(payload) -> None, or the descriptor's fields in the order of the Python twin. */
static PyObject *py_vp8(PyObject *module, PyObject *payload)
{
    (void)module;
    struct vp8 vp8;
    if (!is_bytes(payload))
        return NULL;
    if (!vp8_parse(span_of(payload), &vp8))
        Py_RETURN_NONE;
    return Py_BuildValue("(NNNNNNNn)", PyBool_FromLong(vp8.start), optional(vp8.has_picture_id, vp8.picture_id),
                         PyBool_FromLong(vp8.wide), optional(vp8.has_tl0, vp8.tl0_index),
                         optional(vp8.has_temporal, vp8.temporal), PyBool_FromLong(vp8.sync),
                         PyBool_FromLong(vp8.key_frame), (Py_ssize_t)vp8.size);
}

/* rewrite_vp8(payload, picture_id, tl0_index) -> the payload with other numbers; None without a descriptor. */
static PyObject *py_rewrite_vp8(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *payload;
    int picture_id, tl0_index;
    struct vp8 vp8;
    if (!PyArg_ParseTuple(args, "Sii", &payload, &picture_id, &tl0_index))
        return NULL;
    if (!vp8_parse(span_of(payload), &vp8))
        Py_RETURN_NONE;
    PyObject *result = PyBytes_FromStringAndSize(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload));
    if (result)
        vp8_rewrite((uint8_t *)PyBytes_AS_STRING(result), &vp8, (uint16_t)picture_id, (uint8_t)tl0_index);
    return result;
}

/* key_frame(codec, payload): whether a key frame begins here; codecs are numbered as in kernel.h. */
static PyObject *py_key_frame(PyObject *module, PyObject *args)
{
    (void)module;
    int codec;
    PyObject *payload;
    if (!PyArg_ParseTuple(args, "iS", &codec, &payload))
        return NULL;
    return PyBool_FromLong(is_key_frame((enum codec)codec, span_of(payload)));
}

/* --- numbers --------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    struct rewriter rewriter;
} Rewriter;

static int Rewriter_init(Rewriter *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sequence", "timestamp", "clock_rate", NULL};
    unsigned short sequence;
    unsigned int timestamp, clock_rate;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "HII", names, &sequence, &timestamp, &clock_rate))
        return -1;
    rewriter_end(&self->rewriter);
    rewriter_begin(&self->rewriter, sequence, timestamp, clock_rate);
    return 0;
}

static void Rewriter_dealloc(Rewriter *self)
{
    rewriter_end(&self->rewriter);
    Py_TYPE(self)->tp_free(self);
}

/* Reads (sequence, timestamp, now_s, descriptor), a descriptor being None or (picture_id, tl0_index). */
static bool read_numbers(PyObject *given, struct vp8 *vp8, const struct vp8 **present)
{
    *vp8 = (struct vp8){0};
    *present = given == Py_None ? NULL : vp8;
    return given == Py_None || PyArg_ParseTuple(given, "Hb", &vp8->picture_id, &vp8->tl0_index);
}

static PyObject *Rewriter_switch(Rewriter *self, PyObject *args)
{
    unsigned int ssrc, timestamp;
    unsigned short sequence;
    double now_s;
    PyObject *given;
    struct vp8 vp8;
    const struct vp8 *present;
    if (!PyArg_ParseTuple(args, "IHIdO", &ssrc, &sequence, &timestamp, &now_s, &given) ||
        !read_numbers(given, &vp8, &present))
        return NULL;
    rewriter_switch(&self->rewriter, ssrc, sequence, timestamp, now_s, present);
    Py_RETURN_NONE;
}

static PyObject *Rewriter_leave_out(Rewriter *self, PyObject *args)
{
    unsigned short sequence;
    if (!PyArg_ParseTuple(args, "H", &sequence))
        return NULL;
    rewriter_leave_out(&self->rewriter, sequence);
    Py_RETURN_NONE;
}

static PyObject *Rewriter_rewrite(Rewriter *self, PyObject *args)
{
    unsigned int timestamp;
    unsigned short sequence;
    double now_s;
    PyObject *given;
    struct vp8 vp8;
    const struct vp8 *present;
    struct numbers numbers;
    if (!PyArg_ParseTuple(args, "HIdO", &sequence, &timestamp, &now_s, &given) || !read_numbers(given, &vp8, &present))
        return NULL;
    if (!rewriter_rewrite(&self->rewriter, sequence, timestamp, now_s, present, &numbers))
        Py_RETURN_NONE;
    return Py_BuildValue("(ikii)", numbers.sequence, (unsigned long)numbers.timestamp, numbers.picture_id,
                         numbers.tl0_index);
}

static PyMethodDef Rewriter_methods[] = {
    {"switch", (PyCFunction)Rewriter_switch, METH_VARARGS, "Another source is sent from here on."},
    {"leave_out", (PyCFunction)Rewriter_leave_out, METH_VARARGS, "A packet is not sent."},
    {"rewrite", (PyCFunction)Rewriter_rewrite, METH_VARARGS, "What a packet is sent as; None when it is not sent."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject RewriterType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.media.kernel._kernel.Rewriter",
    .tp_doc = "The numbers of one forwarded stream.",
    .tp_basicsize = sizeof(Rewriter),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)Rewriter_init,
    .tp_dealloc = (destructor)Rewriter_dealloc,
    .tp_methods = Rewriter_methods,
};

static PyMethodDef methods[] = {
    {"derive", py_derive, METH_VARARGS, "Key material for a label."},
    {"parse", py_parse, METH_O, "What the kernel makes of a packet; None when it is none."},
    {"write", py_write, METH_VARARGS, "A packet from its parts."},
    {"vp8", py_vp8, METH_O, "What the kernel makes of a VP8 descriptor; None when it is none."},
    {"rewrite_vp8", py_rewrite_vp8, METH_VARARGS, "A VP8 payload with other running numbers."},
    {"key_frame", py_key_frame, METH_VARARGS, "Whether a payload begins a key frame."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_kernel", .m_doc = "The media kernel.", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__kernel(void)
{
    const char *why_not = libcrypto_load();
    if (why_not)
        return PyErr_Format(PyExc_ImportError, "%s", why_not);
    if (PyType_Ready(&SrtpType) || PyType_Ready(&RewriterType) || PyType_Ready(&PortType))
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && (PyModule_AddObjectRef(module, "Srtp", (PyObject *)&SrtpType) ||
                   PyModule_AddObjectRef(module, "Rewriter", (PyObject *)&RewriterType) ||
                   PyModule_AddObjectRef(module, "Port", (PyObject *)&PortType) || add_twins(module)))
        Py_CLEAR(module);
    return module;
}
