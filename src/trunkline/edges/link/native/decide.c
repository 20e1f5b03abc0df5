/* Appending a plain text send of a loaded direct conversation, on the very objects Python decides on.
 *
 * The twin is ``Sender.send_now`` with ``Engine.append_entry``. All that can fail is done before the first change, so
 * "Python has to decide" always finds everything as it was.
 */
#include "native.h"

#include <string.h>

static bool is_true(PyObject *object)
{
    return object == Py_True;
}

static bool is_false(PyObject *object)
{
    return object == Py_False;
}

/* A non-negative int; false when it is anything else. */
static bool number_of(PyObject *object, int64_t *number)
{
    if (!object || !PyLong_Check(object))
        return false;
    if (small_number(object, number))
        return true;
    int overflow;
    *number = PyLong_AsLongLongAndOverflow(object, &overflow);
    return !overflow && *number >= 0;
}

static bool same_name(const Conn *conn, const struct send_request *request)
{
    return conn->conversation_key && conn->last_has_to == request->has_to && conn->last_size == request->name.size &&
           memcmp(conn->last_name, request->name.data, request->name.size) == 0;
}

static PyObject *peer_in(Front *front, PyObject *conversation_key, PyObject *own)
{
    PyObject *resident = PyDict_GetItemWithError(front->conversations, conversation_key);
    if (!resident || !Py_IS_TYPE(resident, front->layout.resident))
        return NULL;
    PyObject *state = slot(resident, front->layout.r_state);
    if (!state || !Py_IS_TYPE(state, front->layout.conversation))
        return NULL;
    PyObject *kind = slot(state, front->layout.c_kind), *members = slot(state, front->layout.c_members);
    if (!kind || !PyUnicode_Check(kind) || PyUnicode_CompareWithASCIIString(kind, "direct") || !members ||
        !PyDict_CheckExact(members))
        return NULL;
    PyObject *party;
    Py_ssize_t at = 0;
    while (PyDict_Next(members, &at, &party, NULL))
        if (PyUnicode_Check(party) && PyUnicode_Compare(party, own))
            return Py_NewRef(party);
    return NULL;
}

/* Remember which conversation and peer a name means; false when only Python can tell. */
static bool look_up_name(Front *front, Conn *conn, const struct send_request *request)
{
    PyObject *app = slot(conn->session, front->layout.s_app), *own = slot(conn->session, front->layout.s_party);
    PyObject *name = PyUnicode_DecodeASCII((const char *)request->name.data, (Py_ssize_t)request->name.size, "strict");
    PyObject *id = NULL, *peer = NULL, *key = NULL, *peer_key = NULL;
    if (name && app && own) {
        id = request->has_to ? PyObject_CallFunctionObjArgs(front->direct_id, own, name, NULL) : Py_NewRef(name);
        key = id ? PyTuple_Pack(2, app, id) : NULL;
        if (key)
            peer = request->has_to ? Py_NewRef(name) : peer_in(front, key, own);
        peer_key = peer ? PyTuple_Pack(2, app, peer) : NULL;
    }
    PyErr_Clear(); /* Python says the same, and then it is told to the client */
    Py_XDECREF(name);
    Py_XDECREF(id);
    Py_XDECREF(peer);
    if (!peer_key) {
        Py_XDECREF(key);
        return false;
    }
    Py_XSETREF(conn->conversation_key, key);
    Py_XSETREF(conn->peer_key, peer_key);
    Py_CLEAR(conn->resident);
    Py_CLEAR(conn->peer);
    conn->last_has_to = request->has_to;
    conn->last_size = (uint8_t)request->name.size;
    memcpy(conn->last_name, request->name.data, request->name.size);
    return true;
}

struct decision {
    PyObject *session, *resident, *state, *member, *outbox, *group; /* borrowed */
    int64_t in_flight, head, count, own, at_ms, resident_in_flight;
};

