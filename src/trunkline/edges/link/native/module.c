/* The module ``_link``: the front, and the parser by itself for its tests. */
#include "native.h"

#define DEFINE_NAME(word) PyObject *name_##word;
FOR_NAMES(DEFINE_NAME)

static int make_names(void)
{
#define MAKE_NAME(word)                                                                                                \
    if (!name_##word && !(name_##word = PyUnicode_InternFromString(#word)))                                            \
        return -1;
    FOR_NAMES(MAKE_NAME)
    return 0;
}

/* parse(payload) -> None, or (id, name, content, n, after, whether the name is a party's). */
static PyObject *parse(PyObject *module, PyObject *payload)
{
    (void)module;
    struct send_request request;
    if (!PyBytes_Check(payload))
        return PyErr_Format(PyExc_TypeError, "bytes are needed");
    if (!parse_send((const uint8_t *)PyBytes_AS_STRING(payload), (size_t)PyBytes_GET_SIZE(payload), &request))
        Py_RETURN_NONE;
    return Py_BuildValue("(Ky#y#KKO)", (unsigned long long)request.id, request.name.data, (Py_ssize_t)request.name.size,
                         request.content.data, (Py_ssize_t)request.content.size, (unsigned long long)request.n,
                         (unsigned long long)request.after, request.has_to ? Py_True : Py_False);
}

/* ack(id, conversation, epoch, seq, at_ms) -> the reply to a send, as a WebSocket message. */
static PyObject *ack(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned long long id, epoch, seq, at_ms;
    PyObject *conversation;
    if (!PyArg_ParseTuple(args, "KUKKK", &id, &conversation, &epoch, &seq, &at_ms))
        return NULL;
    PyObject *made = encode_ack(id, conversation, epoch, seq, at_ms);
    return made || PyErr_Occurred() ? made : Py_NewRef(Py_None);
}

/* look(data) -> (verdict, size, payload or None): 0 incomplete, 1 message, 2 other, 3 strange. */
static PyObject *look(PyObject *module, PyObject *data)
{
    (void)module;
    struct ws_frame frame = {0};
    uint8_t plain[FAST_FRAME_MAX];
    if (!PyBytes_Check(data))
        return PyErr_Format(PyExc_TypeError, "bytes are needed");
    enum ws_verdict verdict =
        ws_look((const uint8_t *)PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data), &frame);
    if (verdict != WS_MESSAGE)
        return Py_BuildValue("(inO)", (int)verdict, (Py_ssize_t)frame.size, Py_None);
    ws_unmask(&frame, (const uint8_t *)PyBytes_AS_STRING(data), plain);
    return Py_BuildValue("(iny#)", (int)verdict, (Py_ssize_t)frame.size, plain, (Py_ssize_t)frame.payload_size);
}

static PyMethodDef methods[] = {
    {"parse", parse, METH_O, "What the native path makes of a message; None when Python has to read it."},
    {"ack", ack, METH_VARARGS, "The reply to a send."},
    {"look", look, METH_O, "What the native path makes of received bytes."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_link", .m_doc = "The native link path.", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__link(void)
{
    if (make_names() || PyType_Ready(&ConnType) || PyType_Ready(&FrontType))
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddObjectRef(module, "Front", (PyObject *)&FrontType))
        Py_CLEAR(module);
    return module;
}
