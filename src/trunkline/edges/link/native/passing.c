/* What follows a commit: tails, pushes, replies, and one write per connection and tick.
 *
 * The twins are ``Engine._pass_on``, ``Delivery.deliver``, ``commit.count_down``, ``commit.tell`` and
 * ``LinkSession.flush``; whatever is not the common case is given to them.
 */
#include "native.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static int mark(Front *front, PyObject *session)
{
    if (slot(session, front->layout.s_dirty) == Py_True)
        return 0;
    PyObject *dirty = PyObject_GetAttr(front->hub, name__dirty);
    if (!dirty)
        return -1;
    int failed;
    set_slot_new(session, front->layout.s_dirty, Py_True);
    if (PyList_CheckExact(dirty) && PyList_GET_SIZE(dirty)) {
        failed = PyList_Append(dirty, session);
    } else {
        PyObject *done = PyObject_CallMethodOneArg(front->hub, name_mark, session);
        failed = done ? 0 : -1;
        Py_XDECREF(done);
    }
    Py_DECREF(dirty);
    return failed;
}

/* Queue bytes on a session; dropped when it is closed. */
static int queue_bytes(Front *front, PyObject *session, PyObject *data)
{
    PyObject *out = slot(session, front->layout.s_out);
    if (slot(session, front->layout.s_closed) == Py_True || !out || !PyList_CheckExact(out))
        return 0;
    return PyList_Append(out, data) ? -1 : mark(front, session);
}

/* --- pushes --------------------------------------------------------------------------------- */

struct push {
    PyObject *state, *entry;
    PyObject *frame, *outgoing; /* made on first use */
    bool not_plain;
};

static int push_to(Front *front, struct push *p, PyObject *session)
{
    const struct layout *l = &front->layout;
    if (Py_IS_TYPE(session, l->session) && slot(session, l->s_codec) == front->codec && !p->not_plain) {
        if (!p->frame && !(p->frame = encode_push(l, p->state, p->entry))) {
            if (PyErr_Occurred())
                return -1;
            p->not_plain = true;
        }
        if (p->frame)
            return slot(session, l->s_lagging) == Py_True ? 0 : queue_bytes(front, session, p->frame);
    }
    if (!p->outgoing && !(p->outgoing = PyObject_CallFunctionObjArgs(front->outgoing, p->state, p->entry, NULL)))
        return -1;
    PyObject *done = PyObject_CallMethodOneArg(session, name_push, p->outgoing);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static bool sees_all(const struct layout *l, PyObject *member, PyObject *seq)
{
    if (!Py_IS_TYPE(member, l->member))
        return false;
    PyObject *left = slot(member, l->m_left_seq), *joined = slot(member, l->m_joined_seq);
    return left && joined && PyLong_Check(left) && Py_SIZE(left) == 0 &&
           PyObject_RichCompareBool(seq, joined, Py_GE) == 1;
}

/* The members of a small conversation who may see the entry; false when one of them needs Python's judgement. */
static bool all_see(const struct layout *l, PyObject *members, PyObject *seq)
{
    Py_ssize_t at = 0;
    PyObject *party, *member;
    while (PyDict_Next(members, &at, &party, &member))
        if (!sees_all(l, member, seq))
            return false;
    return true;
}

/* The sessions of a party; borrowed. The key is filled with borrowed references for the length of the look-up. */
static PyObject *sessions_of(Front *front, PyObject *app, PyObject *party)
{
    PyObject *key = front->online_key;
    if (Py_REFCNT(key) != 1) { /* somebody has got hold of it: leave it to them */
        if (!(key = PyTuple_New(2)))
            return NULL;
        Py_SETREF(front->online_key, key);
    }
    PyTuple_SET_ITEM(key, 0, app);
    PyTuple_SET_ITEM(key, 1, party);
    PyObject *sessions = PyDict_GetItemWithError(front->online, key);
    PyTuple_SET_ITEM(key, 0, NULL);
    PyTuple_SET_ITEM(key, 1, NULL);
    return sessions;
}

static Py_ssize_t push_to_all(Front *front, PyObject *members, PyObject *app, struct push *p)
{
    Py_ssize_t pushed = 0, at = 0;
    PyObject *party, *member;
    while (PyDict_Next(members, &at, &party, &member)) {
        PyObject *sessions = sessions_of(front, app, party);
        if (!sessions) {
            if (PyErr_Occurred())
                return -1;
            continue;
        }
        if (!PyTuple_Check(sessions))
            continue;
        Py_INCREF(sessions);
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sessions); i++, pushed++)
            if (push_to(front, p, PyTuple_GET_ITEM(sessions, i))) {
                Py_DECREF(sessions);
                return -1;
            }
        Py_DECREF(sessions);
    }
    return pushed;
}