static bool session_may(Front *front, struct decision *d)
{
    const struct layout *l = &front->layout;
    return is_true(slot(d->session, l->s_greeted)) && is_false(slot(d->session, l->s_closed)) &&
           is_false(slot(d->session, l->s_asks)) &&
           slot(d->session, l->s_backlog) == Py_None && slot(d->session, l->s_fragments) == Py_None &&
           number_of(slot(d->session, l->s_in_flight), &d->in_flight) && d->in_flight < front->window;
}

static bool find_state(Front *front, Conn *conn, struct decision *d)
{
    const struct layout *l = &front->layout;
    if (!conn->resident || slot(conn->resident, l->r_state) == Py_None) {
        PyObject *found = PyDict_GetItemWithError(front->conversations, conn->conversation_key);
        if (!found || !Py_IS_TYPE(found, l->resident))
            return false;
        Py_XSETREF(conn->resident, Py_NewRef(found));
    }
    d->resident = conn->resident;
    d->state = slot(d->resident, l->r_state);
    if (!d->state || !Py_IS_TYPE(d->state, l->conversation) || !is_false(slot(d->state, l->c_dismissed)) ||
        !is_false(slot(d->state, l->c_large)))
        return false;
    PyObject *kind = slot(d->state, l->c_kind), *settings = slot(d->state, l->c_settings);
    PyObject *members = slot(d->state, l->c_members), *own = slot(d->session, l->s_party);
    if (!kind || !PyUnicode_Check(kind) || PyUnicode_CompareWithASCIIString(kind, "direct") || !settings ||
        !PyDict_CheckExact(settings) || PyDict_GET_SIZE(settings) || !members || !PyDict_CheckExact(members) || !own)
        return false;
    d->member = PyDict_GetItemWithError(members, own);
    int64_t left, muted;
    return d->member && Py_IS_TYPE(d->member, l->member) && number_of(slot(d->member, l->m_left_seq), &left) && !left &&
           number_of(slot(d->member, l->m_muted), &muted) && !muted && number_of(slot(d->member, l->m_own), &d->own) &&
           number_of(slot(d->state, l->c_head), &d->head) && d->head &&
           number_of(slot(d->state, l->c_count), &d->count) && number_of(slot(d->state, l->c_at_ms), &d->at_ms) &&
           number_of(slot(d->resident, l->r_in_flight), &d->resident_in_flight);
}

static bool peer_allows(Front *front, Conn *conn)
{
    if (!conn->peer || slot(conn->peer, front->layout.rp_state) == Py_None) {
        PyObject *found = PyDict_GetItemWithError(front->parties, conn->peer_key);
        if (!found || (PyObject *)Py_TYPE(found) != front->layout.resident_party)
            return false;
        Py_XSETREF(conn->peer, Py_NewRef(found));
    }
    PyObject *party = slot(conn->peer, front->layout.rp_state);
    if (!party || !Py_IS_TYPE(party, front->layout.party))
        return false;
    PyObject *blocked = slot(party, front->layout.p_blocked);
    return blocked && PyFrozenSet_CheckExact(blocked) && PySet_GET_SIZE(blocked) == 0;
}

static bool outbox_takes(Front *front, const struct send_request *request, struct decision *d)
{
    const struct layout *l = &front->layout;
    if (!request->n)
        return !request->after && (d->outbox = NULL, true);
    d->outbox = slot(d->session, l->s_outbox);
    int64_t highest;
    if (!d->outbox || !Py_IS_TYPE(d->outbox, l->outbox) || !number_of(slot(d->outbox, l->o_highest), &highest) ||
        (int64_t)request->n <= highest)
        return false;
    PyObject *recent = slot(d->outbox, l->o_recent);
    if (!recent || !PyDict_CheckExact(recent))
        return false;
    if (!request->after)
        return true;
    PyObject *after = PyLong_FromUnsignedLongLong(request->after);
    bool known = after && PyDict_Contains(recent, after) == 1;
    Py_XDECREF(after);
    return known;
}

