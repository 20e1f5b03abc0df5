/* The connections: one epoll for all of them, one callback of the event loop per batch.
 *
 * A plain text send is decided here (``decide.c``). Every other byte goes, unchanged and in order, to the full
 * WebSocket parser that would have had it without this module.
 */
#include "native.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* --- one connection ------------------------------------------------------------------------- */

static void conn_drop(Conn *conn)
{
    Front *front = conn->front;
    if (!front)
        return;
    conn->front = NULL;
    if (front->epoll_fd >= 0)
        epoll_ctl(front->epoll_fd, EPOLL_CTL_DEL, conn->fd, NULL); /* fails when it is closed: gone then anyway */
    PyMem_Free(conn->pending);
    conn->pending = NULL;
    conn->pending_size = 0;
    Py_CLEAR(conn->conversation_key);
    Py_CLEAR(conn->peer_key);
    Py_CLEAR(conn->resident);
    Py_CLEAR(conn->peer);
    /* The batch under way may still name it. */
    if (front->polling && PyList_Append(front->graveyard, (PyObject *)conn))
        PyErr_Clear(), Py_INCREF(conn);
    Py_CLEAR(conn->protocol);
    Py_CLEAR(conn->session);
    Py_DECREF(conn); /* the epoll's */
}

static PyObject *conn_drop_method(Conn *conn, PyObject *nothing)
{
    (void)nothing;
    conn_drop(conn);
    Py_RETURN_NONE;
}

static void conn_dealloc(Conn *conn)
{
    PyMem_Free(conn->pending);
    Py_XDECREF(conn->conversation_key);
    Py_XDECREF(conn->peer_key);
    Py_XDECREF(conn->resident);
    Py_XDECREF(conn->peer);
    Py_XDECREF(conn->protocol);
    Py_XDECREF(conn->session);
    PyObject_Free(conn);
}

static PyMethodDef conn_methods[] = {
    {"drop", (PyCFunction)conn_drop_method, METH_NOARGS, "Reads no more from it; may be called twice."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject ConnType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.edges.link.native._link.Conn",
    .tp_basicsize = sizeof(Conn),
    .tp_dealloc = (destructor)conn_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_methods = conn_methods,
};

/* --- bytes ---------------------------------------------------------------------------------- */

/* Give bytes to the full parser; false when the connection ended meanwhile. */
static bool feed(Front *front, Conn *conn, const uint8_t *data, size_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *alive = bytes ? PyObject_CallFunctionObjArgs(front->feed, conn->protocol, bytes, NULL) : NULL;
    Py_XDECREF(bytes);
    bool goes_on = alive == Py_True;
    if (!alive)
        PyErr_WriteUnraisable(front->feed);
    Py_XDECREF(alive);
    if (!goes_on)
        conn_drop(conn);
    return conn->front != NULL;
}

static bool keep(Conn *conn, const uint8_t *data, size_t size)
{
    uint8_t *place = PyMem_Realloc(conn->pending, size ? size : 1);
    if (!place)
        return false;
    memcpy(place, data, size);
    conn->pending = place;
    conn->pending_size = (uint32_t)size;
    return true;
}

static void forget_pending(Conn *conn)
{
    PyMem_Free(conn->pending);
    conn->pending = NULL;
    conn->pending_size = 0;
}

/* True when the frame was a plain send and is decided. */
static bool decided(Front *front, Conn *conn, const struct ws_frame *frame, const uint8_t *data)
{
    struct send_request request;
    if ((Py_ssize_t)frame->payload_size > front->max_frame_bytes)
        return false;
    ws_unmask(frame, data, front->plain);
    if (!parse_send(front->plain, frame->payload_size, &request))
        return false;
    PyObject *session = conn->session;
    if (decide_send(front, conn, &request) != 1)
        return false;
    set_slot_new(session, front->layout.s_heard, front->heard);
    set_slot_new(session, front->layout.s_pinged, Py_False);
    return true;
}

/* Work through received bytes. Those for the full parser are given to it in one piece, before the next decision. */
static void take(Front *front, Conn *conn, const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *end = data + size, *unfed = data;
    if (conn->pass_all) {
        feed(front, conn, data, size);
        return;
    }
    if (conn->pass) {
        size_t passed = conn->pass < size ? (size_t)conn->pass : size;
        conn->pass -= passed;
        at += passed;
    }
    while (at < end) {
        struct ws_frame frame;
        size_t left = (size_t)(end - at);
        enum ws_verdict verdict = ws_look(at, left, &frame);
        if (verdict == WS_INCOMPLETE) {
            if (at > unfed && !feed(front, conn, unfed, (size_t)(at - unfed)))
                return;
            unfed = end;
            if (!keep(conn, at, left)) {
                conn->pass_all = true;
                feed(front, conn, at, left);
            }
            return;
        }
        if (verdict == WS_STRANGE) {
            conn->pass_all = true;
            break;
        }
        if (verdict == WS_MESSAGE) {
            if (at > unfed && !feed(front, conn, unfed, (size_t)(at - unfed)))
                return;
            unfed = at;
            if (decided(front, conn, &frame, at))
                unfed = at + frame.size;
        }
        if (frame.size > left) {
            conn->pass = frame.size - left;
            break;
        }
        at += frame.size;
    }
    if (unfed < end)
        feed(front, conn, unfed, (size_t)(end - unfed));
}

static void end(Front *front, Conn *conn, int error_number)
{
    PyObject *done = PyObject_CallFunction(front->lost, "Oi", conn->protocol, error_number);
    if (!done)
        PyErr_WriteUnraisable(front->lost);
    Py_XDECREF(done);
    conn_drop(conn);
}

static void arm(Front *front, Conn *conn, int how)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = conn};
    if (epoll_ctl(front->epoll_fd, how, conn->fd, &event))
        PyErr_SetFromErrno(PyExc_OSError);
}

