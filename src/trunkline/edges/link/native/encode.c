/* The two frames of the hot path, byte for byte as msgspec writes them: the reply to a send and the push of an entry. */
#include "native.h"
#include "put.h"

enum { HEADER_ROOM = 10 };

/* An unmasked, final binary message (RFC 6455 section 5.2) of what lies behind the room for its header. */
static PyObject *message(uint8_t *room, const uint8_t *end)
{
    uint8_t *start = room + HEADER_ROOM;
    size_t size = (size_t)(end - start);
    if (size < 126) {
        start -= 2;
        start[1] = (uint8_t)size;
    } else if (size <= UINT16_MAX) {
        start -= 4;
        start[1] = 126;
        put_big_endian(start + 2, size, 2);
    } else {
        start -= 10;
        start[1] = 127;
        put_big_endian(start + 2, size, 8);
    }
    start[0] = 0x82;
    return PyBytes_FromStringAndSize((const char *)start, end - start);
}

PyObject *encode_ack(uint64_t id, PyObject *conversation, uint64_t epoch, uint64_t seq, uint64_t at_ms)
{
    uint8_t room[512];
    Py_ssize_t size;
    const char *name = PyUnicode_AsUTF8AndSize(conversation, &size);
    if (!name || size > 256)
        return NULL;
    uint8_t *at = room + HEADER_ROOM;
    *at++ = 0x93;
    *at++ = 2;
    at = put_uint(at, id);
    *at++ = 0x84;
    at = put_str(put_word(at, "conversation"), name, (size_t)size);
    at = put_uint(put_word(at, "epoch"), epoch);
    at = put_uint(put_word(at, "seq"), seq);
    at = put_uint(put_word(at, "at_ms"), at_ms);
    return message(room, at);
}

/* --- pushes --------------------------------------------------------------------------------- */

enum { FIXED_PART = 512, ON_STACK = 4096 };

static bool is_zero(PyObject *number)
{
    return number && PyLong_Check(number) && Py_SIZE(number) == 0;
}

static bool is_plain(const struct layout *l, PyObject *entry)
{
    PyObject *mentions = slot(entry, l->e_mentions), *content = slot(entry, l->e_content);
    return is_zero(slot(entry, l->e_target)) && is_zero(slot(entry, l->e_reply_to)) &&
           is_zero(slot(entry, l->e_expires)) && is_zero(slot(entry, l->e_thread)) && mentions && PyTuple_Check(mentions) && !PyTuple_GET_SIZE(mentions) &&
           content && PyBytes_Check(content);
}

static bool take_text(PyObject *object, struct span *text)
{
    Py_ssize_t size = 0;
    const char *data = object && PyUnicode_Check(object) ? PyUnicode_AsUTF8AndSize(object, &size) : NULL;
    *text = (struct span){(const uint8_t *)data, (size_t)size};
    return data != NULL && size <= 1024;
}

static bool take_number(PyObject *object, uint64_t *number)
{
    if (object && small_number(object, (int64_t *)number))
        return true;
    *number = object && PyLong_Check(object) ? PyLong_AsUnsignedLongLong(object) : UINT64_MAX;
    if (PyErr_Occurred())
        PyErr_Clear();
    return *number != UINT64_MAX;
}

static uint8_t *put_text(uint8_t *at, struct span text)
{
    return put_str(at, (const char *)text.data, text.size);
}

PyObject *encode_push(const struct layout *l, PyObject *state, PyObject *entry)
{
    struct span conversation, sender, type, outbox;
    uint64_t epoch, seq, at_ms, n;
    if (!is_plain(l, entry) || !take_text(slot(state, l->c_id), &conversation) ||
        !take_text(slot(entry, l->e_sender), &sender) || !take_text(slot(entry, l->e_type), &type) ||
        !take_text(slot(entry, l->e_outbox), &outbox) || !take_number(slot(state, l->c_epoch), &epoch) ||
        !take_number(slot(entry, l->e_seq), &seq) || !take_number(slot(entry, l->e_at_ms), &at_ms) ||
        !take_number(slot(entry, l->e_n), &n)) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *content = slot(entry, l->e_content);
    size_t content_size = (size_t)PyBytes_GET_SIZE(content);
    size_t most = FIXED_PART + conversation.size + sender.size + type.size + outbox.size + content_size;
    uint8_t stack[ON_STACK];
    uint8_t *room = most <= sizeof stack ? stack : PyMem_Malloc(most);
    if (!room)
        return PyErr_NoMemory();
    uint8_t *at = room + HEADER_ROOM;
    *at++ = 0x93;
    *at++ = 4;
    at = put_word(at, "entry");
    *at++ = (uint8_t)(0x80 | (6 + (content_size > 0) + (outbox.size > 0) + (n > 0)));
    at = put_text(put_word(at, "conversation"), conversation);
    at = put_uint(put_word(at, "epoch"), epoch);
    at = put_uint(put_word(at, "seq"), seq);
    at = put_uint(put_word(at, "at_ms"), at_ms);
    at = put_text(put_word(at, "sender"), sender);
    at = put_text(put_word(at, "type"), type);
    if (content_size)
        at = put_bytes(put_word(at, "content"), PyBytes_AS_STRING(content), content_size);
    if (outbox.size)
        at = put_text(put_word(at, "outbox"), outbox);
    if (n)
        at = put_uint(put_word(at, "n"), n);
    PyObject *made = message(room, at);
    if (room != stack)
        PyMem_Free(room);
    return made;
}
