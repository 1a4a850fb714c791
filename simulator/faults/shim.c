/* Preloaded into a process (ld.so(8), LD_PRELOAD), this steps its wall clock and fills its disk, as a mapped file says.
 *
 * FAULT_SHIM_STATE   the file: struct state, written by whoever causes the fault
 * FAULT_SHIM_SUFFIX  how the names of those files end that find no room
 *
 * The clock asks the kernel itself: an allocator may ask for the time before the C library is ready, and looking
 * up the library's own function allocates.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BILLION 1000000000LL

struct state {
    int64_t offset; /* ns that the wall clock is ahead */
    int64_t full;   /* not 0: there is no room */
};

static const struct state nothing;
static const struct state *volatile mapped;

static const struct state *state(void) {
    if (mapped) return mapped;
    const char *path = getenv("FAULT_SHIM_STATE");
    if (!path) return &nothing; /* perhaps the environment is not there yet: asked again next time */
    int before = errno;
    const struct state *found = MAP_FAILED;
    long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        found = mmap(NULL, sizeof *found, PROT_READ, MAP_SHARED, (int)file, 0);
        syscall(SYS_close, file);
    }
    errno = before;
    mapped = found == MAP_FAILED ? &nothing : found;
    return mapped;
}

/* ---- the clock */

static void shift(struct timespec *time) {
    int64_t nanoseconds = time->tv_nsec + state()->offset % BILLION;
    time->tv_sec += state()->offset / BILLION;
    if (nanoseconds >= BILLION) time->tv_sec++, nanoseconds -= BILLION;
    if (nanoseconds < 0) time->tv_sec--, nanoseconds += BILLION;
    time->tv_nsec = nanoseconds;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    long failed = syscall(SYS_clock_gettime, clock, time);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(time);
    return (int)failed;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME_COARSE, &now)) return -1;
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

/* ---- the disk */

static int no_room(int file) {
    char link[32], path[4096];
    const char *suffix;
    if (!state()->full || !(suffix = getenv("FAULT_SHIM_SUFFIX"))) return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path), end = (ssize_t)strlen(suffix);
    int found = length >= end && !memcmp(path + length - end, suffix, (size_t)end);
    errno = found ? ENOSPC : before;
    return found;
}

#define REAL(name) static __typeof__(&name) real; if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    return no_room(file) ? -1 : real(file, data, size);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(writev);
    return no_room(file) ? -1 : real(file, parts, count);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    REAL(pwrite);
    return no_room(file) ? -1 : real(file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    return no_room(file) ? -1 : real(file, data, size, at);
}

int fdatasync(int file) {
    REAL(fdatasync);
    return no_room(file) ? -1 : real(file);
}

int fsync(int file) {
    REAL(fsync);
    return no_room(file) ? -1 : real(file);
}
