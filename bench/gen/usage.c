#include "usage.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int64_t clock_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double own_cpu_s(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static double process_cpu_s(int pid)
{
    char path[64], line[2048];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    size_t n = fread(line, 1, sizeof line - 1, f);
    fclose(f);
    line[n] = 0;
    /* The process name may hold spaces and brackets: fields are counted from the last ')'. */
    char *rest = strrchr(line, ')');
    unsigned long user = 0, system = 0;
    if (!rest || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void core_times(int core, double *busy_s, double *stolen_s)
{
    *busy_s = 0;
    if (core < 0)
        return;
    FILE *f = fopen("/proc/stat", "r");
    if (!f)
        return;
    char line[512], name[16];
    int name_len = snprintf(name, sizeof name, "cpu%d ", core);
    while (fgets(line, sizeof line, f)) {
        unsigned long user, nice, system, steal;
        if (strncmp(line, name, (size_t)name_len) == 0
            && sscanf(line + name_len, "%lu %lu %lu %*u %*u %*u %*u %lu", &user, &nice, &system, &steal) == 4) {
            double tick = (double)sysconf(_SC_CLK_TCK);
            *busy_s = (double)(user + nice + system) / tick;
            *stolen_s += (double)steal / tick;
            break;
        }
    }
    fclose(f);
}

void usage_sample(const struct usage_target *target, struct usage_sample *out)
{
    memset(out, 0, sizeof *out);
    out->at_ns = clock_now_ns();
    out->generator_cpu_s = own_cpu_s();
    for (int i = 0; i < target->pid_count; i++)
        out->server_cpu_s += process_cpu_s(target->pids[i]);
    core_times(target->server_core, &out->server_core_busy_s, &out->stolen_s);
    core_times(target->generator_core, &out->generator_core_busy_s, &out->stolen_s);
}

long usage_server_rss_kb(const struct usage_target *target)
{
    long total = 0;
    for (int i = 0; i < target->pid_count; i++) {
        char path[64], line[256];
        snprintf(path, sizeof path, "/proc/%d/status", target->pids[i]);
        FILE *f = fopen(path, "r");
        if (!f)
            continue;
        long kb;
        while (fgets(line, sizeof line, f))
            if (sscanf(line, "VmRSS: %ld", &kb) == 1)
                total += kb;
        fclose(f);
    }
    return total;
}
