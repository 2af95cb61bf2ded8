#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/golden/replay.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/temp_dir.hpp"

namespace spread::golden {

/// One daemon "d1" on loopback.
class SingleDaemon : public Cluster {
  public:
    explicit SingleDaemon(support::DaemonKind kind);

    [[nodiscard]] support::RawConnection connect(const std::string& daemon) override;
    void cut_link() override;
    void restore_link() override;

    [[nodiscard]] support::DaemonProcess& daemon() { return *daemon_; }

  private:
    support::TempDir directory_;
    std::unique_ptr<support::DaemonProcess> daemon_;
};

/// Daemons "d1" and "d2" in network namespaces of their own, in one ring. Requires
/// support::enter_private_network().
class TwoDaemons : public Cluster {
  public:
    explicit TwoDaemons(support::DaemonKind kind);

    [[nodiscard]] support::RawConnection connect(const std::string& daemon) override;
    void cut_link() override;
    void restore_link() override;

  private:
    /// Returns when clients of both see each other.
    void wait_for_ring();

    support::TempDir directory_;
    support::NetworkLab lab_;
    std::vector<std::unique_ptr<support::DaemonProcess>> daemons_;
};

}  // namespace spread::golden
