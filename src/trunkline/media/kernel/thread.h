/* The packet thread: what its files share. See docs/decisions/0021-packet-thread.md.
 *
 * One mutex, ``port.lock``, guards everything here: the thread holds it while it works on packets, Python for each
 * command. Functions expect it to be held unless they say otherwise. Times are seconds of CLOCK_MONOTONIC.
 */
#ifndef TRUNKLINE_THREAD_H
#define TRUNKLINE_THREAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* many datagrams in one call */
#endif
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "kernel.h"
#include "sources.h"

enum { MAX_LAYERS = 4, NAME_BYTES = 32, DATAGRAM_BYTES = 2048, OUR_SSRC = 1, MAX_TYPES = 128 };

/* --- endpoints.c: addresses of the other side, and whose they are ------------------------------ */

struct endpoint { /* comparable as bytes; IPv4 as mapped into IPv6 */
    uint8_t ip[16];
    uint32_t scope;
    uint16_t port, unused;
};

bool endpoint_parse(const char *host, int port, struct endpoint *endpoint);
void endpoint_from(const struct sockaddr_storage *address, struct endpoint *endpoint);
socklen_t endpoint_to(const struct endpoint *endpoint, int family, struct sockaddr_storage *address);
/* As asyncio names it on a socket of this family. ``host`` has room for INET6_ADDRSTRLEN bytes. */
void endpoint_format(const struct endpoint *endpoint, int family, char *host);

struct peer;

struct owners {
    struct owner {
        struct endpoint endpoint;
        struct peer *peer;
    } *slots; /* open addressing, at most half full */
    size_t capacity, count;
    uint64_t seed;
};

struct peer *owners_find(const struct owners *owners, const struct endpoint *endpoint);
bool owners_set(struct owners *owners, const struct endpoint *endpoint, struct peer *peer);
void owners_forget(struct owners *owners, const struct peer *peer);

/* --- events.c: what Python has to see ----------------------------------------------------------- */

enum event_kind {
    EVENT_DATAGRAM = 1, /* neither media nor answered here */
    EVENT_REPORT = 2,   /* a decrypted compound */
    EVENT_SEND = 3,     /* to leave through Python: the peer is not reached over our socket */
};

struct event {
    uint32_t size, peer;
    enum event_kind kind;
    struct endpoint from;
};

enum { EVENTS_BYTES = 2 << 20 };

struct events { /* a ring of records: an event and its bytes, rounded up to 8 */
    uint8_t *ring;
    size_t first, used; /* ``first`` is where the oldest record begins */
    uint64_t dropped;
    bool waking; /* the reader was told and has not come yet */
    int wake_fd;
};

bool events_open(struct events *events, int wake_fd);
void events_close(struct events *events);
void events_put(struct events *events, const struct event *event, const uint8_t *data);
/* The oldest record; NULL when there is none. It stays valid until events_drop. */
const struct event *events_peek(const struct events *events);
void events_drop(struct events *events);

/* --- kept.c: packets that may be asked for again ----------------------------------------------------- */

struct rtp_media { /* a packet of a published track on its way through */
    struct rtp rtp;
    struct layer *layer;
    int64_t number; /* extended */
    uint8_t codec, kind;
    bool key_frame, has_vp8;
    struct vp8 vp8;
    struct span orientation, descriptor;
    struct part part;
    int level; /* -1: unknown */
    int next; /* of the same track in this batch; -1 at the end */
};

enum { KEPT_PACKETS = 1024, AUDIO_PLACES = 64, AUDIO_BYTES = 8192, VIDEO_BYTES = 1 << 20 };
#define AGAIN_S 0.02
#define AUDIO_REPAIR_S 0.15

struct kept { /* a received video packet, once for all subscribers */
    int64_t number;
    struct rtp_media media; /* its spans point behind it */
};

struct kept_packets { /* of one layer, by number */
    struct kept *slots[KEPT_PACKETS];
};

void kept_add(struct kept_packets *packets, const struct rtp_media *media);
const struct kept *kept_find(const struct kept_packets *packets, int64_t number);
void kept_end(struct kept_packets *packets);

struct sent_video { /* what a subscriber was sent, by the number it was sent as */
    int64_t number;
    double again_s;
    uint32_t timestamp;
    uint16_t sequence, picture_id;
    uint8_t tl0_index, layer, payload_type;
    bool used : 1, with_mid : 1, marker : 1, arrived : 1;
    uint16_t frame; /* number in the dependency descriptor */
};

