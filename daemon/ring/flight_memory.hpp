#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "daemon/driver/flight_recorder.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"

namespace spread::daemon {

/// The memory of a flight recorder, with the head that makes it a recording (flight_file.hpp) in
/// front. 4 MiB, or, in a file, 16 MiB.
class FlightMemory {
  public:
    static constexpr std::size_t kEvents = std::size_t{1} << 16U;
    static constexpr std::size_t kEventsInFile = std::size_t{1} << 18U;

    /// `file`: is the memory, so that what was recorded outlives a process that is killed; written
    /// over. Empty: none. Throws StartupError when it cannot be had.
    FlightMemory(protocol::DaemonId self, const protocol::Roster& daemons,
                 const std::string& file = {});
    ~FlightMemory();
    FlightMemory(const FlightMemory&) = delete;
    FlightMemory& operator=(const FlightMemory&) = delete;

    [[nodiscard]] std::span<driver::FlightSlot> slots() const { return slots_; }
    [[nodiscard]] bool is_file() const { return slots_.size() == kEventsInFile; }
    /// A recording of the kEvents last events at most, the oldest first. From any thread.
    [[nodiscard]] std::string recording() const;
    /// All of the memory as it is, for a process that is about to end or has no time.
    /// Async-signal-safe. False: errno says why.
    [[nodiscard]] bool write_to(int fd) const;

  private:
    std::byte* memory_ = nullptr;
    std::size_t bytes_ = 0;
    std::span<driver::FlightSlot> slots_;
};

}  // namespace spread::daemon
