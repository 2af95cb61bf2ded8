#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "client/socket.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::stress {

/// Where clients reach a daemon.
struct Door {
    std::string address;  ///< IPv4
    std::uint16_t port = 0;
    std::filesystem::path socket;  ///< empty: there is no Unix socket within reach
};

enum class Way : std::uint8_t { kTcp, kUnix };

/// A non-blocking socket, connected or on its way. TCP connections come from one of many loopback
/// addresses, drawn by `number`, since one has too few ports for a storm of connections. Empty when
/// the backlog of a Unix socket is full, and for errors (in errno).
[[nodiscard]] client::FileDescriptor open_socket(const Door& door, Way way, std::size_t number);

/// Memory and descriptors of a process, as the kernel counts them.
struct Usage {
    std::size_t rss_kib = 0;
    std::size_t peak_rss_kib = 0;
    std::size_t descriptors = 0;
    double cpu_seconds = 0;
};

[[nodiscard]] Usage usage_of(pid_t pid);
[[nodiscard]] std::string mib(std::size_t kib);

/// One daemon "d1" that is its whole ring, on loopback. The recordings' clients belong to a "d1".
class Daemon {
  public:
    /// `extra_options` are lines of its configuration. Returns when it accepts clients.
    explicit Daemon(const std::filesystem::path& program, const std::string& extra_options = "");

    [[nodiscard]] const Door& door() const { return door_; }
    [[nodiscard]] bool is_running() { return process_->is_running(); }
    [[nodiscard]] Usage usage() const { return usage_of(process_->pid()); }
    /// SIGTERM, and what is wrong with how it ended; empty when nothing is.
    [[nodiscard]] std::string stop();
    [[nodiscard]] std::string log() const { return process_->output(); }
    /// The end of the log, for messages.
    [[nodiscard]] std::string last_words() const;
    /// Sanitizers make a daemon keep memory that it has freed.
    [[nodiscard]] bool is_sanitized() const { return is_sanitized_; }

  private:
    support::TempDir directory_;
    Door door_;
    bool is_sanitized_ = false;
    std::unique_ptr<support::ChildProcess> process_;
};

}  // namespace spread::stress
