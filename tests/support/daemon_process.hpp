#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::support {

/// Which daemon a test drives. The stock one serves to check the tests themselves, and to compare.
enum class DaemonKind : std::uint8_t { kOurs, kStock };

/// The daemon that tests start: the one built with them, or what SPREAD_TEST_DAEMON names, such as
/// one built with a sanitizer.
[[nodiscard]] std::filesystem::path daemon_binary();

/// Where a stock Spread 5.0.1 is installed (SPREAD_STOCK_DIR), if anywhere.
[[nodiscard]] std::optional<std::filesystem::path> stock_directory();

/// One configured daemon of a test's ring.
struct DaemonSpec {
    std::string name;
    std::string address;
    int network_namespace = -1;
    std::filesystem::path program = {};      ///< empty: daemon_binary()
    std::vector<std::string> arguments{};    ///< further ones of our daemon
    std::filesystem::path etc = {};          ///< ChildProcess::Options::etc
    std::vector<std::string> environment{};  ///< ChildProcess::Options::environment
};

/// A configuration text with all daemons in one segment, each on its own address.
[[nodiscard]] std::string ring_configuration(DaemonKind kind,
                                             const std::vector<DaemonSpec>& daemons,
                                             const std::string& segment_address,
                                             std::uint16_t port);

/// A port below 32768 (older clients know no others) that is free, with its successor, on all
/// local addresses and as a Unix socket, and that no other test of this run is likely to pick.
[[nodiscard]] std::uint16_t pick_port();

/// A running daemon. Its output goes to a file in `directory`; our daemon's Unix socket is there,
/// stock's in /tmp, which all stock daemons of one port share: the last one started has it.
class DaemonProcess {
  public:
    DaemonProcess(DaemonKind kind, DaemonSpec spec, const std::filesystem::path& configuration,
                  std::uint16_t port, const std::filesystem::path& directory);

    /// Returns when it accepts clients on its TCP port; throws when it ended before.
    void wait_listening();
    /// SIGTERM, and the exit status.
    int stop();
    /// SIGKILL, as a crash.
    void crash();
    /// The next start runs this one, such as another release.
    void use_program(const std::filesystem::path& program) { spec_.program = program; }
    /// Starts the same daemon again and waits until it listens; the old process must be gone.
    void restart();
    /// From the next start on it is there.
    void move_to(const std::string& address) { spec_.address = address; }
    /// DaemonSpec::arguments of the next start.
    void set_arguments(std::vector<std::string> arguments) {
        spec_.arguments = std::move(arguments);
    }

    [[nodiscard]] ChildProcess& process() { return *process_; }
    [[nodiscard]] const DaemonSpec& spec() const { return spec_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string log() const;
    /// Returns when the log says `text`: a thread of the daemon's own writes it, after the fact.
    void wait_logged(const std::string& text) const;
    /// Where clients on this host reach the daemon.
    [[nodiscard]] std::filesystem::path unix_socket() const;
    /// Where spreadctl reaches our daemon.
    [[nodiscard]] std::filesystem::path control_socket() const;

  private:
    void start();

    DaemonKind kind_;
    DaemonSpec spec_;
    std::filesystem::path configuration_;
    std::uint16_t port_;
    std::filesystem::path log_file_;
    std::unique_ptr<ChildProcess> process_;
};

}  // namespace spread::support
