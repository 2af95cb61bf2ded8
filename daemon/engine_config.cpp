#include "daemon/engine_config.hpp"

#include "config/identity.hpp"
#include "daemon/ring/roster_of.hpp"

namespace spread::daemon {
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
    ring.window = configuration.window;
    ring.personal_window = configuration.personal_window;
    ring.accelerated_window = configuration.accelerated_window;
    return membership::RingConfig::settled(ring);
}

membership::GroupConfig group_config_of(const config::Configuration& configuration,
                                        std::size_t self) {
    membership::GroupConfig groups;
    const protocol::Roster roster = roster_of(configuration);
    groups.daemons.assign(roster.daemons().begin(), roster.daemons().end());
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

}  // namespace spread::daemon