/* Ciphertext, for formats without retransmission: the same number is only ever sent again as the same bytes. */
struct sent_bytes {
    size_t capacity, place_count; /* a power of two */
    uint64_t written;
    struct sent_place { /* by sequence number */
        double again_s;
        uint64_t place;
        uint16_t sequence, size, transport; /* its number there */
    } *places;
    uint8_t *bytes;
};

struct sent_bytes *sent_bytes_make(size_t capacity, size_t places);
/* Brings what is looked at for a number into the cache, and where the next packet is written. */
void sent_bytes_fetch(const struct sent_bytes *sent, uint16_t sequence);
void sent_bytes_add(struct sent_bytes *sent, uint16_t sequence, uint16_t transport, struct span ciphertext);
/* NULL when it is not there any more. The bytes are copied to ``out`` if that is given (room for a datagram). */
struct sent_place *sent_bytes_find(struct sent_bytes *sent, uint16_t sequence, uint8_t *out);
void sent_bytes_end(struct sent_bytes *sent);

/* --- pacing.c: a subscriber's packets spread over time; the twin is media/sfu/pacing ---------------------- */

enum lane { LANE_REPAIR, LANE_VIDEO, LANES }; /* what leaves first */

struct pacer {
    double rate_bps, debt_bytes, updated_s; /* without a rate nothing waits */
    struct paced *first[LANES], *last[LANES];
    size_t waiting, waiting_bytes;
    bool listed;
};

struct port;
struct down;

/* Whether a packet that may wait has to. */
bool pacer_holds(struct port *port, struct peer *peer);
/* A packet was sent without waiting. */
void pacer_note(struct port *port, struct peer *peer, size_t counted);
/* The packet, not encrypted yet, at the room given last, waits. */
void pacer_put(struct port *port, struct down *down, enum lane lane, uint8_t *packet, size_t size, size_t counted);
/* Sends what waits as part of a probe; the bytes. */
size_t pacer_spend(struct port *port, struct peer *peer, size_t size, uint16_t cluster);
/* Nothing waits any longer with a rate of 0. */
void pacer_set(struct port *port, struct peer *peer, double rate_bps);
void pacer_end(struct port *port, struct peer *peer);
void pacers_run(struct port *port);

/* --- peers, tracks, downtracks ------------------------------------------------------------------------ */

enum format_kind { FORMAT_NONE, FORMAT_MEDIA, FORMAT_RED, FORMAT_REPAIR };

struct layer {
    struct track *track;
    uint8_t index;
    char rid[NAME_BYTES];
    bool has_source;
    uint32_t ssrc;
    struct reception reception;
    double arrived_s, asked_s;
    uint64_t octets;
    struct kept_packets *kept; /* of video */
    struct holes *holes;       /* of video */
    struct smoothness smoothness;
    int64_t key_number;        /* of the packet that began the latest key frame */
    int64_t asked_number;      /* of the newest packet when one was asked for */
    int asks_left;             /* how often it is asked for again, until it comes */
    struct scaling *scaling;   /* of video */
};

struct track { /* published */
    uint32_t id;
    struct peer *peer;
    struct track *next; /* of its peer */
    bool audio, redundant, dead;
    char mid[NAME_BYTES];
    uint8_t rid_id, repaired_id, level_id, orientation_id, descriptor_id; /* 0: none */
    struct {
        uint8_t kind, codec, original;
    } formats[MAX_TYPES];
    struct layer layers[MAX_LAYERS];
    size_t layer_count;
    struct down **downs;
    size_t down_count, down_capacity;
    size_t cursor; /* the subscriber that is served, when the thread let go of the lock meanwhile */
    int level;     /* -1: unknown */
    struct frame_store frames;
    int first, last; /* packets of this batch; -1: none */
    int last_type;   /* payload type of the latest packet; -1: none */
    uint64_t scaled[MAX_SPATIAL]; /* octets of the spatial layers of a scalable stream */
    double scaled_s[MAX_SPATIAL]; /* when the latest of each came */
};

struct source {
    uint32_t ssrc;
    struct track *track; /* NULL: a free slot */
    uint8_t layer;
    bool repair;
};

enum { MAX_SOURCES = 512 };

