#include <algorithm>
#include <array>

#include "tests/sim/generator_draft.hpp"

namespace spread::sim {
namespace {

/// Short, so that much happens in little virtual time; in proportions that a careless user could
/// choose too.
void draw_timeouts(Draft& draft) {
    Draw draw(draft.seed, "timeouts");
    Tunables& tunables = draft.scenario.tunables;
    const auto daemons = static_cast<std::uint32_t>(draft.scenario.daemons());
    // Must exceed a few rotations of the largest rings.
    const std::uint32_t loss = draw.between32(20000, 80000) + 2000 * daemons;
    tunables.token_loss_us = loss;
    tunables.token_retransmit_us = draw.between32(loss / 25, loss / 5);
    tunables.token_hold_us = draw.between32(loss / 8, loss / 4);
    // As good as never, shorter than a round, or well below what makes others wonder.
    tunables.token_settle_us = draw.percent(20) ? 1 : draw.skewed32(50, loss / 10);
    tunables.join_us = draw.between32(loss / 16, loss / 3);
    tunables.consensus_us = draw.between32(loss / 3, loss + loss / 2);
    tunables.start_us = draw.between32(tunables.consensus_us / 2, 2 * tunables.consensus_us);
    tunables.merge_detect_us = draw.between32(loss / 2, 3 * loss);
    draft.timeouts = {tunables.token_loss_us, tunables.token_loss_us, tunables.consensus_us,
                      tunables.start_us, tunables.merge_detect_us};
}

/// Mostly fixed: much is to happen in little time, and a ring that has learnt to wait waits.
void draw_patience(Draft& draft) {
    Draw draw(draft.seed, "patience");
    Tunables& tunables = draft.scenario.tunables;
    tunables.token_loss_max_us =
        draw.percent(70) ? tunables.token_loss_us : tunables.token_loss_us * draw.between32(2, 20);
    draft.timeouts.token_loss_max_us = tunables.token_loss_max_us;
}

/// The less it takes to lease the token, the more guesses are wrong.
void draw_leases(Draft& draft) {
    constexpr std::uint32_t kNever = 1'000'000;
    Draw draw(draft.seed, "leases");
    const std::size_t choice = draw.weighted({50, 20, 20, 10});
    draft.scenario.tunables.lease_after_hits = std::array{1U, 2U, 0U, kNever}[choice];
}

void draw_windows(Draft& draft) {
    Draw draw(draft.seed, "windows");
    Tunables& tunables = draft.scenario.tunables;
    tunables.plain = draw.percent(30) ? 1 : 0;
    if (draw.percent(60)) {
        tunables.personal_window = draw.skewed32(1, 40);
        tunables.window = tunables.personal_window * draw.between32(1, 4);
        tunables.accelerated_window = draw.between32(1, tunables.personal_window);
    }
    if (draw.percent(50)) {
        const std::uint32_t window = tunables.window != 0 ? tunables.window : 160;
        tunables.gap_max = 2 * window + draw.skewed32(0, 500);
    }
    if (draw.percent(40)) {
        tunables.datagram_bytes =
            draw.percent(80) ? draw.between32(300, 1400) : draw.between32(1453, 8900);
    }
    // Small windows have far to grow, small rooms stop them.
    if (tunables.window != 0 && draw.percent(50)) {
        tunables.window_max = tunables.window * draw.between32(2, 64);
    }
    if (draw.percent(25)) {
        tunables.receive_room = draw.skewed32(2000, 400000);
    }
}

void draw_queues(Draft& draft) {
    Draw draw(draft.seed, "queues");
    Tunables& tunables = draft.scenario.tunables;
    if (draw.percent(35)) {
        tunables.send_queue_messages = draw.skewed32(4, 300);
    }
    if (draw.percent(25)) {
        tunables.session_messages = draw.skewed32(10, 200);
    }
    if (draw.percent(35)) {
        tunables.delivery_queue = draw.skewed32(4, 200);
    }
    if (draw.percent(35)) {
        tunables.submit_queue = draw.skewed32(2, 100);
    }
    if (draw.percent(25)) {
        tunables.receive_queue = draw.skewed32(16, 256);
    }
    if (draw.percent(30)) {
        tunables.state_message_bytes = draw.skewed32(1024, 4096);
    }
    if (draw.percent(30)) {
        tunables.session_delay_us = draw.skewed32(1, 3000);
    }
    tunables.port_unreachable = draw.percent(50) ? 1 : 0;
    if (tunables.session_messages != 0 && draw.percent(50)) {
        tunables.session_block_us = draw.skewed32(2000, 100000);
    }
}

/// Small enough that clients who read slowly meet them, and passwords that take their time.
void draw_session_limits(Draft& draft) {
    Draw draw(draft.seed, "session limits");
    Tunables& tunables = draft.scenario.tunables;
    if (draw.percent(20)) {
        tunables.session_bytes = draw.skewed32(2000, 400000);
    }
    if (draw.percent(20)) {
        tunables.queued_bytes = draw.skewed32(4000, 800000);
    }
    if (draw.percent(20)) {
        tunables.password_us = draw.skewed32(100, 20000);
    }
}

/// From every step for itself to many.
void draw_turns(Draft& draft) {
    Draw draw(draft.seed, "turns");
    if (draw.percent(40)) {
        draft.scenario.tunables.turn_units = draw.skewed32(1, 200);
    }
}

/// So small that a client which does not read at once leaves its socket full in mid-message.
void draw_sockets(Draft& draft) {
    Draw draw(draft.seed, "sockets");
    if (draw.percent(30)) {
        draft.scenario.tunables.socket_bytes = draw.skewed32(200, 20000);
    }
}

}  // namespace

void draw_tunables(Draft& draft) {
    draw_timeouts(draft);
    draw_patience(draft);
    draw_leases(draft);
    draw_windows(draft);
    draw_queues(draft);
    draw_session_limits(draft);
    draw_turns(draft);
    draw_sockets(draft);
}

}  // namespace spread::sim