/* How many sessions were pushed to; -1 with an exception, -2 when Python has to deliver. */
static Py_ssize_t deliver(Front *front, PyObject *entry, PyObject *resident)
{
    const struct layout *l = &front->layout;
    PyObject *state = slot(resident, l->r_state), *target = slot(entry, l->e_target);
    if (!state || !Py_IS_TYPE(state, l->conversation) || slot(state, l->c_large) != Py_False || !target ||
        !PyLong_Check(target) || Py_SIZE(target))
        return -2;
    PyObject *members = slot(state, l->c_members), *app = slot(resident, l->r_app), *seq = slot(entry, l->e_seq);
    if (!members || !PyDict_CheckExact(members) || !app || !seq || !all_see(l, members, seq))
        return -2;
    struct push p = {.state = Py_NewRef(state), .entry = entry};
    Py_INCREF(members);
    Py_ssize_t pushed = push_to_all(front, members, app, &p);
    Py_DECREF(members);
    Py_DECREF(p.state);
    Py_XDECREF(p.frame);
    Py_XDECREF(p.outgoing);
    return pushed;
}

static int note(Front *front, PyObject *lsn, PyObject *entry, PyObject *owner)
{
    const struct layout *l = &front->layout;
    PyObject *entries = slot(owner, l->r_entries), *seq = slot(entry, l->e_seq);
    PyObject *pair = entries && seq ? PyTuple_Pack(2, lsn, entry) : NULL;
    if (pair)
        PyObject_GC_UnTrack(pair); /* a number and an entry, which holds no references to anything that could lead back */
    PyObject *done = pair ? PyObject_CallMethodOneArg(entries, name_append, pair) : NULL;
    Py_XDECREF(pair);
    if (!done)
        return -1;
    Py_DECREF(done);
    set_slot_new(owner, l->r_committed, seq);
    return 0;
}

