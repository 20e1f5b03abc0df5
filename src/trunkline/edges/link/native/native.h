/* The native link path: what its files share. See docs/decisions/0010-native-link.md.
 *
 * Everything runs with the GIL held, on the event loop's thread (the encoding of groups: on the journal's). There is no state
 * here that Python does not have:
 * conversations, outboxes, groups and sessions are the Python objects, changed in place.
 */
#ifndef TRUNKLINE_NATIVE_H
#define TRUNKLINE_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* --- request.c: bytes in, no Python objects ------------------------------------------------- */

enum { FRAME_HEADER_MAX = 14, FAST_FRAME_MAX = 8192, NAME_MAX_BYTES = 128 };

enum ws_verdict { WS_INCOMPLETE, WS_MESSAGE, WS_OTHER, WS_STRANGE };

struct ws_frame {
    size_t size;        /* header and payload */
    size_t header_size;
    size_t payload_size;
    uint8_t mask[4];
};

/* What begins at ``data``: a whole masked final binary message, another sound client frame (``size`` is known,
 * it may be incomplete), something only the full parser can judge, or too few bytes to tell. */
enum ws_verdict ws_look(const uint8_t *data, size_t size, struct ws_frame *frame);
void ws_unmask(const struct ws_frame *frame, const uint8_t *data, uint8_t *out);

struct span {
    const uint8_t *data;
    size_t size;
};

struct send_request {
    uint64_t id, n, after;
    bool has_to;
    struct span name;    /* of the party (has_to) or of the conversation */
    struct span content; /* MessagePack, a map of exactly one text */
};

/* True for a plain text send; false for anything else, sound or not: the Python path then decides. */
bool parse_send(const uint8_t *data, size_t size, struct send_request *request);

/* --- layout.c: where the attributes of slotted classes are ---------------------------------- */

struct layout {
    PyTypeObject *session, *conversation, *member, *outbox, *resident, *party, *entry, *appended, *group;
    PyObject *resident_party;
    Py_ssize_t s_out, s_dirty, s_closed, s_lagging, s_in_flight, s_backlog, s_fragments, s_asks, s_fd, s_codec, s_outbox,
        s_heard, s_pinged, s_greeted, s_party, s_app, s_buffered;
    Py_ssize_t c_id, c_epoch, c_head, c_at_ms, c_count, c_active_at_ms, c_kind, c_members, c_large, c_dismissed,
        c_settings;
    Py_ssize_t m_own, m_left_seq, m_muted, m_joined_seq;
    Py_ssize_t o_highest, o_id, o_recent;
    Py_ssize_t r_state, r_id, r_app, r_in_flight, r_entries, r_committed, r_changes;
    Py_ssize_t rp_state;
    Py_ssize_t p_blocked;
    Py_ssize_t e_seq, e_at_ms, e_sender, e_type, e_content, e_count, e_own, e_outbox, e_n, e_target, e_reply_to,
        e_mentions, e_expires, e_thread;
    Py_ssize_t a_app, a_conversation, a_entry;
    Py_ssize_t g_records, g_owners, g_outboxes, g_waiters, g_lsn;
};

/* Reads the classes from ``types`` (a mapping by name); -1 with an exception when one is not as expected. */
int layout_read(struct layout *layout, PyObject *types);
void layout_clear(struct layout *layout);

static inline PyObject *slot(PyObject *object, Py_ssize_t offset) /* borrowed; NULL when unset */
{
    return *(PyObject **)((char *)object + offset);
}

static inline void set_slot(PyObject *object, Py_ssize_t offset, PyObject *value) /* steals value */
{
    PyObject **place = (PyObject **)((char *)object + offset);
    PyObject *before = *place;
    *place = value;
    Py_XDECREF(before);
}

static inline void set_slot_new(PyObject *object, Py_ssize_t offset, PyObject *value)
{
    set_slot(object, offset, Py_NewRef(value));
}

/* A non-negative int of at most 60 bits, as nearly all are here, without a call; false: Python has to look. */
static inline bool small_number(PyObject *object, int64_t *number)
{
#if PY_VERSION_HEX < 0x030c0000 && PYLONG_BITS_IN_DIGIT == 30
    if (!PyLong_CheckExact(object))
        return false;
    const digit *digits = ((PyLongObject *)object)->ob_digit;
    switch (Py_SIZE(object)) {
    case 0:
        *number = 0;
        return true;
    case 1:
        *number = digits[0];
        return true;
    case 2:
        *number = (int64_t)digits[1] << 30 | digits[0];
        return true;
    }
#else
    (void)object, (void)number;
#endif
    return false;
}

