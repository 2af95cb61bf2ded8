#include "daemon/engine_config.hpp"

#include <algorithm>

#include "protocol/ring_wire.hpp"

namespace spread::daemon {
namespace {

constexpr int kWideAreaFactor = 4;
/// Packets per rotation and daemon: where all are busy, each has a burst and a half per visit.
constexpr std::uint32_t kWindowPerDaemon = 66;

}  // namespace

membership::RingConfig ring_config_of(const config::Configuration& configuration,
                                      std::size_t self) {
    membership::RingConfig ring;
    for (const config::Daemon& daemon : configuration.daemons) {
        ring.daemons.push_back(protocol::DaemonId{daemon.id});
    }
    ring.self = ring.daemons[self];
    ring.config_hash = config::configuration_hash(configuration);

    if (configuration.is_wide_area()) {
        for (protocol::Duration* timeout :
             {&ring.token_loss_timeout, &ring.token_retransmit_timeout, &ring.token_hold_timeout,
              &ring.token_settle_timeout, &ring.join_timeout, &ring.consensus_timeout,
              &ring.start_timeout, &ring.merge_detect_timeout}) {
            *timeout *= kWideAreaFactor;
        }
    }
    if (configuration.timeouts) {
        const config::StockTimeouts& stock = *configuration.timeouts;
        ring.token_loss_timeout = stock.token;
        ring.token_retransmit_timeout =
            std::min(ring.token_retransmit_timeout, protocol::Duration(stock.hurry));
        ring.join_timeout = stock.join;
        ring.consensus_timeout = stock.gather;
        ring.start_timeout = stock.seg + stock.gather;
        ring.merge_detect_timeout = stock.lookup;
    }
    // The others must hear of a held token well before they give the ring up.
    ring.token_hold_timeout = std::min(ring.token_hold_timeout, ring.token_loss_timeout * 2 / 5);

    ring.token_settle_timeout = std::min(ring.token_settle_timeout, ring.token_loss_timeout / 8);

    ring.accelerated = configuration.accelerated_ring.value_or(configuration.segments.size() <= 1);
    // What the file says of windows is meant: they keep their size.
    if (configuration.window) {
        ring.window = *configuration.window;
        ring.personal_window = std::min(ring.personal_window, ring.window);
    }
    if (configuration.personal_window) {
        ring.personal_window = *configuration.personal_window;
        ring.window = std::max(ring.window, ring.personal_window);
    }
    if (configuration.window || configuration.personal_window) {
        ring.window_max = ring.window;
    }
    // A window that a file sets must fit between the numbers assigned and those received by all.
    ring.gap_max = std::max(ring.gap_max, 2 * ring.window);
    // What a member holds beyond its aru, at most the gap and what a rotation adds, must fit into a
    // commit token of all daemons: what is not reported there is lost when a ring forms.
    const auto span =
        static_cast<std::uint32_t>(protocol::held_span_max(configuration.daemons.size()));
    ring.window = std::min(ring.window, span / 3);
    ring.window_max = std::min(ring.window_max, span / 3);
    if (!configuration.window && !configuration.personal_window) {
        const auto daemons = static_cast<std::uint32_t>(configuration.daemons.size());
        ring.window =
            std::max(ring.window, std::min(kWindowPerDaemon * daemons, ring.window_max / 2));
    }
    ring.personal_window = std::min(ring.personal_window, ring.window);
    ring.gap_max = std::min(ring.gap_max, span - std::max(ring.window, ring.window_max));
    if (configuration.accelerated_window) {
        ring.accelerated_window = *configuration.accelerated_window;
    }
    if (ring.window_max <= ring.window) {
        ring.accelerated_window = std::min(ring.accelerated_window, ring.personal_window);
    }
    if (!ring.accelerated) {
        ring.accelerated_window = 0;
    }
    return ring;
}

membership::GroupConfig group_config_of(const config::Configuration& configuration,
                                        std::size_t self) {
    membership::GroupConfig groups;
    for (const config::Daemon& daemon : configuration.daemons) {
        groups.daemons.push_back({protocol::DaemonId{daemon.id}, daemon.name});
    }
    groups.self = groups.daemons[self].id;
    return groups;
}

session::SessionConfig session_config_of(const config::Configuration& configuration,
                                         std::size_t self) {
    session::SessionConfig sessions;
    sessions.daemon_name = configuration.daemons[self].name;
    sessions.sessions_max = configuration.max_sessions;
    sessions.session_messages_max = configuration.max_session_messages;
    sessions.session_bytes_max = configuration.max_session_bytes;
    sessions.session_groups_max = configuration.max_session_groups;
    sessions.slow_reader_policy = configuration.slow_reader_policy;
    sessions.slow_reader_timeout = configuration.slow_reader_timeout;
    sessions.old_client_layout = configuration.old_client_layout;
    sessions.auth.allowed = configuration.allowed_auth_methods;
    sessions.auth.required = configuration.required_auth_methods;
    return sessions;
}

std::uint16_t token_port_of(std::uint16_t data_port) {
    return static_cast<std::uint16_t>(data_port == 65535 ? 65534 : data_port + 1);
}

}  // namespace spread::daemon
