#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/ring/crash_memory.hpp"
#include "daemon/ring/state_file.hpp"

namespace spread::daemon {

/// Remembers the counters of rings for the next life of the daemon, without holding up the ring: at
/// once in memory that outlives a crash, and by a thread of its own on disk, for when the host goes
/// down. A disk that stands still stops nothing.
class StateKeeper {
  public:
    /// Called from the keeper's thread when storing begins to fail, with the reason, and with an
    /// empty text when it works again.
    using Report = std::function<void(const std::string& problem)>;

    /// What the last life left, on disk or in memory, whichever is later.
    [[nodiscard]] static std::optional<DaemonState> load(const StateFile& file,
                                                         const CrashMemory& memory);

    /// Stores `state` in memory, and tries the disk once before it returns; problem() of `file`
    /// tells.
    StateKeeper(std::unique_ptr<StateFile> file, std::unique_ptr<CrashMemory> memory,
                const DaemonState& state, Report report);
    /// Waits for the disk, for a second at most.
    ~StateKeeper();
    StateKeeper(const StateKeeper&) = delete;
    StateKeeper& operator=(const StateKeeper&) = delete;

    /// Starts the thread, with all signals blocked and the privileges of the calling one.
    void start();

    /// A ring with this counter is being formed. One thread; never waits.
    void keep(std::uint64_t ring_counter);

    [[nodiscard]] StateFile& file();
    /// How often the disk did not take a counter. From any thread.
    [[nodiscard]] std::uint64_t write_failures() const;

  private:
    /// Shared with the thread, which a disk may keep longer than the daemon can wait.
    struct Shared;
    std::shared_ptr<Shared> shared_;
    bool started_ = false;
};

}  // namespace spread::daemon
