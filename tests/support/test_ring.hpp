#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/daemon_process.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_client.hpp"

namespace spread::support {

/// Daemons "d1", "d2", ... in one segment. Each has a network namespace of its own where the system
/// allows that, else all are on loopback, each with its own address 127.0.0.1, 127.0.0.2, ...
class TestRing {
  public:
    struct Options {
        DaemonKind kind = DaemonKind::kOurs;
        bool loopback = false;        ///< on loopback in any case
        std::string segment_address;  ///< empty: broadcast
        std::string extra_options;    ///< appended to the configuration
        std::size_t spare_hosts = 0;  ///< behind those of the daemons
        /// The last daemon is behind a router with this MTU; 0: it is not.
        std::size_t router_mtu = 0;
        std::size_t mtu = 0;                 ///< of all links; 0: the system's choice
        std::filesystem::path program = {};  ///< of all daemons; empty: daemon_binary()
    };

    explicit TestRing(std::size_t daemons) : TestRing(daemons, Options{}) {}
    /// Starts the daemons and returns when they listen; see also wait_formed().
    TestRing(std::size_t daemons, Options options);

    [[nodiscard]] DaemonProcess& daemon(std::size_t index) { return *daemons_.at(index); }
    [[nodiscard]] std::size_t size() const { return daemons_.size(); }
    /// A new client of daemon `index`.
    [[nodiscard]] TestClient client(std::size_t index, const std::string& private_name,
                                    bool wants_membership = true);
    [[nodiscard]] RawConnection connection(std::size_t index);

    /// Returns when these daemons (default: all) are in one ring without others.
    void wait_formed(const std::vector<std::size_t>& indices = {});

    /// Starts the program of daemon `index` once more, on another host, with other options if any;
    /// its configuration ends with `extra_options`. Does not wait for it.
    [[nodiscard]] std::unique_ptr<DaemonProcess> start_again(std::size_t index, std::size_t host,
                                                             const std::string& extra_options = "");

    /// Whether links can be cut.
    [[nodiscard]] bool has_links() const { return lab_.has_value(); }
    [[nodiscard]] NetworkLab& links() { return *lab_; }

    /// Everything the daemons have logged, for messages of failed tests.
    [[nodiscard]] std::string logs() const;

  private:
    [[nodiscard]] std::string configuration() const;

    TempDir directory_;
    Options options_;
    std::uint16_t port_;
    std::vector<DaemonSpec> specs_;
    std::optional<NetworkLab> lab_;
    std::vector<std::unique_ptr<DaemonProcess>> daemons_;
};

/// Daemons of ours on loopback, with these lines in their configuration.
[[nodiscard]] inline TestRing::Options on_loopback(std::string extra_options = "") {
    return {.kind = DaemonKind::kOurs,
            .loopback = true,
            .segment_address = {},
            .extra_options = std::move(extra_options)};
}

}  // namespace spread::support
