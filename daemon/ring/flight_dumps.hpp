#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/ring/flight_memory.hpp"
#include "protocol/ids.hpp"

namespace spread::daemon {

/// Where recordings go: a directory that stays open, so that privileges and root may be given up
/// meanwhile, and the names of one daemon's files in it.
struct FlightPlace {
    int directory = -1;  ///< -1: nowhere; borrowed
    std::string path;    ///< for people
    protocol::DaemonId daemon;
};

/// While it lives, a fatal signal, an abort() by a violated invariant among them, first writes
/// `daemon-ID.crash.flight`. One at a time in a process.
class CrashRecording {
  public:
    /// Both must outlive this object.
    CrashRecording(const FlightMemory& memory, const FlightPlace& place);
    ~CrashRecording();
    CrashRecording(const CrashRecording&) = delete;
    CrashRecording& operator=(const CrashRecording&) = delete;
};

/// Writes recordings while the ring changes: `daemon-ID.N.flight`, N from 0 to 3 in turn, the
/// newest over the oldest. At once when it is told, and again at the earliest a minute later. By a
/// thread of its own, since a disk may take its time.
class FlightDumps {
  public:
    static constexpr std::size_t kFiles = 4;

    FlightDumps(const FlightMemory& memory, FlightPlace place);
    /// Waits for the disk.
    ~FlightDumps();
    FlightDumps(const FlightDumps&) = delete;
    FlightDumps& operator=(const FlightDumps&) = delete;

    /// From any thread.
    void note_change();

  private:
    void run();
    void dump();

    const FlightMemory& memory_;
    const FlightPlace place_;
    std::size_t next_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_wanted_ = false;
    bool is_over_ = false;
    bool is_failing_ = false;
    std::thread thread_;
};

}  // namespace spread::daemon