static int tell_others(PyObject *others, PyObject *record, PyObject *owner)
{
    PyObject *done = others == Py_None ? Py_NewRef(others) : PyObject_CallFunctionObjArgs(others, record, owner, NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int add_pushed(Front *front, Py_ssize_t more)
{
    if (!more)
        return 0;
    PyObject *before = PyObject_GetAttr(front->delivery, name_pushed), *add = PyLong_FromSsize_t(more);
    PyObject *sum = before && add ? PyNumber_Add(before, add) : NULL;
    int failed = sum ? PyObject_SetAttrString(front->delivery, "pushed", sum) : -1;
    Py_XDECREF(before);
    Py_XDECREF(add);
    Py_XDECREF(sum);
    return failed;
}

/* pass_on(lsn, records, owners, rest, others): ``rest(lsn, record, owner)`` gets every record that is not the common
 * case; ``others(record, owner)``, unless None, hears of those that were delivered here. */
PyObject *front_pass_on(Front *front, PyObject *const *args, Py_ssize_t count)
{
    const struct layout *l = &front->layout;
    if (count != 5 || !PyList_CheckExact(args[1]) || !PyList_CheckExact(args[2]) ||
        PyList_GET_SIZE(args[1]) != PyList_GET_SIZE(args[2])) {
        PyErr_SetString(PyExc_TypeError, "pass_on(lsn, records, owners, rest, others)");
        return NULL;
    }
    Py_ssize_t pushed = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(args[1]); i++) {
        PyObject *record = PyList_GET_ITEM(args[1], i), *owner = PyList_GET_ITEM(args[2], i);
        PyObject *entry = Py_IS_TYPE(record, l->appended) ? slot(record, l->a_entry) : NULL;
        if (entry && Py_IS_TYPE(entry, l->entry) && Py_IS_TYPE(owner, l->resident)) {
            Py_ssize_t delivered = deliver(front, entry, owner);
            if (delivered == -1)
                PyErr_WriteUnraisable(front->delivery); /* durable is durable; a pull finds it again */
            if (delivered != -2) {
                pushed += delivered > 0 ? delivered : 0;
                if (note(front, args[0], entry, owner) || tell_others(args[4], record, owner))
                    return NULL;
                continue;
            }
        }
        PyObject *done = PyObject_CallFunctionObjArgs(args[3], args[0], record, owner, NULL);
        if (!done)
            return NULL;
        Py_DECREF(done);
    }
    if (add_pushed(front, pushed))
        return NULL;
    Py_RETURN_NONE;
}

/* --- what the index holds ------------------------------------------------------------------- */

/* Whether the oldest entry of a tail was durable by ``lsn``; -1 with an exception. */
static int is_old(PyObject *entries, PyObject *lsn)
{
    if (!PyObject_Size(entries))
        return 0;
    PyObject *first = PySequence_GetItem(entries, 0);
    int old = -1;
    if (first && PyTuple_Check(first) && PyTuple_GET_SIZE(first) == 2)
        old = PyTuple_GET_ITEM(first, 0) == lsn || PyObject_RichCompareBool(PyTuple_GET_ITEM(first, 0), lsn, Py_LE) == 1;
    Py_XDECREF(first);
    return old;
}

static int trim(Front *front, PyObject *owner, PyObject *lsn)
{
    const struct layout *l = &front->layout;
    PyObject *done;
    if (!Py_IS_TYPE(owner, l->resident) || PyObject_Size(slot(owner, l->r_changes))) {
        PyErr_Clear();
        done = PyObject_CallMethodOneArg(owner, name_projected, lsn);
        Py_XDECREF(done);
        return done ? 0 : -1;
    }
    int old;
    while ((old = is_old(slot(owner, l->r_entries), lsn)) == 1) {
        if (!(done = PyObject_CallMethodNoArgs(slot(owner, l->r_entries), name_popleft)))
            return -1;
        Py_DECREF(done);
    }
    return old;
}

static int forget_send(Front *front, PyObject *record, PyObject *outbox)
{
    const struct layout *l = &front->layout;
    PyObject *entry = Py_IS_TYPE(record, l->appended) ? slot(record, l->a_entry) : NULL;
    PyObject *recent = Py_IS_TYPE(outbox, l->outbox) ? slot(outbox, l->o_recent) : NULL;
    if (!entry || !recent || !PyDict_CheckExact(recent))
        return 0;
    PyObject *n = slot(entry, l->e_n);
    if (n && PyDict_DelItem(recent, n)) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError))
            return -1;
        PyErr_Clear();
    }
    return 0;
}

/* retire(group): the index holds the group, so tails and outboxes need not. */
PyObject *front_retire(Front *front, PyObject *group)
{
    const struct layout *l = &front->layout;
    if (!Py_IS_TYPE(group, l->group))
        return PyErr_Format(PyExc_TypeError, "not a group");
    PyObject *records = slot(group, l->g_records), *owners = slot(group, l->g_owners);
    PyObject *outboxes = slot(group, l->g_outboxes), *lsn = slot(group, l->g_lsn);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(owners); i++) {
        PyObject *owner = PyList_GET_ITEM(owners, i), *outbox = PyList_GET_ITEM(outboxes, i);
        if (owner != Py_None && trim(front, owner, lsn))
            return NULL;
        if (outbox != Py_None && forget_send(front, PyList_GET_ITEM(records, i), outbox))
            return NULL;
    }
    Py_RETURN_NONE;
}

