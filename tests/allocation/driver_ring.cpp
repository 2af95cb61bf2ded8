#include "tests/allocation/driver_ring.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "protocol/assert.hpp"

namespace spread::support {

using membership::Channel;
using membership::OutboundPacket;
using protocol::DaemonId;
using protocol::Instant;
using protocol::Slice;

namespace {

constexpr std::size_t kBlockBytes = 2048;
constexpr std::size_t kBlocksMax = 1U << 20U;
constexpr auto kHop = std::chrono::microseconds(5);
constexpr auto kFormingMax = std::chrono::seconds(10);
/// Datagrams that a transport hands over at once, as a socket does.
constexpr std::size_t kBatch = 8;

/// Nobody sleeps here.
class NoWakeSignal final : public driver::WakeSignal {
    void wake() override {}
};

}  // namespace

class DriverRing::Daemon final : public driver::Transport, public driver::RingHost {
  public:
    Daemon(DriverRing& ring, std::size_t number, membership::RingConfig config,
           protocol::BufferPool& pool)
        : ring_(ring),
          number_(number),
          driver_({std::move(config), protocol::Incarnation{1}, 1000, protocol::Rng(number + 1)},
                  queues_, session_wakeup_, *this, *this, pool) {}

    void start(Instant now) { driver_.start(now); }

    void turn(Instant now) {
        driver_.work(now);
        driver_.finish(now);
        while (auto event = port_.next_event()) {
            const auto* change = std::get_if<membership::ConfigurationChange>(&*event);
            if (change == nullptr) {
                if (ring_.sink_) {
                    ring_.sink_(number_, std::get<membership::Delivery>(*event));
                }
            } else if (change->kind == membership::ConfigurationKind::kRegular) {
                port_.resume(change->ring_id);
            }
        }
        port_.tell_of_room();
        port_.push();
    }

    void arrive(Channel channel, const Slice& datagram) {
        inbox(channel).push_back(Slice(datagram));
    }
    [[nodiscard]] bool is_waiting_for_nothing() const {
        return data_.empty() && tokens_.empty() && queues_.submissions.empty() &&
               queues_.control.empty();
    }

    [[nodiscard]] driver::RingPort& port() { return port_; }
    [[nodiscard]] const driver::RingPort& port() const { return port_; }
    [[nodiscard]] const driver::RingDriver& driver() const { return driver_; }

    // As the driver's transport and host

    void send(std::span<const OutboundPacket> packets) override {
        for (const OutboundPacket& packet : packets) {
            ring_.carry(number_, packet);
        }
    }
    void send_one_by_one(const protocol::MemberList&) override {}
    bool receive(Channel channel, driver::Inbox& into) override {
        auto& waiting = inbox(channel);
        if (waiting.empty()) {
            return false;
        }
        for (std::size_t i = 0; i < kBatch && !waiting.empty(); ++i) {
            into.take(membership::arrival_by(channel, true), waiting.front());
            waiting.pop_front();
        }
        return true;
    }
    bool has_unread() override { return !data_.empty() || !tokens_.empty(); }
    void read_errors(driver::Inbox&) override {}
    void keep_counter(std::uint64_t) override {}
    bool on_bad_datagram(BadDatagram, std::span<const std::byte>) override {
        SPREAD_ASSERT(false);
        return false;
    }
    void on_state_change(const membership::StateChange&) override {}

  private:
    protocol::Fifo<Slice>& inbox(Channel channel) {
        return channel == Channel::kData ? data_ : tokens_;
    }

    DriverRing& ring_;
    std::size_t number_;
    driver::RingQueues queues_;
    NoWakeSignal ring_wakeup_;
    NoWakeSignal session_wakeup_;
    driver::RingPort port_{queues_, ring_wakeup_};
    protocol::Fifo<Slice> data_;
    protocol::Fifo<Slice> tokens_;
    driver::RingDriver driver_;
};

DriverRing::DriverRing(std::size_t daemons, const Tune& tune)
    : pool_(kBlockBytes, kBlocksMax), now_(std::chrono::seconds(1)) {
    membership::RingConfig config;
    for (std::size_t i = 0; i < daemons; ++i) {
        config.daemons.push_back(DaemonId{static_cast<std::uint32_t>(i + 1)});
    }
    if (tune) {
        tune(config);
    }
    for (std::size_t i = 0; i < daemons; ++i) {
        config.self = config.daemons[i];
        daemons_.push_back(std::make_unique<Daemon>(*this, i, config, pool_));
    }
    for (const auto& daemon : daemons_) {
        daemon->start(now_);
    }
    while (!is_formed()) {
        SPREAD_ASSERT(now_ < Instant(std::chrono::seconds(1)) + kFormingMax);
        turn();
    }
}

DriverRing::~DriverRing() = default;

bool DriverRing::is_formed() const {
    return std::all_of(daemons_.begin(), daemons_.end(), [this](const auto& daemon) {
        const membership::RingEngine& engine = daemon->driver().engine();
        return engine.state() == membership::RingState::kOperational &&
               engine.members().size() == size();
    });
}

bool DriverRing::has_room(std::size_t daemon) const {
    return daemons_[daemon]->port().has_room();
}

void DriverRing::submit(std::size_t daemon, membership::Submission&& submission) {
    driver::RingPort& port = daemons_[daemon]->port();
    SPREAD_ASSERT(port.has_room());
    port.add(std::move(submission));
    port.push();
}

const membership::RingEngine& DriverRing::engine(std::size_t daemon) const {
    return daemons_[daemon]->driver().engine();
}

void DriverRing::turn() {
    for (const auto& daemon : daemons_) {
        daemon->turn(now_);
    }
    pass_time();
}

void DriverRing::run_until(Instant end) {
    while (now_ < end) {
        turn();
    }
}

void DriverRing::pass_time() {
    now_ += kHop;
    const bool is_quiet = std::all_of(daemons_.begin(), daemons_.end(), [](const auto& daemon) {
        return daemon->is_waiting_for_nothing();
    });
    std::optional<Instant> next;
    for (const auto& daemon : daemons_) {
        const auto due = daemon->driver().next_deadline();
        if (is_quiet && due && (!next || *due < *next)) {
            next = due;
        }
    }
    now_ = std::max(now_, next.value_or(now_));
}

void DriverRing::carry(std::size_t from, const OutboundPacket& packet) {
    if (packet.destination == membership::Destination::kDaemon) {
        arrive(from, packet.to.value - 1, packet);
        return;
    }
    for (std::size_t to = 0; to < daemons_.size(); ++to) {
        if (to != from) {
            arrive(from, to, packet);
        }
    }
}

void DriverRing::arrive(std::size_t from, std::size_t to, const OutboundPacket& packet) {
    if (!drop_ || !drop_(from, to, packet)) {
        daemons_[to]->arrive(packet.channel, packet.datagram);
    }
}

}  // namespace spread::support
