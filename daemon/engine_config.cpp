#include "daemon/engine_config.hpp"

#include <algorithm>

#include "config/identity.hpp"
#include "daemon/ring/roster_of.hpp"
#include "sealing/envelope.hpp"

namespace spread::daemon {
namespace {

constexpr std::size_t kUnixSessionsReserved = 16;
constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kMemoryBudgetMax = 4096 * kMiB;
/// Of a membership in a group of its own, while states are exchanged: in the old table, in the
/// message, and in the new table.
constexpr std::uint64_t kMembershipBytes = 800;
constexpr std::size_t kEthernetMtu = 1500;
constexpr std::size_t kIpAndUdpBytes = 48;
/// The smallest that DatagramBytes may say.
constexpr std::size_t kDatagramBytesMin = 512;

}  // namespace

membership::RingConfig ring_config_of(const config::Configuration& configuration,
                                      std::size_t self) {
    membership::RingSettings ring;
    for (const config::Daemon& daemon : configuration.daemons) {
        ring.daemons.push_back(protocol::DaemonId{daemon.id});
    }
    ring.self = ring.daemons[self];
    ring.config_hash = config::configuration_hash(configuration);
    ring.wide_area = configuration.is_wide_area();
    ring.accelerated = configuration.accelerated_ring.value_or(configuration.segments.size() <= 1);
    const config::StockTimeouts& stock = configuration.timeouts;
    ring.token_loss_timeout = stock.token;
    ring.token_retransmit_timeout_max = stock.hurry;
    ring.join_timeout = stock.join;
    ring.consensus_timeout = stock.gather;
    if (stock.seg && stock.gather) {
        ring.start_timeout = *stock.seg + *stock.gather;
    }
    ring.merge_detect_timeout = stock.lookup;
    if (configuration.token_timeout_max) {
        ring.token_loss_timeout_max = std::chrono::milliseconds(*configuration.token_timeout_max);
    } else if (stock.hurry) {
        ring.token_loss_timeout_max = stock.token;  // who sets all nine means what the file says
    }
    ring.window = configuration.window;
    ring.personal_window = configuration.personal_window;
    ring.accelerated_window = configuration.accelerated_window;
    return membership::RingConfig::settled(ring);
}

std::size_t wire_bytes_of(const config::Configuration& configuration, std::size_t self,
                          const std::vector<LocalAddress>& locals) {
    if (configuration.datagram_bytes) {
        return *configuration.datagram_bytes;
    }
    const config::Daemon& me = configuration.daemons[self];
    std::size_t bytes = kEthernetMtu - kIpAndUdpBytes;
    const auto look_at = [&](const config::IpAddress& address) {
        const LocalAddress* local = find_local(locals, address);
        if (local != nullptr && local->mtu > kIpAndUdpBytes) {
            bytes = std::min(bytes, local->mtu - kIpAndUdpBytes);
        }
    };
    if (find_local(locals, me.address) == nullptr) {
        // Any interface may be used: the daemon's address is a name, or not of this host (NAT).
        for (const LocalAddress& local : locals) {
            if (!local.loopback) {
                look_at(local.address);
            }
        }
    }
    look_at(me.address);
    for (const config::Interface& interface : me.interfaces) {
        if (interface.daemon) {
            look_at(interface.address);
        }
    }
    return std::max(bytes, kDatagramBytesMin);
}

std::size_t datagram_bytes_of(const config::Configuration& configuration, std::size_t self,
                              const std::vector<LocalAddress>& locals) {
    // From the first step towards a sealed ring on, so that none of the steps changes it.
    return wire_bytes_of(configuration, self, locals) -
           (configuration.ring_key_file ? sealing::kSealRoomBytes : 0);
}

membership::GroupConfig group_config_of(const config::Configuration& configuration,
                                        std::size_t self) {
    membership::GroupConfig groups;
    const protocol::Roster roster = roster_of(configuration);
    groups.daemons.assign(roster.daemons().begin(), roster.daemons().end());
    groups.self = groups.daemons[self].id;
    return groups;
}

std::uint64_t memory_budget_of(const config::Configuration& configuration,
                               const MemoryLimit& limit) {
    return configuration.memory_budget ? *configuration.memory_budget * kMiB
                                       : std::min(limit.bytes / 2, kMemoryBudgetMax);
}

session::SessionConfig session_config_of(const config::Configuration& configuration,
                                         std::size_t self, std::uint64_t memory_budget) {
    session::SessionConfig sessions;
    static_cast<config::SessionOptions&>(sessions) = configuration;
    sessions.daemon_name = configuration.daemons[self].name;
    sessions.place_sessions_max =
        configuration.max_sessions_per_address.value_or(configuration.max_sessions);
    sessions.unix_sessions_reserved =
        std::min(kUnixSessionsReserved, std::size_t{sessions.max_sessions} / kUnixSessionsReserved);
    sessions.queued_bytes_max = memory_budget / 4;
    sessions.memberships_max =
        std::min<std::size_t>(configuration.max_memberships, memory_budget / 4 / kMembershipBytes);
    sessions.auth.allowed = configuration.allowed_auth_methods;
    sessions.auth.required = configuration.required_auth_methods;
    return sessions;
}

}  // namespace spread::daemon
