#pragma once

#include <string>

#include "tests/golden/replay.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::golden {

/// Daemons "d1", "d2", ... to replay against. More than one require
/// support::enter_private_network(), because links can be cut there only.
class RealCluster : public Cluster {
  public:
    RealCluster(support::DaemonKind kind, std::size_t daemons);

    [[nodiscard]] support::RawConnection connect(const std::string& daemon) override;
    void cut_link() override;
    void restore_link() override;

    [[nodiscard]] support::TestRing& ring() { return ring_; }

  private:
    support::TestRing ring_;
};

}  // namespace spread::golden