/* Edges, not levels, are reported, which spares the kernel a second look at each socket: so read until there is no more.
 * Fewer bytes than there was room for are the last, unless the end is behind them.
 */
static void receive(Front *front, Conn *conn, uint32_t events)
{
    bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        size_t before = conn->pending_size;
        if (before)
            memcpy(front->buffer, conn->pending, before);
        size_t room = sizeof front->buffer - before;
        ssize_t got = recv(conn->fd, front->buffer + before, room, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            end(front, conn, got < 0 ? errno : 0);
            return;
        }
        if (before)
            forget_pending(conn);
        take(front, conn, front->buffer, before + (size_t)got);
        if (!conn->front || ((size_t)got < room && !ending))
            return;
    }
    arm(front, conn, EPOLL_CTL_MOD); /* the others have their turn, then this one is reported again */
    PyErr_Clear();
}

/* --- the front ------------------------------------------------------------------------------ */

static bool number_at(PyObject *object, const char *name, Py_ssize_t *number)
{
    PyObject *found = PyObject_GetAttrString(object, name);
    *number = found ? PyLong_AsSsize_t(found) : -1;
    Py_XDECREF(found);
    return !PyErr_Occurred();
}

/* What may change between two batches (configuration, a failed journal). */
static bool read_limits(Front *front)
{
    PyObject *limits = PyObject_GetAttrString(front->deps, "limits");
    PyObject *rate = limits ? PyObject_GetAttrString(limits, "rate") : NULL;
    PyObject *per_s = rate ? PyObject_GetAttrString(rate, "per_s") : NULL;
    PyObject *failure = PyObject_GetAttrString(front->commits, "failure");
    PyObject *behind = PyObject_GetAttrString(front->engine, "index_behind");
    PyObject *strained = PyObject_GetAttrString(front->engine, "index_strain_pct");
    bool good = per_s && failure && behind && strained && number_at(limits, "window", &front->window) &&
                number_at(limits, "max_frame_bytes", &front->max_frame_bytes) &&
                number_at(front->commits, "capacity", &front->capacity);
    if (good) {
        front->rate_limited = PyObject_IsTrue(per_s) != 0;
        front->room = failure == Py_None && behind == Py_False;
        front->strain_pct = PyLong_AsLong(strained);
        front->now_ms = 0;
        Py_XSETREF(front->heard, PyObject_GetAttr(front->hub, name_monotonic_s));
        good = front->heard != NULL;
    }
    Py_XDECREF(strained);
    Py_XDECREF(limits);
    Py_XDECREF(rate);
    Py_XDECREF(per_s);
    Py_XDECREF(failure);
    Py_XDECREF(behind);
    return good;
}

