#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/session.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::interop {

/// Which daemon the suite talks to: ours, or with SPREAD_INTEROP_DAEMON=stock the one installed
/// under SPREAD_STOCK_DIR. The second shows that the tests expect what stock really does; where we
/// do something else on purpose, a test says so with SPREAD_DIFFERS_FROM_STOCK or by asking here.
[[nodiscard]] support::DaemonKind daemon_kind();
[[nodiscard]] inline bool stock() {
    return daemon_kind() == support::DaemonKind::kStock;
}

/// Where we differ on purpose there is nothing to prove about stock. The reason is one line for
/// docs/conformance.md.
#define SPREAD_DIFFERS_FROM_STOCK(reason)                         \
    do {                                                          \
        if (::spread::interop::stock()) {                         \
            GTEST_SKIP() << "we differ on purpose: " << (reason); \
        }                                                         \
    } while (false)

/// Tests that cut links need network namespaces.
#define SPREAD_REQUIRE_NAMESPACES()                                                       \
    do {                                                                                  \
        if (!::spread::support::enter_private_network().empty()) {                        \
            GTEST_SKIP() << "NOT TESTED: " << ::spread::support::enter_private_network(); \
        }                                                                                 \
    } while (false)

enum class Transport : std::uint8_t { kTcp, kUnix };

/// For the names of tests.
[[nodiscard]] inline std::string transport_name(const testing::TestParamInfo<Transport>& info) {
    return info.param == Transport::kTcp ? "Tcp" : "Unix";
}

/// Daemons of one segment, named and ordered as asked, each in a network namespace of its own where
/// that is possible, else on an address of its own on loopback.
class Cluster {
  public:
    Cluster(const std::vector<std::string>& names, bool with_links,
            const std::string& extra_options = "", support::DaemonKind kind = daemon_kind());
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    [[nodiscard]] support::RawConnection connect(std::size_t daemon = 0,
                                                 Transport transport = Transport::kTcp);
    [[nodiscard]] std::size_t size() const { return daemons_.size(); }
    [[nodiscard]] support::DaemonProcess& daemon(std::size_t index = 0) {
        return *daemons_.at(index);
    }
    /// Where clients on this host reach it.
    [[nodiscard]] std::filesystem::path unix_socket(std::size_t daemon = 0) const;
    [[nodiscard]] bool has_links() const { return lab_ != nullptr; }
    [[nodiscard]] support::NetworkLab& links() { return *lab_; }
    /// Returns when all daemons are in one ring.
    void wait_formed();
    [[nodiscard]] std::string logs() const;
    [[nodiscard]] const support::TempDir& directory() const { return directory_; }

  private:
    void wait_for_socket_of_last();

    support::DaemonKind kind_;
    std::filesystem::file_time_type socket_made_{};  ///< stock's, the last one seen
    support::TempDir directory_;
    std::unique_ptr<support::NetworkLab> lab_;
    std::vector<std::unique_ptr<support::DaemonProcess>> daemons_;
};

/// A name nobody in this process has used; at most 10 bytes.
[[nodiscard]] std::string fresh(std::string_view stem);

/// Tests of one daemon. All tests of a process share it, "d1": what one leaves behind, the next
/// must be able to live with. A daemon that ended is a failure of the test that it ended in.
class OneDaemon : public testing::Test {
  public:
    [[nodiscard]] static Cluster& cluster();
    [[nodiscard]] static support::RawConnection connect(Transport transport = Transport::kTcp);
    [[nodiscard]] static Session session(const std::string& name) { return {connect(), name}; }
    [[nodiscard]] static Session session(const std::string& name, const Session::Options& options) {
        return {connect(), name, options};
    }
    /// A new client that is the only member of a new group.
    struct Member {
        Session session;
        std::string group;
        GroupId id;
    };
    [[nodiscard]] static Member witness();

  protected:
    void TearDown() override;
};

/// The same for rules that hold on every transport.
class OneDaemonBothWays : public OneDaemon, public testing::WithParamInterface<Transport> {
  public:
    [[nodiscard]] static support::RawConnection connect_this_way() { return connect(GetParam()); }
};

#define SPREAD_BOTH_WAYS(suite)                                                                   \
    INSTANTIATE_TEST_SUITE_P(                                                                     \
        Over, suite,                                                                              \
        testing::Values(::spread::interop::Transport::kTcp, ::spread::interop::Transport::kUnix), \
        ::spread::interop::transport_name)

}  // namespace spread::interop
