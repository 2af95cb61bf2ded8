#include "ordering/flow_control.hpp"

#include <algorithm>

namespace spread::ordering {
namespace {

/// Loss does not shrink the window below this.
constexpr std::uint32_t kWindowMin = 32;
/// While a rotation takes no longer than so many of the shortest ones, the network's delay is at
/// least a third of it, and a larger window pays.
constexpr int kGrowBelow = 3;
/// Rotations longer than this multiple show that growth has made the ring slower.
constexpr int kShrinkBeyond = 6;
/// Shares of the packets that a member loses, in percent: growth ends, and the window shrinks.
/// Random loss of a bad link, some percent, must do neither for long; a buffer that overflows loses
/// all that is beyond its size.
constexpr std::uint64_t kLossNoGrowth = 6;
constexpr std::uint64_t kLossShrink = 25;
/// The sums fade by this part per rotation.
constexpr std::uint64_t kFade = 8;

/// A rotation with so few packets is all delay; so many of them say what the delay is now.
constexpr std::uint32_t kLightPackets = 8;
constexpr int kLightRotations = 64;

/// a - b, or 0. Counters on the token come from other daemons and need not add up.
std::uint32_t minus(std::uint32_t a, std::uint32_t b) {
    return a > b ? a - b : 0;
}

}  // namespace

FlowControl::FlowControl(const WindowConfig& config) : config_(config), window_(0) {
    use_window(config.window);
}

void FlowControl::use_window(std::uint32_t window) {
    window_ = is_fixed()
                  ? config_.window
                  : std::clamp(window, std::min(kWindowMin, config_.window), config_.window_max);
    if (!is_fixed()) {
        window_ = std::min(window_, std::max(config_.receive_room, std::uint32_t{1}));
    }
    personal_window_ = std::max<std::uint32_t>(
        1, static_cast<std::uint32_t>(std::uint64_t{config_.personal_window} * window_ /
                                      std::max<std::uint32_t>(1, config_.window)));
}

void FlowControl::on_rotation(const protocol::Token& token, protocol::Duration rotation) {
    if (rotation <= protocol::Duration::zero()) {
        return;
    }
    if (base_rotation_ == protocol::Duration::zero() || rotation < base_rotation_) {
        base_rotation_ = rotation;
    }
    // A route may have become longer. Under load that cannot be told from work.
    if (token.fcc > kLightPackets) {
        return;
    }
    light_rotation_ = light_rotations_ == 0 ? rotation : std::min(light_rotation_, rotation);
    if (++light_rotations_ == kLightRotations) {
        base_rotation_ = light_rotation_;
        light_rotations_ = 0;
    }
}

void FlowControl::size_window(protocol::Token& token, protocol::Duration rotation) {
    if (is_fixed()) {
        token.window = token.window_limit = token.lost = 0;
        return;
    }
    recent_sent_ = recent_sent_ - recent_sent_ / kFade + token.fcc;
    recent_lost_ = recent_lost_ - recent_lost_ / kFade + token.lost;
    const auto losing = [this](std::uint64_t percent) {
        return 100 * recent_lost_ >= percent * recent_sent_ && recent_lost_ >= kWindowMin;
    };
    std::uint32_t window = window_;
    if (losing(kLossShrink)) {
        window -= window / 4;
        recent_sent_ = recent_lost_ = 0;  // the next verdict is about the smaller window
    } else if (rotation > kShrinkBeyond * base_rotation_ && window > config_.window) {
        window = std::max(config_.window, window - window / 8);
    } else if (token.backlog > 0 && token.fcc >= window / 4 && !losing(kLossNoGrowth) &&
               (window < config_.window || (rotation > protocol::Duration::zero() &&
                                            rotation <= kGrowBelow * base_rotation_))) {
        window += window / 4;
    }
    if (token.window_limit > 0) {
        window = std::min(window, token.window_limit);
    }
    use_window(window);
    token.window = window_;
    token.window_limit = config_.receive_room;
    token.lost = 0;
}

void FlowControl::take_window(const protocol::Token& token) {
    if (token.window > 0) {
        use_window(token.window);
    }
}

void FlowControl::report(protocol::Token& token, std::uint32_t lost) const {
    token.lost = std::max(token.lost, lost);
    if (token.window > 0) {
        token.window_limit = std::min(token.window_limit, config_.receive_room);
    }
}

std::uint32_t FlowControl::allowance(const protocol::Token& token, std::uint32_t backlog,
                                     bool out_of_turn) const {
    const std::uint32_t others_sent = minus(token.fcc, my_sent_);
    const std::uint32_t others_waiting = minus(token.backlog, my_backlog_);
    std::uint32_t allowed = std::min(personal_window_, minus(window_, others_sent));
    if (others_waiting > 0 && backlog > 0) {
        const std::uint64_t share =
            std::uint64_t{window_} * backlog / (std::uint64_t{others_waiting} + backlog);
        allowed = std::min(allowed, static_cast<std::uint32_t>(std::max<std::uint64_t>(share, 1)));
    }
    if (out_of_turn) {
        allowed = minus(allowed, my_sent_);
    }
    // Whoever has packets may send one per visit: otherwise a few busy members could use up the
    // window for ever.
    return allowed == 0 && backlog > 0 ? 1 : allowed;
}

void FlowControl::account_visit(protocol::Token& token, std::uint32_t sent, std::uint32_t backlog,
                                bool out_of_turn) {
    token.fcc = (out_of_turn ? token.fcc : minus(token.fcc, my_sent_)) + sent;
    token.backlog = minus(token.backlog, my_backlog_) + backlog;
    my_sent_ = out_of_turn ? my_sent_ + sent : sent;
    my_backlog_ = backlog;
}

}  // namespace spread::ordering