static int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* Leave the core to whoever fills the index, for a multiple of the time that this batch took: who sends more than the
 * index can follow is slowed to its pace, and nobody has to be refused. Sleeping, however shortly, also lets a thread
 * have the GIL for a whole switch interval. */
static void leave_core(Front *front, int64_t begun_us)
{
    if (front->strain_pct <= 0)
        return;
    int64_t strain = front->strain_pct * front->strain_pct;
    int64_t leave_us = 20 + (monotonic_us() - begun_us) * MAX_YIELD_TIMES * strain / 10000;
    Py_BEGIN_ALLOW_THREADS
    usleep((unsigned)(leave_us < MAX_YIELD_US ? leave_us : MAX_YIELD_US));
    Py_END_ALLOW_THREADS
}

static bool watch(Front *front, int how, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return !epoll_ctl(front->loop_fd, how, fd, &event);
}

/* While very many send, the loop is woken by a clock and not by each of them: a turn costs as much for one message as for
 * thirty, and who waits for the next waits less than turns for each would take. As network cards do with interrupts. */
static void gather(Front *front, bool begin)
{
    static const struct itimerspec on = {{0, GATHER_NS}, {0, GATHER_NS}}, off = {{0, 0}, {0, 0}};
    if (begin == front->gathering || front->timer_fd < 0)
        return;
    if (timerfd_settime(front->timer_fd, 0, begin ? &on : &off, NULL))
        return;
    if (begin && watch(front, EPOLL_CTL_ADD, front->timer_fd)) {
        watch(front, EPOLL_CTL_DEL, front->epoll_fd);
        front->gathering = true;
    } else if (!begin && watch(front, EPOLL_CTL_ADD, front->epoll_fd)) {
        watch(front, EPOLL_CTL_DEL, front->timer_fd);
        front->gathering = false;
    }
}

/* A turn that found its fill leaves more to be read at once; one that found nothing may be the last for a while. */
static void after_turn(Front *front, int ready)
{
    int64_t now_us = monotonic_us(), passed_us = now_us - front->counted_us;
    if (passed_us >= COUNT_US) {
        front->busy = (int64_t)(front->sent - front->counted) * 1000000 > BUSY_PER_S * passed_us;
        front->counted = front->sent;
        front->counted_us = now_us;
    }
    gather(front, front->busy && ready < BATCH_EVENTS);
}

static PyObject *front_poll(Front *front, PyObject *nothing)
{
    (void)nothing;
    int64_t begun_us = monotonic_us();
    struct epoll_event events[BATCH_EVENTS];
    if (front->epoll_fd < 0 || front->polling)
        Py_RETURN_NONE;
    uint64_t passed;
    if (front->gathering && read(front->timer_fd, &passed, sizeof passed) < 0)
        passed = 0; /* woken for nothing */
    int ready = epoll_wait(front->epoll_fd, events, BATCH_EVENTS, 0);
    if (ready <= 0) {
        after_turn(front, 0);
        Py_RETURN_NONE;
    }
    if (!read_limits(front))
        return NULL;
    uint64_t before = front->sent;
    front->polling = true;
    for (int i = 0; i < ready; i++) {
        Conn *conn = events[i].data.ptr;
        if (!conn->front)
            continue;
        Py_INCREF(conn);
        receive(front, conn, events[i].events);
        Py_DECREF(conn);
    }
    front->polling = false;
    after_turn(front, ready);
    Py_CLEAR(front->group);
    if (PyList_GET_SIZE(front->graveyard))
        PyList_SetSlice(front->graveyard, 0, PyList_GET_SIZE(front->graveyard), NULL);
    leave_core(front, begun_us);
    if (front->sent != before)
        return PyObject_CallMethodNoArgs(front->commits, name_wake);
    Py_RETURN_NONE;
}

