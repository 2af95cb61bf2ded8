#include "tests/golden/cluster.hpp"

#include <stdexcept>

namespace spread::golden {

RealCluster::RealCluster(support::DaemonKind kind, std::size_t daemons)
    : ring_(daemons,
            {.kind = kind, .loopback = daemons == 1, .segment_address = {}, .extra_options = {}}) {
    if (daemons > 1) {
        ring_.wait_formed();
    }
}

support::RawConnection RealCluster::connect(const std::string& daemon) {
    for (std::size_t i = 0; i < ring_.size(); ++i) {
        if (ring_.daemon(i).spec().name == daemon) {
            return ring_.connection(i);
        }
    }
    throw std::runtime_error("there is no daemon " + daemon);
}

void RealCluster::cut_link() {
    ring_.links().partition({{0}, {1}});
}

void RealCluster::restore_link() {
    ring_.links().heal();
}

}  // namespace spread::golden
