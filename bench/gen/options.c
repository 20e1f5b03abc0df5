#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "workload.h"

static const char USAGE[] =
    "usage: loadgen pair|fan|idle|fill|room --protocol mqtt|xmpp|link|nats --port P --sessions N [options]\n"
    "  --in-flight W        closed loop: messages per sender at a time (1)\n"
    "  --rate R             open loop: messages per second, latency counts from the time each was due\n"
    "  --volatile-rate R    messages per second that may be dropped, besides (room)\n"
    "  --body BYTES         message body (100)\n"
    "  --warmup S           seconds before counting (1.5)\n"
    "  --seconds S          seconds counted (10); idle: seconds to settle\n"
    "  --opening K          handshakes at the same time (64)\n"
    "  --server-pids A,B    whose CPU time and memory to read\n"
    "  --server-core C      --generator-core C   whose other load to report\n"
    "  --publish-qos Q      --subscribe-qos Q   --clean-session        (mqtt)\n"
    "  --register           create the accounts before signing in      (xmpp)\n"
    "  --conversations N    --entries M         how many, and messages in each (fill)\n"
    "  --tokens FILE        --conversation ID   --run-tag TEXT         (link)\n";

enum option_key {
    KEY_PROTOCOL = 256, KEY_PORT, KEY_SESSIONS, KEY_IN_FLIGHT, KEY_RATE, KEY_BODY, KEY_WARMUP, KEY_SECONDS, KEY_OPENING,
    KEY_PIDS, KEY_SERVER_CORE, KEY_GENERATOR_CORE, KEY_PUBLISH_QOS, KEY_SUBSCRIBE_QOS, KEY_CLEAN, KEY_REGISTER,
    KEY_CONVERSATIONS, KEY_ENTRIES, KEY_TOKENS, KEY_CONVERSATION, KEY_RUN_TAG, KEY_VOLATILE,
};

static const struct option LONG_OPTIONS[] = {
    {"protocol", required_argument, NULL, KEY_PROTOCOL},
    {"port", required_argument, NULL, KEY_PORT},
    {"sessions", required_argument, NULL, KEY_SESSIONS},
    {"in-flight", required_argument, NULL, KEY_IN_FLIGHT},
    {"rate", required_argument, NULL, KEY_RATE},
    {"volatile-rate", required_argument, NULL, KEY_VOLATILE},
    {"body", required_argument, NULL, KEY_BODY},
    {"warmup", required_argument, NULL, KEY_WARMUP},
    {"seconds", required_argument, NULL, KEY_SECONDS},
    {"opening", required_argument, NULL, KEY_OPENING},
    {"server-pids", required_argument, NULL, KEY_PIDS},
    {"server-core", required_argument, NULL, KEY_SERVER_CORE},
    {"generator-core", required_argument, NULL, KEY_GENERATOR_CORE},
    {"publish-qos", required_argument, NULL, KEY_PUBLISH_QOS},
    {"subscribe-qos", required_argument, NULL, KEY_SUBSCRIBE_QOS},
    {"clean-session", no_argument, NULL, KEY_CLEAN},
    {"register", no_argument, NULL, KEY_REGISTER},
    {"conversations", required_argument, NULL, KEY_CONVERSATIONS},
    {"entries", required_argument, NULL, KEY_ENTRIES},
    {"tokens", required_argument, NULL, KEY_TOKENS},
    {"conversation", required_argument, NULL, KEY_CONVERSATION},
    {"run-tag", required_argument, NULL, KEY_RUN_TAG},
    {NULL, 0, NULL, 0},
};

static double number(const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || value < least || value > most)
        fail("%s is not a number between %g and %g", text, least, most);
    return value;
}

static void parse_pids(struct usage_target *usage, char *list)
{
    for (char *item = strtok(list, ","); item; item = strtok(NULL, ",")) {
        if (usage->pid_count == USAGE_MAX_PIDS)
            fail("more than %d server processes", USAGE_MAX_PIDS);
        usage->pids[usage->pid_count++] = (int)number(item, 1, 1e9);
    }
}

static void apply(struct options *o, int key, char *value)
{
    switch (key) {
    case KEY_PROTOCOL: o->protocol = value; break;
    case KEY_PORT: o->port = (uint16_t)number(value, 1, 65535); break;
    case KEY_SESSIONS: o->sessions = (uint32_t)number(value, 1, 100000); break;
    case KEY_IN_FLIGHT: o->in_flight = (uint32_t)number(value, 1, 4096); break;
    case KEY_RATE: o->rate_per_s = number(value, 0, 1e7); break;
    case KEY_VOLATILE: o->volatile_per_s = number(value, 0, 1e7); break;
    case KEY_BODY: o->body_bytes = (uint32_t)number(value, BODY_HEADER, BODY_MAX); break;
    case KEY_WARMUP: o->warmup_s = number(value, 0, 3600); break;
    case KEY_SECONDS: o->seconds = number(value, 0.1, 3600); break;
    case KEY_OPENING: o->opening = (uint32_t)number(value, 1, 10000); break;
    case KEY_PIDS: parse_pids(&o->usage, value); break;
    case KEY_SERVER_CORE: o->usage.server_core = (int)number(value, 0, 4095); break;
    case KEY_GENERATOR_CORE: o->usage.generator_core = (int)number(value, 0, 4095); break;
    case KEY_PUBLISH_QOS: o->publish_qos = (int)number(value, 0, 1); break;
    case KEY_SUBSCRIBE_QOS: o->subscribe_qos = (int)number(value, 0, 1); break;
    case KEY_CLEAN: o->clean_session = true; break;
    case KEY_REGISTER: o->register_users = true; break;
    case KEY_CONVERSATIONS: o->conversations = (uint32_t)number(value, 1, 1e8); break;
    case KEY_ENTRIES: o->entries = (uint32_t)number(value, 1, 1e6); break;
    case KEY_TOKENS: o->tokens_path = value; break;
    case KEY_CONVERSATION: o->conversation = value; break;
    case KEY_RUN_TAG: o->run_tag = value; break;
    default: fputs(USAGE, stderr); exit(2);
    }
}

static void parse_workload(struct options *o, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "pair") == 0) {
        o->workload = WORKLOAD_PAIR;
    } else if (strcmp(name, "fan") == 0) {
        o->workload = WORKLOAD_FAN;
    } else if (strcmp(name, "idle") == 0) {
        o->workload = WORKLOAD_IDLE;
    } else if (strcmp(name, "room") == 0) {
        o->workload = WORKLOAD_ROOM;
    } else if (strcmp(name, "fill") == 0) {
        o->workload = WORKLOAD_FILL;
    } else {
        fputs(USAGE, stderr);
        exit(2);
    }
}

void options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.in_flight = 1, .body_bytes = 100, .warmup_s = 1.5, .seconds = 10, .opening = 64,
                          .entries = 1, .publish_qos = 1, .subscribe_qos = 1, .run_tag = "run"};
    o->usage.server_core = o->usage.generator_core = -1;
    parse_workload(o, argc, argv);
    int key;
    while ((key = getopt_long(argc - 1, argv + 1, "", LONG_OPTIONS, NULL)) != -1)
        apply(o, key, optarg);
    if (!o->protocol || !o->port || !o->sessions) {
        fputs(USAGE, stderr);
        exit(2);
    }
    if (o->workload == WORKLOAD_FILL && o->conversations < o->sessions)
        fail("fill needs at least one conversation per session");
    if (o->workload == WORKLOAD_PAIR && o->sessions % 2)
        fail("pair needs an even number of sessions");
}
