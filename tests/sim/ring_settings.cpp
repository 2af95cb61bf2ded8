#include "tests/sim/ring_settings.hpp"

#include <chrono>

namespace spread::sim {
namespace {

void set(std::optional<protocol::Duration>& setting, std::uint32_t us) {
    if (us != 0) {
        setting = std::chrono::microseconds(us);
    }
}

template <typename T>
void set(std::optional<T>& setting, std::uint32_t value) {
    if (value != 0) {
        setting = value;
    }
}

}  // namespace

membership::RingConfig ring_config_of(const Tunables& tunables, std::uint32_t daemons,
                                      protocol::DaemonId self, std::uint32_t config_hash) {
    membership::RingSettings settings;
    for (std::uint32_t i = 1; i <= daemons; ++i) {
        settings.daemons.push_back(protocol::DaemonId{i});
    }
    settings.self = self;
    settings.config_hash = config_hash;
    settings.accelerated = tunables.plain == 0;
    set(settings.token_loss_timeout, tunables.token_loss_us);
    set(settings.token_loss_timeout_max, tunables.token_loss_max_us);
    set(settings.token_retransmit_timeout, tunables.token_retransmit_us);
    set(settings.token_hold_timeout, tunables.token_hold_us);
    set(settings.token_settle_timeout, tunables.token_settle_us);
    set(settings.join_timeout, tunables.join_us);
    set(settings.consensus_timeout, tunables.consensus_us);
    set(settings.start_timeout, tunables.start_us);
    set(settings.merge_detect_timeout, tunables.merge_detect_us);
    set(settings.lease_after_hits, tunables.lease_after_hits);
    set(settings.window, tunables.window);
    set(settings.personal_window, tunables.personal_window);
    set(settings.accelerated_window, tunables.accelerated_window);
    set(settings.window_max, tunables.window_max);
    set(settings.gap_max, tunables.gap_max);
    set(settings.receive_room_bytes, tunables.receive_room);
    set(settings.datagram_bytes_max, tunables.datagram_bytes);
    set(settings.send_queue_messages_max, tunables.send_queue_messages);
    return membership::RingConfig::settled(settings);
}

}  // namespace spread::sim