struct peer {
    uint32_t id;
    bool dead, keyed, reached, through_python, publishes;
    bool paces; /* ``pacer`` has a rate; here, where a packet to a large audience looks anyway */
    struct srtp in, out;
    struct sockaddr_storage target;
    socklen_t target_size;
    struct track *tracks;
    struct down **downs;
    size_t down_count, down_capacity;
    struct source *sources;
    size_t source_count, source_capacity;
    uint8_t mid_id, transport_id;
    struct arrivals arrivals;
    double feedback_s, report_s, handed_s;
    double round_trip_s, uplink_round_trip_s; /* negative: unknown */
    struct history history;
    int depth, depth_limit, audio_copies; /* 1 or 2 */
    int copies, answers, base_copies, other_copies; /* of urgent reports; of repairs; of video, unasked */
    bool recovery;
    uint64_t told, told_lost; /* in feedback to the publisher */
    uint64_t unknown, refused, received, sent;
    struct peer *next_publisher;
    char username[128], password[64]; /* of checks that may be answered here */
    size_t username_size, password_size;
    struct endpoint selected;
    double heard_s;
    uint64_t checks;
    struct pacer pacer;
    struct peer *next_paced;
};

struct down { /* subscribed */
    uint32_t id;
    struct peer *peer;
    struct track *track;
    bool dead, assigned, paused;
    uint32_t ssrc, rtx_ssrc;
    char mid[NAME_BYTES];
    uint8_t mid_id, level_id, transport_id, orientation_id, descriptor_id;
    struct {
        uint8_t in, out, repair; /* repair 0: none */
    } formats[16];
    size_t format_count;
    int red_type, red_inner; /* -1: none */
    int wanted, layer;       /* layer -1: none yet */
    struct rewriter rewriter;
    struct repacker *repacker;
    struct scaler scaler;
    uint16_t newest; /* sequence number of the newest packet that came from the present source */
    uint16_t again_sequence;
    uint64_t packets, octets, again;
    double report_s;
    int reported_loss; /* in 256ths, as the subscriber's latest report says; -1 before one */
    uint32_t reported_jitter;
    struct sent_video *video; /* KEPT_PACKETS of them */
    struct sent_bytes *bytes;
    bool has_base, repeats;
    uint32_t base_timestamp;
    struct copy {
        uint16_t sequence;
        uint8_t left;
    } *copies; /* a ring of MAX_COPIES: packets to be sent again unasked */
    size_t copy_first, copy_count;
    struct down *next_repeating;
};

enum { MAX_COPIES = 512 };
#define REPEAT_S 0.02

/* --- output.c: datagrams gathered and sent together ------------------------------------------------------ */

enum { ARENA_BYTES = 4 << 20, MAX_MESSAGES = 512, MAX_SEGMENTS = 60, MAX_SEGMENTED_BYTES = 60000 };

struct output {
    uint8_t *arena;
    size_t used;
    struct mmsghdr messages[MAX_MESSAGES];
    struct iovec vectors[MAX_MESSAGES];
    struct peer *peers[MAX_MESSAGES];
    uint16_t segment[MAX_MESSAGES]; /* size of the first */
    uint8_t segments[MAX_MESSAGES];
    bool open[MAX_MESSAGES]; /* more segments may follow */
    uint8_t control[MAX_MESSAGES][CMSG_SPACE(sizeof(uint16_t))];
    size_t count;
    bool segmentation;
    uint64_t packets, octets, calls, datagrams, failed;
};

struct port {
    pthread_mutex_t lock;
    pthread_t thread;
    atomic_int waiting;
    atomic_bool stopping, publishing;
    bool started;
    int fd, family;
    struct events events;
    struct owners owners;
    struct handle {
        void *object;
        uint32_t generation;
        uint8_t kind;
    } *handles;
    size_t handle_count, handle_free_count;
    uint32_t *handle_free;
    struct peer *publishers;
    struct down *repeating; /* with copies to be sent */
    struct peer *paced;     /* with packets that wait */
    double repeated_s;
    struct output output;
    struct dead {
        void *object;
        uint8_t kind;
        struct dead *next;
    } *dead;
    double now_s, timers_s;
    size_t report_cursor;
    uint64_t received, dropped;
    atomic_ullong wakeups, gathered;
    double wakeup_rate, wakeup_s;
};

enum { HANDLE_PEER = 1, HANDLE_TRACK = 2, HANDLE_DOWN = 3 };

bool output_open(struct output *output);
void output_close(struct output *output);
/* Whether what is too large for its way is cut into fragments here, or refused. */
void output_fragments(int fd, bool allowed);
/* Room for a packet in the arena; flushes when there is none. */
uint8_t *output_room(struct port *port, size_t size);
/* The ``size`` bytes at the room given last go to a peer. */
void output_add(struct port *port, struct peer *peer, uint8_t *data, size_t size);
void output_flush(struct port *port);