/* --- replies -------------------------------------------------------------------------------- */

static int less_by_one(PyObject *object, Py_ssize_t offset)
{
    PyObject *number = slot(object, offset);
    int64_t small;
    if (number && small_number(number, &small)) {
        PyObject *less = PyLong_FromLongLong(small - 1);
        if (!less)
            return -1;
        set_slot(object, offset, less);
        return 0;
    }
    long before = number && PyLong_Check(number) ? PyLong_AsLong(number) : -1;
    PyObject *after = before == -1 && PyErr_Occurred() ? NULL : PyLong_FromLong(before - 1);
    if (!after)
        return -1;
    set_slot(object, offset, after);
    return 0;
}

PyObject *front_count_down(Front *front, PyObject *owners)
{
    if (!PyList_CheckExact(owners))
        return PyErr_Format(PyExc_TypeError, "owners must be a list");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(owners); i++) {
        PyObject *owner = PyList_GET_ITEM(owners, i);
        if (owner == Py_None)
            continue;
        if (Py_IS_TYPE(owner, front->layout.resident)) {
            if (less_by_one(owner, front->layout.r_in_flight))
                return NULL;
            continue;
        }
        PyObject *number = PyObject_GetAttr(owner, name_in_flight);
        PyObject *after = number ? PyLong_FromLong(PyLong_AsLong(number) - 1) : NULL;
        int failed = after && !PyErr_Occurred() ? PyObject_SetAttrString(owner, "in_flight", after) : -1;
        Py_XDECREF(number);
        Py_XDECREF(after);
        if (failed)
            return NULL;
    }
    Py_RETURN_NONE;
}

static int settle_one(Front *front, PyObject *session, PyObject *ack)
{
    return less_by_one(session, front->layout.s_in_flight) || queue_bytes(front, session, ack) ? -1 : 0;
}

/* settle(error, session, ack): what a waiter of ours is called as, when anybody else calls it. */
PyObject *front_settle(Front *front, PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !Py_IS_TYPE(args[1], front->layout.session) || !PyBytes_Check(args[2]))
        return PyErr_Format(PyExc_TypeError, "settle(error, session, ack)");
    if (args[0] != Py_None)
        return PyObject_CallMethod(args[1], "send_failed", "OO", args[0], args[2]);
    if (settle_one(front, args[1], args[2]))
        return NULL;
    Py_RETURN_NONE;
}

PyObject *front_tell(Front *front, PyObject *waiters)
{
    if (!PyList_CheckExact(waiters))
        return PyErr_Format(PyExc_TypeError, "waiters must be a list");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(waiters); i++) {
        PyObject *waiter = PyList_GET_ITEM(waiters, i);
        if (!PyTuple_CheckExact(waiter) || PyTuple_GET_SIZE(waiter) != 3)
            return PyErr_Format(PyExc_TypeError, "a waiter is a tuple of three");
        PyObject *callback = PyTuple_GET_ITEM(waiter, 0);
        PyObject *first = PyTuple_GET_ITEM(waiter, 1), *second = PyTuple_GET_ITEM(waiter, 2);
        if (callback == front->settle) {
            if (settle_one(front, first, second))
                PyErr_WriteUnraisable(callback);
            continue;
        }
        Py_INCREF(waiter);
        PyObject *done = PyObject_CallFunctionObjArgs(callback, Py_None, first, second, NULL);
        if (!done)
            PyErr_WriteUnraisable(callback); /* one that raises does not keep the others from hearing */
        Py_XDECREF(done);
        Py_DECREF(waiter);
    }
    Py_RETURN_NONE;
}

/* --- writing -------------------------------------------------------------------------------- */

