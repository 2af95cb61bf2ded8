#include "daemon/ring/state_keeper.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <semaphore>
#include <thread>
#include <utility>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/signal_stack.hpp"

namespace spread::daemon {
namespace {

constexpr auto kEndPatience = std::chrono::seconds(1);

}  // namespace

struct StateKeeper::Shared {
    std::unique_ptr<StateFile> file;
    std::unique_ptr<CrashMemory> memory;
    std::uint64_t incarnation = 0;
    std::uint64_t stored = 0;  ///< the thread's: what was tried last
    Report report;

    std::atomic<std::uint64_t> wanted{0};  ///< the counter to store
    std::atomic<std::uint64_t> write_failures{0};
    std::atomic<bool> ending{false};
    std::counting_semaphore<> work{0};

    std::mutex mutex;
    std::condition_variable ended_changed;
    bool ended = false;
    bool failing = false;  ///< the thread's until it has ended

    void run() {
        for (bool last = false; !last;) {
            work.acquire();
            last = ending.load();
            if (const std::uint64_t counter = wanted.load(); counter != stored) {
                store(counter);
                stored = counter;
            }
        }
        const std::lock_guard<std::mutex> lock(mutex);
        ended = true;
        ended_changed.notify_all();
    }

    void store(std::uint64_t counter) {
        const bool works = file->store({incarnation, counter});
        write_failures += works ? 0 : 1;
        if (works == failing) {
            failing = !works;
            report(works ? std::string() : file->problem());
        }
    }
};

std::optional<DaemonState> StateKeeper::load(const StateFile& file, const CrashMemory& memory) {
    const auto disk = file.load();
    const auto page = memory.load();
    if (!disk || !page) {
        return disk ? disk : page;
    }
    return DaemonState{std::max(disk->incarnation, page->incarnation),
                       std::max(disk->ring_counter, page->ring_counter)};
}

StateKeeper::StateKeeper(std::unique_ptr<StateFile> file, std::unique_ptr<CrashMemory> memory,
                         const DaemonState& state, Report report)
    : shared_(std::make_shared<Shared>()) {
    shared_->file = std::move(file);
    shared_->memory = std::move(memory);
    shared_->incarnation = state.incarnation;
    shared_->report = std::move(report);
    shared_->stored = state.ring_counter;
    shared_->wanted.store(state.ring_counter);
    shared_->memory->store(state);
    shared_->failing = !shared_->file->store(state);
    shared_->write_failures = shared_->failing ? 1 : 0;
}

void StateKeeper::start() {
    const BlockedSignals blocked;
    std::thread thread([shared = shared_] {
        const SignalStack stack;
        shared->run();
    });
    ::pthread_setname_np(thread.native_handle(), "state");
    thread.detach();
    started_ = true;
}

StateKeeper::~StateKeeper() {
    if (!started_) {
        return;
    }
    shared_->ending.store(true);
    shared_->work.release();
    std::unique_lock<std::mutex> lock(shared_->mutex);
    const bool ended =
        shared_->ended_changed.wait_for(lock, kEndPatience, [this] { return shared_->ended; });
    if (ended && !shared_->failing) {
        shared_->memory->forget();
    }
}

void StateKeeper::keep(std::uint64_t ring_counter) {
    shared_->memory->store({shared_->incarnation, ring_counter});
    shared_->wanted.store(ring_counter);
    shared_->work.release();
}

StateFile& StateKeeper::file() {
    return *shared_->file;
}

std::uint64_t StateKeeper::write_failures() const {
    return shared_->write_failures.load();
}

}  // namespace spread::daemon