static PyObject *front_adopt(Front *front, PyObject *args)
{
    int fd;
    PyObject *session, *protocol;
    if (!PyArg_ParseTuple(args, "iO!O", &fd, front->layout.session, &session, &protocol))
        return NULL;
    Conn *conn = PyObject_New(Conn, &ConnType);
    if (!conn)
        return NULL;
    memset((char *)conn + sizeof(PyObject), 0, sizeof *conn - sizeof(PyObject));
    conn->fd = fd;
    arm(front, conn, EPOLL_CTL_ADD);
    if (PyErr_Occurred()) {
        Py_DECREF(conn);
        return NULL;
    }
    conn->front = front;
    conn->session = Py_NewRef(session);
    conn->protocol = Py_NewRef(protocol);
    return Py_NewRef((PyObject *)conn); /* the first reference is the epoll's */
}

static PyObject *front_fileno(Front *front, PyObject *nothing)
{
    (void)nothing;
    return PyLong_FromLong(front->loop_fd);
}

static void close_all(Front *front)
{
    int *all[] = {&front->loop_fd, &front->timer_fd, &front->epoll_fd};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i] >= 0)
            close(*all[i]);
        *all[i] = -1;
    }
}

static PyObject *front_close(Front *front, PyObject *nothing)
{
    (void)nothing;
    close_all(front);
    Py_RETURN_NONE;
}

static PyObject *front_sent(Front *front, void *nothing)
{
    (void)nothing;
    return PyLong_FromUnsignedLongLong(front->sent);
}

static PyMethodDef settle_method = {"settle", (PyCFunction)(void (*)(void))front_settle, METH_FASTCALL, NULL};

