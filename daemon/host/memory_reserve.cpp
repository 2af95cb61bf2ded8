#include "daemon/host/memory_reserve.hpp"

#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string_view>

namespace spread::daemon {
namespace {

/// Enough for what a few turns of the threads allocate.
constexpr std::size_t kReserveBytes = 16U << 20U;
/// How often, and for how long each time, a thread waits for the others to let go of memory.
constexpr int kWaits = 20;
constexpr useconds_t kWaitUs = 10000;

std::atomic<void*> reserve{nullptr};
std::atomic<bool> used{false};
std::atomic<unsigned> refills{0};

/// Returning means: try again.
void on_failed_allocation() {
    thread_local unsigned waits_since = 0;
    thread_local int waits_left = kWaits;
    used.store(true, std::memory_order_relaxed);
    if (void* const bytes = reserve.exchange(nullptr)) {
        std::free(bytes);
        return;
    }
    if (const unsigned now = refills.load(); now != waits_since) {
        waits_since = now;
        waits_left = kWaits;
    }
    if (waits_left-- > 0) {
        ::usleep(kWaitUs);
        return;
    }
    constexpr std::string_view kLine =
        "spreadd: out of memory, and so is the reserve: exiting. Lower MemoryBudget or raise the "
        "limit of this process\n";
    (void)!::write(STDERR_FILENO, kLine.data(), kLine.size());
    std::_Exit(1);
}

}  // namespace

void MemoryReserve::install() {
    std::set_new_handler(on_failed_allocation);
    (void)refill();
}

bool MemoryReserve::is_used() {
    return used.load(std::memory_order_relaxed);
}

bool MemoryReserve::refill() {
    ::malloc_trim(0);
    void* const bytes = std::malloc(kReserveBytes);
    if (bytes == nullptr) {
        return false;
    }
    std::free(reserve.exchange(bytes));
    refills.fetch_add(1);
    used.store(false, std::memory_order_relaxed);
    return true;
}

}  // namespace spread::daemon
