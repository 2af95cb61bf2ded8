#include "tests/sim/key_side.hpp"

#include <utility>

#include "daemon/session/key_messages.hpp"
#include "tests/sim/sim_roster.hpp"

namespace spread::sim {

KeySide::KeySide(std::size_t daemons, protocol::DaemonId self, KeyDisk& disk, protocol::Rng rng,
                 std::function<void(protocol::Duration)> wake)
    : rng_(rng),
      wake_(std::move(wake)),
      store_(*disk.read(), disk),
      agreement_({roster_of(daemons), self, *disk.read(),
                  [this](sealing::KeyOrder order) { this->order(std::move(order)); }}) {}

/// Mostly a fast disk.
protocol::Duration KeySide::pause() {
    return std::chrono::microseconds(rng_.chance(1, 10) ? rng_.below(200000) : rng_.below(500));
}

void KeySide::order(sealing::KeyOrder order) {
    orders_.push_back(std::move(order));
    wake_(protocol::Duration(0));
}

std::unique_ptr<sealing::KeyRing> KeySide::work(protocol::Instant now,
                                                session::SessionOutput& out) {
    if (is_quiet()) {
        return nullptr;
    }
    if (!due_) {
        due_ = now + pause();
    }
    if (now < *due_) {
        wake_(*due_ - now);
        return nullptr;
    }
    due_.reset();
    wake_(protocol::Duration(0));
    if (!std::exchange(tells_, false)) {
        store_.carry_out(orders_.front(), "");
        orders_.pop_front();
        tells_ = true;
        return nullptr;
    }
    agreement_.on_keys(store_.state());
    session::submit_key_messages(agreement_, out);
    return std::make_unique<sealing::KeyRing>(store_.keys());
}

}  // namespace spread::sim
