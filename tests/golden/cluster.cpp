#include "tests/golden/cluster.hpp"

#include <stdexcept>
#include <string>

namespace spread::golden {

namespace {

/// What makes ours answer clients of version 3 as stock does.
std::string options_of(support::DaemonKind kind) {
    return kind == support::DaemonKind::kOurs ? "OldClientLayout = false\n" : "";
}

}  // namespace

RealCluster::RealCluster(support::DaemonKind kind, std::size_t daemons)
    : ring_(daemons, {.kind = kind,
                      .loopback = daemons == 1,
                      .segment_address = {},
                      .extra_options = options_of(kind)}) {
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
