/* The clock on the wall of every process that loads this library is ahead by the number of seconds in a file (8 bytes, read at
   each call), so that a test can let it jump. Other clocks are left alone. Tests build it with: cc -shared -fPIC */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
static volatile long *seconds;
static int (*real)(clockid_t, struct timespec *);
__attribute__((constructor)) static void open_clock(void) {
    real = dlsym(RTLD_NEXT, "clock_gettime");
    int file = open(getenv("JUMPING_CLOCK"), O_RDONLY | O_CLOEXEC);
    void *page = file < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    seconds = page == MAP_FAILED ? 0 : page;
}
int clock_gettime(clockid_t which, struct timespec *now) {
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(which, now);
    if (!code && seconds && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += *seconds;
    return code;
}
time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
