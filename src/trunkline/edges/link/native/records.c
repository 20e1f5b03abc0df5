/* A commit group as the journal keeps it (``domain.log.records.encode_group``): plain entries are written here, every
 * other record by msgspec, whose bytes are taken as they are.
 */
#include "native.h"
#include "put.h"

enum { HEADS = 160 }; /* all that is not text or content in one plain entry, generously */

struct sink {
    PyObject *bytes;
    size_t used;
};

static uint8_t *room_for(struct sink *sink, size_t size)
{
    size_t have = (size_t)PyBytes_GET_SIZE(sink->bytes);
    if (have - sink->used < size && _PyBytes_Resize(&sink->bytes, (Py_ssize_t)(2 * have + size)))
        return NULL;
    return (uint8_t *)PyBytes_AS_STRING(sink->bytes) + sink->used;
}

static bool text_of(PyObject *object, struct span *text)
{
    Py_ssize_t size = 0;
    if (!object || !PyUnicode_CheckExact(object))
        return false;
    if (PyUnicode_IS_COMPACT_ASCII(object)) {
        *text = (struct span){PyUnicode_DATA(object), (size_t)PyUnicode_GET_LENGTH(object)};
        return true;
    }
    const char *data = PyUnicode_AsUTF8AndSize(object, &size);
    *text = (struct span){(const uint8_t *)data, (size_t)size};
    return data != NULL;
}

struct plain {
    struct span app, conversation, sender, type, outbox, content;
    int64_t seq, at_ms, count, own, n, target, reply_to, expires_at_ms, thread;
};

static bool take_plain(const struct layout *l, PyObject *record, struct plain *p)
{
    PyObject *entry = Py_IS_TYPE(record, l->appended) ? slot(record, l->a_entry) : NULL;
    if (!entry || !Py_IS_TYPE(entry, l->entry))
        return false;
    PyObject *content = slot(entry, l->e_content), *mentions = slot(entry, l->e_mentions);
    if (!content || !PyBytes_CheckExact(content) || !mentions || !PyTuple_CheckExact(mentions) ||
        PyTuple_GET_SIZE(mentions))
        return false;
    p->content = (struct span){(const uint8_t *)PyBytes_AS_STRING(content), (size_t)PyBytes_GET_SIZE(content)};
    return text_of(slot(record, l->a_app), &p->app) && text_of(slot(record, l->a_conversation), &p->conversation) &&
           text_of(slot(entry, l->e_sender), &p->sender) && text_of(slot(entry, l->e_type), &p->type) &&
           text_of(slot(entry, l->e_outbox), &p->outbox) && small_number(slot(entry, l->e_seq), &p->seq) &&
           small_number(slot(entry, l->e_at_ms), &p->at_ms) && small_number(slot(entry, l->e_count), &p->count) &&
           small_number(slot(entry, l->e_own), &p->own) && small_number(slot(entry, l->e_n), &p->n) &&
           small_number(slot(entry, l->e_target), &p->target) &&
           small_number(slot(entry, l->e_reply_to), &p->reply_to) &&
           small_number(slot(entry, l->e_expires), &p->expires_at_ms) &&
           small_number(slot(entry, l->e_thread), &p->thread);
}

static uint8_t *put_span(uint8_t *at, struct span text)
{
    return put_str(at, (const char *)text.data, text.size);
}

static bool write_plain(struct sink *sink, const struct plain *p)
{
    size_t most = HEADS + p->app.size + p->conversation.size + p->sender.size + p->type.size + p->outbox.size +
                  p->content.size;
    uint8_t *start = room_for(sink, most), *at = start;
    if (!start)
        return false;
    *at++ = 0x94;
    *at++ = 1;
    at = put_span(put_span(at, p->app), p->conversation);
    *at++ = 0x9e;
    at = put_uint(put_uint(at, (uint64_t)p->seq), (uint64_t)p->at_ms);
    at = put_bin(put_span(put_span(at, p->sender), p->type), p->content.data, p->content.size);
    at = put_uint(put_uint(at, (uint64_t)p->count), (uint64_t)p->own);
    at = put_uint(put_span(at, p->outbox), (uint64_t)p->n);
    at = put_uint(put_uint(at, (uint64_t)p->target), (uint64_t)p->reply_to);
    *at++ = 0x90;
    at = put_uint(put_uint(at, (uint64_t)p->expires_at_ms), (uint64_t)p->thread);
    sink->used += (size_t)(at - start);
    return true;
}

static bool write_other(Front *front, struct sink *sink, PyObject *record)
{
    PyObject *bytes = PyObject_CallOneArg(front->encode_record, record);
    bool good = bytes && PyBytes_Check(bytes);
    uint8_t *at = good ? room_for(sink, (size_t)PyBytes_GET_SIZE(bytes)) : NULL;
    if (at) {
        put_bytes(at, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
        sink->used += (size_t)PyBytes_GET_SIZE(bytes);
    } else if (bytes && !good) {
        PyErr_SetString(PyExc_TypeError, "a record must be encoded as bytes");
    }
    Py_XDECREF(bytes);
    return at != NULL;
}

PyObject *front_encode_group(Front *front, PyObject *records)
{
    if (!PyList_CheckExact(records))
        return PyErr_Format(PyExc_TypeError, "records must be a list");
    Py_ssize_t count = PyList_GET_SIZE(records);
    struct sink sink = {PyBytes_FromStringAndSize(NULL, 16 + 320 * count), 0};
    if (!sink.bytes)
        return NULL;
    uint8_t *start = (uint8_t *)PyBytes_AS_STRING(sink.bytes);
    sink.used = (size_t)(put_array_head(start, (size_t)count) - start);
    for (Py_ssize_t i = 0; i < count && i < PyList_GET_SIZE(records); i++) {
        PyObject *record = PyList_GET_ITEM(records, i);
        struct plain plain;
        bool good = take_plain(&front->layout, record, &plain) ? write_plain(&sink, &plain)
                                                               : write_other(front, &sink, record);
        if (!good) {
            Py_XDECREF(sink.bytes);
            return NULL;
        }
    }
    _PyBytes_Resize(&sink.bytes, (Py_ssize_t)sink.used);
    return sink.bytes;
}
