#include "membership/ring_config.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "protocol/ring_wire.hpp"

namespace spread::membership {
namespace {

constexpr int kWideAreaFactor = 4;
/// Time that daemons have to answer, however short the loss timeout is.
constexpr protocol::Duration kFormingTimeoutMin = std::chrono::milliseconds(1);
/// Loss timeouts that a ring which learns bears at most, when nothing else was set.
constexpr int kLossFactorMax = 20;
/// A rest of the token must not look like a silence to learn from, of which four times is borne.
constexpr int kRestsPerLoss = 5;
/// While a ring forms everybody hears of everybody, and has to be done with it within a timeout. Up
/// to so many daemons the plain timeouts will do; beyond, they grow with the square of the number,
/// as does what a machine has to do on which all of them run.
constexpr double kDaemonsAtOnce = 16;
/// Packets per rotation and daemon: where all are busy, each has a burst and a half per visit.
constexpr std::uint32_t kWindowPerDaemon = 66;

template <typename T>
void take_if_set(T& target, const std::optional<T>& setting) {
    target = setting.value_or(target);
}

/// The timeouts of rings that form.
void scale_forming(RingConfig& ring, double scale) {
    for (protocol::Duration* timeout : {&ring.join_timeout, &ring.consensus_timeout,
                                        &ring.start_timeout, &ring.merge_detect_timeout}) {
        *timeout = std::max(
            kFormingTimeoutMin,
            protocol::Duration(std::llround(static_cast<double>(timeout->count()) * scale)));
    }
}

void settle_timeouts(RingConfig& ring, const RingSettings& settings) {
    if (settings.wide_area) {
        for (protocol::Duration* timeout :
             {&ring.token_loss_timeout, &ring.token_retransmit_timeout, &ring.token_hold_timeout,
              &ring.token_settle_timeout, &ring.join_timeout, &ring.consensus_timeout,
              &ring.start_timeout, &ring.merge_detect_timeout}) {
            *timeout *= kWideAreaFactor;
        }
    }
    if (settings.token_loss_timeout) {
        const double scale = static_cast<double>(settings.token_loss_timeout->count()) /
                             static_cast<double>(ring.token_loss_timeout.count());
        scale_forming(ring, scale);
        ring.token_loss_timeout = *settings.token_loss_timeout;
    }
    const double crowd = ring.crowd();
    scale_forming(ring, crowd * crowd);
    ring.token_loss_timeout_max =
        std::max(ring.token_loss_timeout,
                 settings.token_loss_timeout_max.value_or(std::min(
                     ring.token_loss_timeout_max, kLossFactorMax * ring.token_loss_timeout)));
    const bool is_learning = ring.token_loss_timeout_max > ring.token_loss_timeout;
    take_if_set(ring.token_retransmit_timeout, settings.token_retransmit_timeout);
    ring.token_retransmit_timeout =
        std::min(ring.token_retransmit_timeout,
                 settings.token_retransmit_timeout_max.value_or(ring.token_retransmit_timeout));
    take_if_set(ring.join_timeout, settings.join_timeout);
    take_if_set(ring.consensus_timeout, settings.consensus_timeout);
    take_if_set(ring.start_timeout, settings.start_timeout);
    take_if_set(ring.merge_detect_timeout, settings.merge_detect_timeout);
    take_if_set(ring.token_hold_timeout, settings.token_hold_timeout);
    ring.token_hold_timeout =
        std::min(ring.token_hold_timeout, is_learning ? ring.token_loss_timeout / kRestsPerLoss
                                                      : ring.token_loss_timeout * 2 / 5);
    take_if_set(ring.token_settle_timeout, settings.token_settle_timeout);
    ring.token_settle_timeout = std::min(ring.token_settle_timeout, ring.token_loss_timeout / 8);
}

void settle_windows(RingConfig& ring, const RingSettings& settings) {
    const bool is_fixed = settings.window || settings.personal_window;
    if (settings.window) {
        ring.window = *settings.window;
        ring.personal_window = std::min(ring.personal_window, ring.window);
    }
    if (settings.personal_window) {
        ring.personal_window = *settings.personal_window;
        ring.window = std::max(ring.window, ring.personal_window);
    }
    if (is_fixed) {
        ring.window_max = ring.window;
    }
    take_if_set(ring.window_max, settings.window_max);
    // A window must fit between the numbers assigned and those received by all.
    ring.gap_max = settings.gap_max.value_or(std::max(ring.gap_max, 2 * ring.window));

    const auto span = static_cast<std::uint32_t>(protocol::held_span_max(ring.daemons.size()));
    ring.window = std::min(ring.window, span / 3);
    ring.window_max = std::min(ring.window_max, span / 3);
    if (!is_fixed) {
        const auto daemons = static_cast<std::uint32_t>(ring.daemons.size());
        ring.window =
            std::max(ring.window, std::min(kWindowPerDaemon * daemons, ring.window_max / 2));
    }
    ring.personal_window = std::min(ring.personal_window, ring.window);
    ring.gap_max = std::min(ring.gap_max, span - std::max(ring.window, ring.window_max));

    ring.window_limit = std::max(ring.window, ring.window_max);

    take_if_set(ring.accelerated_window, settings.accelerated_window);
    if (ring.window_max <= ring.window) {
        ring.accelerated_window = std::min(ring.accelerated_window, ring.personal_window);
    }
    if (!ring.accelerated) {
        ring.accelerated_window = 0;
    }
}

}  // namespace

RingConfig RingConfig::settled(const RingSettings& settings) {
    RingConfig ring;
    ring.daemons = settings.daemons;
    ring.self = settings.self;
    ring.config_hash = settings.config_hash;
    ring.accelerated = settings.accelerated;
    take_if_set(ring.lease_after_hits, settings.lease_after_hits);
    take_if_set(ring.receive_room_bytes, settings.receive_room_bytes);
    take_if_set(ring.datagram_bytes_max, settings.datagram_bytes_max);
    take_if_set(ring.send_queue_messages_max, settings.send_queue_messages_max);
    settle_timeouts(ring, settings);
    settle_windows(ring, settings);
    return ring;
}

double RingConfig::crowd() const {
    return std::max(1.0, static_cast<double>(daemons.size()) / kDaemonsAtOnce);
}

protocol::Duration RingConfig::join_timeouts(double count) const {
    return protocol::Duration(
        std::llround(std::min(1.0, count) * static_cast<double>(join_timeout.count())));
}

bool RingConfig::change_windows(const WindowChange& change) {
    for (const auto& size : {change.window, change.personal_window}) {
        if (size && (*size == 0 || *size > window_limit)) {
            return false;
        }
    }
    if (change.accelerated_window.value_or(0) > window_limit) {
        return false;
    }
    if (change.window || change.personal_window) {
        window = change.window.value_or(window);
        personal_window = std::min(change.personal_window.value_or(personal_window), window);
        window_max = window;
    }
    accelerated_window =
        std::min(change.accelerated_window.value_or(accelerated_window), personal_window);
    return true;
}

}  // namespace spread::membership
