#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/host/unique_fd.hpp"
#include "daemon/ring/state_file.hpp"

namespace spread::daemon {

/// A DaemonState in a page of memory that outlives the process, though not the host: a file in
/// /dev/shm, mapped. Writing it is a store instruction, which no disk can hold up.
class CrashMemory {
  public:
    /// `name` tells one daemon's page from another's; empty: no page. Where there can be none, or
    /// the file is another user's, nothing is remembered.
    explicit CrashMemory(const std::string& name);
    ~CrashMemory();
    CrashMemory(const CrashMemory&) = delete;
    CrashMemory& operator=(const CrashMemory&) = delete;

    [[nodiscard]] bool works() const { return page_ != nullptr; }
    /// What an earlier process left there.
    [[nodiscard]] std::optional<DaemonState> load() const;
    /// From any one thread.
    void store(const DaemonState& state);
    /// Removes the file: the disk knows as much.
    void forget();

  private:
    /// In the file as in memory: it is read on the host that wrote it only.
    struct Page {
        std::atomic<std::uint64_t> magic;
        std::atomic<std::uint64_t> incarnation;
        std::atomic<std::uint64_t> ring_counter;
    };
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

    std::string name_;
    UniqueFd directory_;
    Page* page_ = nullptr;
};

}  // namespace spread::daemon
