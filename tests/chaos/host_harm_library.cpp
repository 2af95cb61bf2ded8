// Loaded into a daemon before the C library: a wall clock that is set, and a disk that is full or
// broken.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "tests/chaos/host_harm.hpp"

namespace {

using spread::chaos::HostHarm;

constexpr std::int64_t kSecondNs = 1'000'000'000;

HostHarm* map_harm() {
    const char* path = std::getenv(spread::chaos::kHostHarmVariable);
    const int file = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        return nullptr;
    }
    void* memory = mmap(nullptr, sizeof(HostHarm), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return memory == MAP_FAILED ? nullptr : static_cast<HostHarm*>(memory);
}

HostHarm* harm = nullptr;

__attribute__((constructor)) void begin() {
    harm = map_harm();
}

/// The function that this library stands in front of.
template <typename Function>
Function* next_of(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));  // NOLINT(*-reinterpret-cast)
}

std::int64_t clock_ahead() {
    return harm == nullptr ? 0 : harm->clock_ns.load(std::memory_order_relaxed);
}

/// Of a file behind standard error: logs go on, and so do sockets.
bool is_refused(int descriptor) {
    const int problem = harm == nullptr ? 0 : harm->disk_errno.load(std::memory_order_relaxed);
    struct stat info {};
    if (problem == 0 || descriptor <= STDERR_FILENO || fstat(descriptor, &info) != 0 ||
        !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) {
        return false;
    }
    harm->refused.fetch_add(1, std::memory_order_relaxed);
    errno = problem;
    return true;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
    static auto* const next = next_of<int(clockid_t, timespec*)>("clock_gettime");
    const int result = next(clock, time);
    const std::int64_t ahead = clock_ahead();
    if (result == 0 && ahead != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        const std::int64_t sum = time->tv_sec * kSecondNs + time->tv_nsec + ahead;
        time->tv_sec = sum / kSecondNs;
        time->tv_nsec = sum % kSecondNs;
    }
    return result;
}

time_t time(time_t* where) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (where != nullptr) {
        *where = now.tv_sec;
    }
    return now.tv_sec;
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
    static auto* const next = next_of<ssize_t(int, const void*, size_t)>("write");
    return is_refused(descriptor) ? -1 : next(descriptor, bytes, count);
}

int fsync(int descriptor) {
    static auto* const next = next_of<int(int)>("fsync");
    return is_refused(descriptor) ? -1 : next(descriptor);
}

}  // extern "C"