/* handles.c */
uint32_t handle_add(struct port *port, uint8_t kind, void *object);
void *handle_find(const struct port *port, uint8_t kind, uint32_t id);
void handle_drop(struct port *port, uint32_t id);

/* peers.c */
struct peer *peer_add(struct port *port);
void peer_remove(struct port *port, struct peer *peer);
void peer_free(struct peer *peer);
struct source *peer_source(struct peer *peer, uint32_t ssrc);
bool peer_add_source(struct peer *peer, uint32_t ssrc, struct track *track, uint8_t layer, bool repair);
void peer_drop_sources(struct peer *peer, const struct track *track);
bool peer_send_report(struct port *port, struct peer *peer, const uint8_t *compound, size_t size);

/* tracks.c */
struct track *track_add(struct port *port, struct peer *peer);
void track_remove(struct port *port, struct track *track);
void track_free(struct track *track);
/* Which track and layer a packet is of; NULL when of none. */
struct source *track_of(struct peer *peer, const struct rtp *rtp);
/* The best layer for somebody who wants at most ``wanted``. */
int track_best_layer(const struct track *track, int wanted, double now_s);
void track_ask(struct port *port, struct layer *layer);
/* Numbers that were asked for in vain: where one was padding, subscribers need not wait for it. */
void track_on_holes(struct port *port, struct layer *layer);
/* Numbers that likely never come: asks for a key frame if somebody sees the layer and none came since. */
void track_on_hopeless(struct port *port, struct layer *layer);
/* Asks once more for a key frame that was asked for, when that is due and none has come. */
void track_ask_again(struct port *port, struct layer *layer);
/* Takes a packet of the track into the batch; false when it is a duplicate, or nothing to forward. */
bool track_take(struct port *port, struct source *source, struct rtp_media *media);

/* subscribing.c and downtracks.c */
struct down *down_add(struct port *port, struct track *track, struct peer *peer, uint16_t sequence, uint32_t timestamp);
void down_remove(struct port *port, struct down *down);
void down_free(struct down *down);
void down_forward(struct port *port, struct down *down, const struct rtp_media *media);
void down_on_padding(struct down *down, const struct rtp_media *media);
void down_on_nack(struct port *port, struct down *down, uint16_t sequence);
/* Feedback told of a packet that carried this one: when none has arrived, it is sent again before it is asked for. */
void down_on_reported(struct port *port, struct down *down, uint16_t sequence, bool arrived);
void down_ask(struct port *port, struct down *down);
void down_report(struct port *port, struct down *down);
/* A number that will never come: an empty packet in its place. */
void down_on_hole(struct port *port, struct down *down, const struct layer *layer, uint16_t sequence);
/* Sends the next copy of what is protected; false when no more are left. */
bool down_repeat(struct port *port, struct down *down);
/* A packet that has waited, at the room given last, gets its transport number and leaves. */
void down_leave(struct port *port, struct down *down, uint8_t *packet, size_t size, size_t counted, uint16_t cluster);
/* What waits, then padding on the retransmission source, as a probe; the bytes sent. */
size_t down_probe(struct port *port, struct down *down, size_t size, uint16_t cluster);

/* reports.c: RTCP */
void reports_receive(struct port *port, struct peer *peer, const uint8_t *compound, size_t size);
void reports_due(struct port *port, struct peer *peer);
size_t write_picture_loss(uint8_t *out, uint32_t media_ssrc);
uint64_t ntp_now(void);

/* consent.c: checks on validated addresses; false: Python has to look at it. */
bool consent_answer(struct port *port, struct peer *peer, const uint8_t *datagram, size_t size,
                    const struct endpoint *from);

/* port.c */
struct port *port_open(int fd, int wake_fd);
bool port_start(struct port *port);
void port_stop(struct port *port); /* without the lock */
void port_close(struct port *port);
void port_bury(struct port *port, uint8_t kind, void *object);
void port_media(struct port *port, struct peer *peer, uint8_t *datagram, size_t size, struct rtp_media *batch,
                size_t *count);
void port_forward(struct port *port, struct rtp_media *batch, size_t count);
/* A datagram that came another way than over our socket. */
void port_inject(struct port *port, struct peer *peer, uint8_t *datagram, size_t size);
double monotonic_s(void);

#endif