/* The pending group, with room in it; borrowed, because nothing swaps it while a batch is decided. */
static bool find_group(Front *front, struct decision *d)
{
    const struct layout *l = &front->layout;
    if (!front->group && !(front->group = PyObject_GetAttr(front->commits, name__pending)))
        return false;
    PyObject *group = d->group = front->group;
    bool good = Py_IS_TYPE(group, l->group);
    if (good) {
        PyObject *lists[] = {slot(group, l->g_records), slot(group, l->g_owners), slot(group, l->g_outboxes),
                             slot(group, l->g_waiters)};
        for (int i = 0; i < 4; i++)
            good = good && lists[i] && PyList_CheckExact(lists[i]);
        good = good && PyList_GET_SIZE(lists[0]) < front->capacity;
    }
    return good;
}

struct made {
    PyObject *seq, *at_ms, *count, *own, *n, *content, *entry, *record, *ack, *waiter, *in_flight, *waiting;
};

static void drop_made(struct made *m)
{
    PyObject **all = (PyObject **)m;
    for (size_t i = 0; i < sizeof *m / sizeof *all; i++)
        Py_XDECREF(all[i]);
}

static bool make_entry(Front *front, const struct send_request *request, struct decision *d, struct made *m)
{
    const struct layout *l = &front->layout;
    PyObject *zero = PyLong_FromLong(0), *empty = PyUnicode_New(0, 0), *nobody = PyTuple_New(0);
    m->seq = PyLong_FromLongLong(d->head + 1);
    m->at_ms = front->now_ms > d->at_ms ? PyLong_FromLongLong(front->now_ms) : Py_NewRef(slot(d->state, l->c_at_ms));
    m->count = PyLong_FromLongLong(d->count + 1);
    m->own = PyLong_FromLongLong(d->own + 1);
    m->n = PyLong_FromUnsignedLongLong(request->n);
    m->content = PyBytes_FromStringAndSize((const char *)request->content.data, (Py_ssize_t)request->content.size);
    if (zero && empty && nobody && m->seq && m->at_ms && m->count && m->own && m->n && m->content) {
        PyObject *fields[] = {m->seq,
                              m->at_ms,
                              slot(d->session, l->s_party),
                              front->text,
                              m->content,
                              m->count,
                              m->own,
                              d->outbox ? slot(d->outbox, l->o_id) : empty,
                              m->n,
                              zero,
                              zero,
                              nobody,
                              zero};
        m->entry = PyObject_Vectorcall((PyObject *)l->entry, fields, 13, NULL);
    }
    Py_XDECREF(zero);
    Py_XDECREF(empty);
    Py_XDECREF(nobody);
    return m->entry != NULL;
}

static bool make_rest(Front *front, const struct send_request *request, struct decision *d, struct made *m)
{
    const struct layout *l = &front->layout;
    PyObject *id = slot(d->resident, l->r_id);
    PyObject *record[] = {slot(d->resident, l->r_app), id, m->entry};
    m->record = PyObject_Vectorcall((PyObject *)l->appended, record, 3, NULL);
    m->in_flight = PyLong_FromLongLong(d->in_flight + 1);
    m->waiting = PyLong_FromLongLong(d->resident_in_flight + 1);
    int64_t epoch;
    if (!m->record || !m->in_flight || !m->waiting || !number_of(slot(d->state, l->c_epoch), &epoch))
        return false;
    int64_t at_ms = front->now_ms > d->at_ms ? front->now_ms : d->at_ms;
    m->ack = encode_ack(request->id, slot(d->state, l->c_id), (uint64_t)epoch, (uint64_t)(d->head + 1), (uint64_t)at_ms);
    m->waiter = m->ack ? PyTuple_Pack(3, front->settle, d->session, m->ack) : NULL;
    if (!m->waiter)
        return false;
    PyObject_GC_UnTrack(m->waiter); /* it lives until the commit ends: the collector need not look at it */
    return true;
}

