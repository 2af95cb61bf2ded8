#include "ordering/flow_control.hpp"

#include <algorithm>

namespace spread::ordering {
namespace {

/// a - b, or 0. Counters on the token come from other daemons and need not add up.
std::uint32_t minus(std::uint32_t a, std::uint32_t b) {
    return a > b ? a - b : 0;
}

}  // namespace

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
    // Who has sent may send again at its next visit: without this, a few busy members could use up
    // the window for ever.
    return allowed == 0 && backlog > 0 ? 1 : allowed;
}

void FlowControl::settle(protocol::Token& token, std::uint32_t sent, std::uint32_t backlog,
                         bool out_of_turn) {
    token.fcc = (out_of_turn ? token.fcc : minus(token.fcc, my_sent_)) + sent;
    token.backlog = minus(token.backlog, my_backlog_) + backlog;
    my_sent_ = out_of_turn ? my_sent_ + sent : sent;
    my_backlog_ = backlog;
}

}  // namespace spread::ordering