static PyObject *gathered(Front *front, PyObject *out, struct span *data)
{
    Py_ssize_t count = PyList_GET_SIZE(out);
    if (count == 1 && PyBytes_Check(PyList_GET_ITEM(out, 0))) {
        PyObject *only = Py_NewRef(PyList_GET_ITEM(out, 0));
        *data = (struct span){(const uint8_t *)PyBytes_AS_STRING(only), (size_t)PyBytes_GET_SIZE(only)};
        return only;
    }
    size_t size = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *part = PyList_GET_ITEM(out, i);
        if (!PyBytes_Check(part) || size + (size_t)PyBytes_GET_SIZE(part) > sizeof front->gather) {
            PyObject *empty = PyBytes_FromStringAndSize(NULL, 0);
            PyObject *joined = empty ? PyObject_CallMethodOneArg(empty, name_join, out) : NULL;
            Py_XDECREF(empty);
            if (joined)
                *data = (struct span){(const uint8_t *)PyBytes_AS_STRING(joined), (size_t)PyBytes_GET_SIZE(joined)};
            return joined;
        }
        memcpy(front->gather + size, PyBytes_AS_STRING(part), (size_t)PyBytes_GET_SIZE(part));
        size += (size_t)PyBytes_GET_SIZE(part);
    }
    *data = (struct span){front->gather, size};
    return Py_NewRef(Py_None);
}

static int write_rest(PyObject *session, const uint8_t *data, size_t size)
{
    PyObject *rest = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *done = rest ? PyObject_CallMethodOneArg(session, name_write_rest, rest) : NULL;
    Py_XDECREF(rest);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int flush_one(Front *front, PyObject *session)
{
    const struct layout *l = &front->layout;
    PyObject *out = slot(session, l->s_out), *fd_number = slot(session, l->s_fd), *buffered = slot(session, l->s_buffered);
    if (!out || !PyList_CheckExact(out) || !fd_number || !buffered)
        return PyErr_SetString(PyExc_TypeError, "not a session"), -1;
    set_slot_new(session, l->s_dirty, Py_False);
    if (slot(session, l->s_closed) == Py_True || !PyList_GET_SIZE(out))
        return 0;
    struct span data;
    PyObject *kept = gathered(front, out, &data);
    if (!kept || PyList_SetSlice(out, 0, PyList_GET_SIZE(out), NULL)) {
        Py_XDECREF(kept);
        return -1;
    }
    PyObject *waiting = PyObject_CallNoArgs(buffered);
    long fd = PyLong_AsLong(fd_number);
    size_t sent = 0;
    if (waiting && PyLong_Check(waiting) && Py_SIZE(waiting) == 0 && fd >= 0) {
        ssize_t taken = send((int)fd, data.data, data.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent = taken > 0 ? (size_t)taken : 0; /* full, or broken: the transport finds out and says so */
    }
    int failed = !waiting || (fd == -1 && PyErr_Occurred()) ? -1 : 0;
    if (!failed && sent < data.size)
        failed = write_rest(session, data.data + sent, data.size - sent);
    Py_XDECREF(waiting);
    Py_DECREF(kept);
    return failed;
}

/* flush(dirty): returns the sessions that could not be written to, each with what was raised, or None. */
PyObject *front_flush(Front *front, PyObject *dirty)
{
    PyObject *broken = NULL;
    if (!PyList_CheckExact(dirty))
        return PyErr_Format(PyExc_TypeError, "dirty must be a list");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(dirty); i++) {
        PyObject *session = Py_NewRef(PyList_GET_ITEM(dirty, i));
        int failed;
        if (Py_IS_TYPE(session, front->layout.session)) {
            failed = flush_one(front, session);
        } else {
            PyObject *done = PyObject_CallMethodNoArgs(session, name_flush);
            failed = done ? 0 : -1;
            Py_XDECREF(done);
        }
        if (failed) {
            PyErr_WriteUnraisable(session);
            if (!broken)
                broken = PyList_New(0);
            if (!broken || PyList_Append(broken, session)) {
                Py_DECREF(session);
                Py_XDECREF(broken);
                return NULL;
            }
        }
        Py_DECREF(session);
    }
    return broken ? broken : Py_NewRef(Py_None);
}