/* Interned names, made by the module: looking up by a new string each time would cost more than the call. */
#define FOR_NAMES(X) X(_dirty) X(_pending) X(append) X(flush) X(in_flight) X(join) X(mark) X(monotonic_s) X(now_ms) X(push) X(popleft) X(projected) X(pushed) X(rate_allows) X(wake) X(write_rest)
#define DECLARE_NAME(word) extern PyObject *name_##word;
FOR_NAMES(DECLARE_NAME)

/* --- front.c: the connections ---------------------------------------------------------------- */

enum { RECEIVE_BYTES = 65536, BATCH_EVENTS = 128, MAX_ROUNDS = 4 };
enum { MAX_YIELD_TIMES = 16, MAX_YIELD_US = 10000 };
enum { COUNT_US = 20000, BUSY_PER_S = 8000, GATHER_NS = 1000000 };

typedef struct conn {
    PyObject_HEAD
    struct front *front; /* borrowed; NULL once dropped */
    PyObject *session, *protocol;
    PyObject *conversation_key, *peer_key; /* of the last send, with the name it used */
    PyObject *resident, *peer;             /* found by them; one that is evicted has no state any more */
    uint8_t *pending;                      /* the beginning of a frame */
    uint32_t pending_size;
    int fd;
    uint64_t pass;      /* bytes of a large frame that go to the full parser unseen */
    bool pass_all;      /* the stream is strange: the full parser sees all the rest */
    bool last_has_to;
    uint8_t last_size;
    uint8_t last_name[NAME_MAX_BYTES];
} Conn;

typedef struct front {
    PyObject_HEAD
    struct layout layout;
    int epoll_fd;
    bool polling;
    PyObject *graveyard; /* connections dropped while a batch runs */
    /* Python's side */
    PyObject *deps, *engine, *commits, *hub, *delivery, *conversations, *parties, *online, *clock;
    PyObject *direct_id, *feed, *lost, *codec, *outgoing, *listener, *text, *encode_record;
    PyObject *settle; /* bound method, the first element of our waiters */
    PyObject *online_key; /* a tuple of two that is filled for the length of a look-up */
    /* for the length of one poll */
    Py_ssize_t window, capacity, max_frame_bytes;
    bool room, rate_limited;
    long strain_pct; /* how much of the core is to be left to whoever fills the index */
    int64_t now_ms; /* 0 = not asked yet */
    PyObject *heard, *group; /* the hub's time; the pending group, which nothing swaps meanwhile */
    uint64_t sent;
    /* while very many send */
    bool gathering;
    int loop_fd, timer_fd;
    int64_t counted_us;
    uint64_t counted;
    bool busy;
    uint8_t buffer[RECEIVE_BYTES];
    uint8_t plain[FAST_FRAME_MAX];
    uint8_t gather[RECEIVE_BYTES];
} Front;

extern PyTypeObject ConnType, FrontType;

/* --- decide.c -------------------------------------------------------------------------------- */

/* 1 when the request was appended, 0 when Python has to decide (nothing was changed), -1 with an exception. */
int decide_send(Front *front, Conn *conn, const struct send_request *request);

/* --- encode.c -------------------------------------------------------------------------------- */

PyObject *encode_ack(uint64_t id, PyObject *conversation, uint64_t epoch, uint64_t seq, uint64_t at_ms);
/* A push of a plain entry; NULL without an exception when the entry is not plain. */
PyObject *encode_push(const struct layout *layout, PyObject *state, PyObject *entry);

/* A commit group as the journal keeps it: what ``encode_group`` makes of the records, or NULL with an exception. */
PyObject *front_encode_group(Front *front, PyObject *records);

/* --- passing.c: what follows a commit -------------------------------------------------------- */

PyObject *front_pass_on(Front *front, PyObject *const *args, Py_ssize_t count);
PyObject *front_count_down(Front *front, PyObject *owners);
PyObject *front_retire(Front *front, PyObject *group);
PyObject *front_tell(Front *front, PyObject *waiters);
PyObject *front_settle(Front *front, PyObject *const *args, Py_ssize_t count);
PyObject *front_flush(Front *front, PyObject *dirty);

#endif
