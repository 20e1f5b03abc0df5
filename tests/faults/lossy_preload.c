/*
 * Put under a whole process with LD_PRELOAD: every change to the files below LOSSY_DIR is written down in LOSSY_LOG, so
 * that after a kill another program can work out what a power cut would have left (tests/faults/power_cut.py).
 *
 * A write is noted before it happens and a sync after it has returned: what is noted as durable certainly is. While the
 * file LOSSY_FULL exists, writes that need room get ENOSPC; while LOSSY_EIO exists, syncs get EIO.
 *
 * A record: a letter, the sizes of two strings (u32 each), a number (i64), the strings. Little-endian, as the machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *directory, *full, *broken;
static size_t directory_size;
static int log_fd = -1;

__attribute__((constructor)) static void begin(void)
{
    directory = getenv("LOSSY_DIR");
    full = getenv("LOSSY_FULL");
    broken = getenv("LOSSY_EIO");
    if (!directory || !getenv("LOSSY_LOG"))
        return;
    directory_size = strlen(directory);
    log_fd = REAL(open)(getenv("LOSSY_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        abort();
}

static int ours(const char *path)
{
    return log_fd >= 0 && !strncmp(path, directory, directory_size) && path[directory_size] == '/';
}

/* The path of a descriptor; 0 when it is not one of those that are watched. */
static int path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    if (log_fd < 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size <= 0)
        return 0;
    path[size] = 0;
    return ours(path) || !strcmp(path, directory);
}

static void note(char what, const char *path, int64_t number, const void *data, size_t size)
{
    char head[17] = {what};
    uint32_t sizes[2] = {(uint32_t)strlen(path), (uint32_t)size};
    memcpy(head + 1, sizes, 8);
    memcpy(head + 9, &number, 8);
    struct iovec parts[3] = {{head, 17}, {(void *)path, sizes[0]}, {(void *)data, size}};
    /* With O_APPEND one call is one record, whatever other threads and processes do. */
    if (writev(log_fd, parts, 3) != (ssize_t)(17 + sizes[0] + size))
        abort();
}

static int is_there(const char *flag) { return flag && access(flag, F_OK) == 0; }

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    char path[PATH_MAX];
    struct stat found;
    if (path_of(fd, path)) {
        if (is_there(full) && fstat(fd, &found) == 0 && (off64_t)(offset + size) > found.st_size) {
            errno = ENOSPC;
            return -1;
        }
        note('w', path, offset, data, size);
    }
    return REAL(pwrite64)(fd, data, size, offset);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

ssize_t write(int fd, const void *data, size_t size)
{
    char path[PATH_MAX];
    if (path_of(fd, path)) {
        off_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
        if (is_there(full)) {
            errno = ENOSPC;
            return -1;
        }
        note('w', path, at, data, size);
    }
    return REAL(write)(fd, data, size);
}

int ftruncate64(int fd, off64_t size)
{
    char path[PATH_MAX];
    if (path_of(fd, path))
        note('t', path, size, "", 0);
    return REAL(ftruncate64)(fd, size);
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int posix_fallocate64(int fd, off64_t offset, off64_t size)
{
    char path[PATH_MAX];
    if (path_of(fd, path)) {
        if (is_there(full))
            return ENOSPC;
        note('a', path, offset + size, "", 0);
    }
    return REAL(posix_fallocate64)(fd, offset, size);
}
int posix_fallocate(int fd, off_t offset, off_t size) { return posix_fallocate64(fd, offset, size); }

static int synced(int fd, int (*sync)(int))
{
    char path[PATH_MAX];
    int mine = path_of(fd, path);
    if (mine && is_there(broken)) {
        errno = EIO;
        return -1;
    }
    int result = sync(fd);
    if (mine && result == 0)
        note('s', path, 0, "", 0);
    return result;
}
int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int rename(const char *old, const char *new)
{
    if (ours(new))
        note('r', old, 0, new, strlen(new));
    return REAL(rename)(old, new);
}

int unlink(const char *path)
{
    if (ours(path))
        note('u', path, 0, "", 0);
    return REAL(unlink)(path);
}

static int opened(int at, const char *path, int flags, mode_t mode)
{
    if (ours(path) && flags & (O_CREAT | O_TRUNC)) {
        if (access(path, F_OK) != 0) {
            if (flags & O_CREAT)
                note('c', path, 0, "", 0);
        } else if (flags & O_TRUNC)
            note('t', path, 0, "", 0);
    }
    return REAL(openat64)(at, path, flags, mode);
}

#define OPEN_MODE                                                                                                      \
    mode_t mode = 0;                                                                                                   \
    if (flags & (O_CREAT | __O_TMPFILE)) {                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open64(const char *path, int flags, ...) { OPEN_MODE return opened(AT_FDCWD, path, flags, mode); }
int open(const char *path, int flags, ...) { OPEN_MODE return opened(AT_FDCWD, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE return opened(at, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE return opened(at, path, flags, mode); }
