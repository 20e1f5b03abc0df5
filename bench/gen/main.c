/* loadgen: one thread, one epoll loop, one line of JSON on standard output. See options.c for its arguments. */
#include "options.h"
#include "workload.h"

int main(int argc, char **argv)
{
    struct options options;
    options_parse(&options, argc, argv);
    switch (options.workload) {
    case WORKLOAD_PAIR: return run_pair(&options);
    case WORKLOAD_FAN: return run_fan(&options);
    case WORKLOAD_IDLE: return run_idle(&options);
    case WORKLOAD_FILL: return run_fill(&options);
    case WORKLOAD_ROOM: return run_room(&options);
    }
    return 2;
}
