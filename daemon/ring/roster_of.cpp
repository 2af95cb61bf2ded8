#include "daemon/ring/roster_of.hpp"

#include <utility>
#include <vector>

namespace spread::daemon {

protocol::Roster roster_of(const config::Configuration& configuration) {
    std::vector<protocol::RosterEntry> daemons;
    for (const config::Daemon& daemon : configuration.daemons) {
        daemons.push_back({protocol::DaemonId{daemon.id}, daemon.name});
    }
    return protocol::Roster(std::move(daemons));
}

}  // namespace spread::daemon