static PyObject *front_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"types", "deps",  "engine", "hub",      "delivery", "direct_id",
                            "feed",  "lost",  "codec",  "outgoing", "text",     "encode_record", NULL};
    PyObject *types, *deps, *engine, *hub, *delivery, *direct_id, *feed_to, *lost, *codec, *outgoing, *text, *encode;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "$OOOOOOOOOOUO", names, &types, &deps, &engine, &hub, &delivery,
                                     &direct_id, &feed_to, &lost, &codec, &outgoing, &text, &encode))
        return NULL;
    Front *front = (Front *)type->tp_alloc(type, 0);
    if (!front)
        return NULL;
    front->epoll_fd = front->loop_fd = front->timer_fd = -1;
    front->deps = Py_NewRef(deps);
    front->engine = Py_NewRef(engine);
    front->hub = Py_NewRef(hub);
    front->delivery = Py_NewRef(delivery);
    front->direct_id = Py_NewRef(direct_id);
    front->feed = Py_NewRef(feed_to);
    front->lost = Py_NewRef(lost);
    front->codec = Py_NewRef(codec);
    front->outgoing = Py_NewRef(outgoing);
    front->text = Py_NewRef(text);
    front->encode_record = Py_NewRef(encode);
    front->online_key = PyTuple_New(2);
    front->graveyard = PyList_New(0);
    front->commits = PyObject_GetAttrString(engine, "commits");
    front->clock = PyObject_GetAttrString(engine, "clock");
    front->online = PyObject_GetAttrString(hub, "online");
    PyObject *residents = PyObject_GetAttrString(engine, "residents");
    front->conversations = residents ? PyObject_GetAttrString(residents, "conversations") : NULL;
    front->parties = residents ? PyObject_GetAttrString(residents, "parties") : NULL;
    Py_XDECREF(residents);
    front->settle = PyCFunction_New(&settle_method, (PyObject *)front);
    bool good = front->graveyard && front->online_key && front->commits && front->clock && front->online && front->conversations &&
                front->parties && front->settle && layout_read(&front->layout, types) == 0;
    if (good && !(PyDict_CheckExact(front->conversations) && PyDict_CheckExact(front->parties) &&
                  PyDict_CheckExact(front->online))) {
        PyErr_SetString(PyExc_TypeError, "the residents and the hub must keep dicts");
        good = false;
    }
    if (good && ((front->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
                 (front->loop_fd = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
                 (front->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) < 0 ||
                 !watch(front, EPOLL_CTL_ADD, front->epoll_fd))) {
        PyErr_SetFromErrno(PyExc_OSError);
        good = false;
    }
    if (!good)
        Py_CLEAR(front);
    return (PyObject *)front;
}

static int front_traverse(Front *front, visitproc visit, void *arg)
{
    Py_VISIT(front->deps);
    Py_VISIT(front->engine);
    Py_VISIT(front->hub);
    Py_VISIT(front->delivery);
    Py_VISIT(front->settle);
    Py_VISIT(front->commits);
    return 0;
}

static int front_clear(Front *front)
{
    Py_CLEAR(front->deps);
    Py_CLEAR(front->engine);
    Py_CLEAR(front->hub);
    Py_CLEAR(front->delivery);
    Py_CLEAR(front->settle);
    Py_CLEAR(front->commits);
    return 0;
}

static void front_dealloc(Front *front)
{
    PyObject_GC_UnTrack(front);
    close_all(front);
    front_clear(front);
    Py_CLEAR(front->direct_id);
    Py_CLEAR(front->feed);
    Py_CLEAR(front->lost);
    Py_CLEAR(front->codec);
    Py_CLEAR(front->outgoing);
    Py_CLEAR(front->text);
    Py_CLEAR(front->encode_record);
    Py_CLEAR(front->online_key);
    Py_CLEAR(front->heard);
    Py_CLEAR(front->group);
    Py_CLEAR(front->graveyard);
    Py_CLEAR(front->clock);
    Py_CLEAR(front->online);
    Py_CLEAR(front->conversations);
    Py_CLEAR(front->parties);
    layout_clear(&front->layout);
    Py_TYPE(front)->tp_free(front);
}

/* For tests: the push of a plain entry, or None. */
static PyObject *front_push_frame(Front *front, PyObject *args)
{
    PyObject *state, *entry;
    if (!PyArg_ParseTuple(args, "O!O!", front->layout.conversation, &state, front->layout.entry, &entry))
        return NULL;
    PyObject *made = encode_push(&front->layout, state, entry);
    return made || PyErr_Occurred() ? made : Py_NewRef(Py_None);
}

static PyMethodDef front_methods[] = {
    {"push_frame", (PyCFunction)front_push_frame, METH_VARARGS, "push_frame(state, entry): for tests."},
    {"adopt", (PyCFunction)front_adopt, METH_VARARGS, "adopt(fd, session, protocol) -> Conn: read from a socket."},
    {"poll", (PyCFunction)front_poll, METH_NOARGS, "Take what the sockets have; the loop calls it when fileno() is readable."},
    {"fileno", (PyCFunction)front_fileno, METH_NOARGS, "What the loop has to watch."},
    {"close", (PyCFunction)front_close, METH_NOARGS, "Read nothing any more."},
    {"pass_on", (PyCFunction)(void (*)(void))front_pass_on, METH_FASTCALL, "pass_on(lsn, records, owners, rest)"},
    {"count_down", (PyCFunction)front_count_down, METH_O, "count_down(owners)"},
    {"retire", (PyCFunction)front_retire, METH_O, "retire(group)"},
    {"tell", (PyCFunction)front_tell, METH_O, "tell(waiters)"},
    {"encode_group", (PyCFunction)(void (*)(void))front_encode_group, METH_O, "encode_group(records) -> the journal's payload"},
    {"flush", (PyCFunction)front_flush, METH_O, "flush(dirty) -> sessions that could not be written to, or None"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef front_getset[] = {
    {"sent", (getter)front_sent, NULL, "Sends decided here.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject FrontType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "trunkline.edges.link.native._link.Front",
    .tp_basicsize = sizeof(Front),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = front_new,
    .tp_dealloc = (destructor)front_dealloc,
    .tp_traverse = (traverseproc)front_traverse,
    .tp_clear = (inquiry)front_clear,
    .tp_methods = front_methods,
    .tp_getset = front_getset,
};
