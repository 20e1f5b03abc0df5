/* Where the attributes of slotted classes are; read once from their descriptors, so that nothing is assumed. */
#include "native.h"

#include <structmember.h>

static Py_ssize_t offset_of(PyTypeObject *type, const char *name)
{
    PyObject *found = PyObject_GetAttrString((PyObject *)type, name);
    if (!found)
        return -1;
    Py_ssize_t offset = -1;
    if (Py_IS_TYPE(found, &PyMemberDescr_Type)) {
        PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
        if (member->type == T_OBJECT_EX && member->offset > 0)
            offset = member->offset;
    }
    Py_DECREF(found);
    if (offset < 0)
        PyErr_Format(PyExc_TypeError, "%s.%s is not a slot", type->tp_name, name);
    return offset;
}

static PyTypeObject *type_of(PyObject *types, const char *name)
{
    PyObject *type = PyMapping_GetItemString(types, name);
    if (type && !PyType_Check(type)) {
        PyErr_Format(PyExc_TypeError, "%s is not a class", name);
        Py_CLEAR(type);
    }
    return (PyTypeObject *)type;
}

#define TYPE(field, name)                                                                                              \
    if (!(l->field = type_of(types, name)))                                                                            \
    return -1
#define SLOT(field, type, name)                                                                                        \
    if ((l->field = offset_of(l->type, name)) < 0)                                                                     \
    return -1

static int read_sessions(struct layout *l, PyObject *types)
{
    TYPE(session, "LinkSession");
    SLOT(s_out, session, "_out");
    SLOT(s_dirty, session, "_dirty");
    SLOT(s_closed, session, "_closed");
    SLOT(s_lagging, session, "_lagging");
    SLOT(s_in_flight, session, "_in_flight");
    SLOT(s_backlog, session, "_backlog");
    SLOT(s_fragments, session, "_fragments");
    SLOT(s_fd, session, "_fd");
    SLOT(s_codec, session, "_codec");
    SLOT(s_buffered, session, "_buffered");
    SLOT(s_pinged, session, "_pinged");
    SLOT(s_outbox, session, "outbox");
    SLOT(s_heard, session, "heard_s");
    SLOT(s_greeted, session, "greeted");
    SLOT(s_party, session, "party");
    SLOT(s_app, session, "app");
    SLOT(s_asks, session, "asks");
    return 0;
}

static int read_state(struct layout *l, PyObject *types)
{
    TYPE(conversation, "Conversation");
    SLOT(c_id, conversation, "id");
    SLOT(c_epoch, conversation, "epoch");
    SLOT(c_head, conversation, "head");
    SLOT(c_at_ms, conversation, "at_ms");
    SLOT(c_count, conversation, "count");
    SLOT(c_active_at_ms, conversation, "active_at_ms");
    SLOT(c_kind, conversation, "kind");
    SLOT(c_members, conversation, "members");
    SLOT(c_large, conversation, "large");
    SLOT(c_dismissed, conversation, "dismissed");
    SLOT(c_settings, conversation, "settings");
    TYPE(member, "Member");
    SLOT(m_own, member, "own");
    SLOT(m_left_seq, member, "left_seq");
    SLOT(m_muted, member, "muted_until_ms");
    SLOT(m_joined_seq, member, "joined_seq");
    TYPE(outbox, "Outbox");
    SLOT(o_highest, outbox, "highest");
    SLOT(o_id, outbox, "id");
    SLOT(o_recent, outbox, "recent");
    TYPE(party, "Party");
    SLOT(p_blocked, party, "blocked");
    return 0;
}

enum { KNOWN_ENTRY_FIELDS = 14 };

static Py_ssize_t count_fields(PyTypeObject *type)
{
    PyObject *fields = PyObject_GetAttrString((PyObject *)type, "__struct_fields__");
    Py_ssize_t count = fields ? PyObject_Size(fields) : -1;
    Py_XDECREF(fields);
    return count;
}

static int read_log(struct layout *l, PyObject *types)
{
    TYPE(resident, "ResidentConversation");
    SLOT(r_state, resident, "state");
    SLOT(r_id, resident, "id");
    SLOT(r_app, resident, "app");
    SLOT(r_in_flight, resident, "in_flight");
    SLOT(r_entries, resident, "entries");
    SLOT(r_committed, resident, "committed");
    SLOT(r_changes, resident, "changes");
    PyTypeObject *resident_party = type_of(types, "ResidentParty");
    l->resident_party = (PyObject *)resident_party;
    if (!resident_party || (l->rp_state = offset_of(resident_party, "state")) < 0)
        return -1;
    TYPE(entry, "Entry");
    SLOT(e_seq, entry, "seq");
    SLOT(e_at_ms, entry, "at_ms");
    SLOT(e_sender, entry, "sender");
    SLOT(e_type, entry, "type");
    SLOT(e_content, entry, "content");
    SLOT(e_count, entry, "count");
    SLOT(e_own, entry, "own");
    SLOT(e_outbox, entry, "outbox");
    SLOT(e_n, entry, "n");
    SLOT(e_target, entry, "target");
    SLOT(e_reply_to, entry, "reply_to");
    SLOT(e_mentions, entry, "mentions");
    SLOT(e_expires, entry, "expires_at_ms");
    SLOT(e_thread, entry, "thread");
    if (count_fields(l->entry) != KNOWN_ENTRY_FIELDS) {
        PyErr_SetString(PyExc_TypeError, "Entry has a field that encode.c does not know");
        return -1;
    }
    TYPE(appended, "EntryAppended");
    SLOT(a_app, appended, "app");
    SLOT(a_conversation, appended, "conversation");
    SLOT(a_entry, appended, "entry");
    if (count_fields(l->appended) != 3) {
        PyErr_SetString(PyExc_TypeError, "EntryAppended has a field that records.c does not know");
        return -1;
    }
    TYPE(group, "Group");
    SLOT(g_records, group, "records");
    SLOT(g_owners, group, "owners");
    SLOT(g_outboxes, group, "outboxes");
    SLOT(g_waiters, group, "waiters");
    SLOT(g_lsn, group, "lsn");
    return 0;
}

int layout_read(struct layout *l, PyObject *types)
{
    return read_sessions(l, types) || read_state(l, types) || read_log(l, types) ? -1 : 0;
}

void layout_clear(struct layout *l)
{
    Py_CLEAR(l->session);
    Py_CLEAR(l->conversation);
    Py_CLEAR(l->member);
    Py_CLEAR(l->outbox);
    Py_CLEAR(l->party);
    Py_CLEAR(l->resident);
    Py_CLEAR(l->resident_party);
    Py_CLEAR(l->entry);
    Py_CLEAR(l->appended);
    Py_CLEAR(l->group);
}