/* The group's lists stay as long as one another, whatever fails. */
static bool queue_up(Front *front, struct decision *d, struct made *m)
{
    const struct layout *l = &front->layout;
    PyObject *lists[] = {slot(d->group, l->g_records), slot(d->group, l->g_owners), slot(d->group, l->g_outboxes),
                         slot(d->group, l->g_waiters)};
    PyObject *items[] = {m->record, d->resident, d->outbox ? d->outbox : Py_None, m->waiter};
    for (int i = 0; i < 4; i++) {
        if (PyList_Append(lists[i], items[i]) == 0)
            continue;
        while (i-- > 0)
            PyList_SetSlice(lists[i], PyList_GET_SIZE(lists[i]) - 1, PyList_GET_SIZE(lists[i]), NULL);
        return false;
    }
    return true;
}

static void apply(Front *front, struct decision *d, struct made *m)
{
    const struct layout *l = &front->layout;
    set_slot_new(d->state, l->c_head, m->seq);
    set_slot_new(d->state, l->c_at_ms, m->at_ms);
    set_slot_new(d->state, l->c_count, m->count);
    set_slot_new(d->state, l->c_active_at_ms, m->at_ms);
    set_slot_new(d->member, l->m_own, m->own);
    set_slot_new(d->resident, l->r_in_flight, m->waiting);
    set_slot_new(d->session, l->s_in_flight, m->in_flight);
    if (d->outbox)
        set_slot_new(d->outbox, l->o_highest, m->n);
}

static bool ask_time(Front *front)
{
    if (front->now_ms)
        return true;
    PyObject *now = PyObject_CallMethodNoArgs(front->clock, name_now_ms);
    bool good = now && number_of(now, &front->now_ms) && front->now_ms;
    Py_XDECREF(now);
    return good;
}

/* 1, 0 when the session refused the request, -1 when that failed. */
static int rate_allows(struct decision *d, uint64_t request_id)
{
    PyObject *id = PyLong_FromUnsignedLongLong(request_id);
    PyObject *allowed = id ? PyObject_CallMethodOneArg(d->session, name_rate_allows, id) : NULL;
    int verdict = allowed == Py_True ? 1 : allowed == Py_False ? 0 : -1;
    Py_XDECREF(id);
    Py_XDECREF(allowed);
    PyErr_Clear();
    return verdict;
}

int decide_send(Front *front, Conn *conn, const struct send_request *request)
{
    struct decision d = {.session = conn->session};
    if (!front->room || !session_may(front, &d))
        return 0;
    if (!same_name(conn, request) && !look_up_name(front, conn, request))
        return 0;
    if (!find_state(front, conn, &d) || !peer_allows(front, conn) || !outbox_takes(front, request, &d) ||
        !find_group(front, &d) || !ask_time(front)) {
        PyErr_Clear();
        return 0;
    }
    int allowed = front->rate_limited ? rate_allows(&d, request->id) : 1;
    if (allowed < 1)
        return allowed == 0; /* refused, and the client is told; or Python finds out what is wrong */
    struct made m = {0};
    bool good = make_entry(front, request, &d, &m) && make_rest(front, request, &d, &m);
    if (good && d.outbox) /* first, as the one that can still fail; undone if the queue fails */
        good = PyDict_SetItem(slot(d.outbox, front->layout.o_recent), m.n, m.record) == 0;
    if (good && !queue_up(front, &d, &m)) {
        good = false;
        PyErr_Clear();
        if (d.outbox)
            PyDict_DelItem(slot(d.outbox, front->layout.o_recent), m.n);
    }
    if (good)
        apply(front, &d, &m);
    else
        PyErr_Clear();
    drop_made(&m);
    front->sent += good;
    return good;
}
