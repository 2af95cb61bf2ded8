#include "tests/support/engine_ring.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "protocol/assert.hpp"
#include "protocol/rng.hpp"

namespace spread::support {

using membership::ConfigurationChange;
using membership::ConfigurationKind;
using membership::Delivery;
using membership::Destination;
using protocol::DaemonId;
using protocol::Instant;

namespace {

constexpr std::size_t kBlockBytes = 2048;
constexpr std::size_t kBlocksMax = 1U << 20U;
constexpr auto kHop = std::chrono::microseconds(1);
constexpr auto kFormingMax = std::chrono::seconds(10);

}  // namespace

EngineRing::EngineRing(std::size_t daemons, const Tune& tune)
    : pool_(kBlockBytes, kBlocksMax),
      hosts_(daemons),
      resumes_(daemons),
      now_(std::chrono::seconds(1)) {
    protocol::MemberList ids;
    for (std::size_t i = 0; i < daemons; ++i) {
        hosts_[i].id = DaemonId{static_cast<std::uint32_t>(i + 1)};
        ids.push_back(hosts_[i].id);
    }
    for (std::size_t i = 0; i < daemons; ++i) {
        membership::RingConfig config;
        config.daemons = ids;
        config.self = hosts_[i].id;
        config.config_hash = 7;
        if (tune) {
            tune(config);
        }
        hosts_[i].engine =
            std::make_unique<membership::RingEngine>(std::move(config), protocol::Incarnation{1},
                                                     1000, protocol::Rng(i + 1), pool_, tracer_);
    }
    for (std::size_t i = 0; i < daemons; ++i) {
        hosts_[i].engine->on_start(now_, out_);
        dispatch(i);
    }
    while (!is_formed()) {
        SPREAD_ASSERT(now_ < Instant(std::chrono::seconds(1)) + kFormingMax);
        step();
    }
}

bool EngineRing::is_formed() const {
    return std::all_of(hosts_.begin(), hosts_.end(), [this](const Host& host) {
        return host.engine->state() == membership::RingState::kOperational &&
               host.engine->members().size() == hosts_.size();
    });
}

std::size_t EngineRing::position(DaemonId id) const {
    return id.value - 1;
}

bool EngineRing::submit(std::size_t daemon, membership::Submission&& submission) {
    const auto status = hosts_[daemon].engine->submit(std::move(submission));
    hosts_[daemon].engine->on_submitted(now_, out_);
    dispatch(daemon);
    return status == membership::SubmitStatus::kAccepted;
}

void EngineRing::step() {
    if (under_way_.empty()) {
        const std::size_t daemon = next_due();
        const auto deadline = hosts_[daemon].engine->next_deadline();
        if (deadline) {
            now_ = std::max(now_, *deadline);
            fire_deadline_if_due(daemon);
        }
        return;
    }
    const Datagram datagram = std::move(under_way_.front());
    under_way_.pop_front();
    ++datagrams_;
    now_ += kHop;
    if (datagram.packet.destination == Destination::kDaemon) {
        arrive(position(datagram.packet.to), datagram);
        return;
    }
    for (std::size_t to = 0; to < hosts_.size(); ++to) {
        if (to != datagram.from) {
            arrive(to, datagram);
        }
    }
}

void EngineRing::arrive(std::size_t to, const Datagram& datagram) {
    if (drop_ && drop_(datagram.from, to, datagram.packet)) {
        return;
    }
    const auto arrival = membership::arrival_by(datagram.packet.channel,
                                                datagram.packet.destination == Destination::kAll);
    hosts_[to].engine->on_packet(now_, arrival, datagram.packet.datagram, out_);
    dispatch(to);
    if (datagram.packet.channel == membership::Channel::kToken) {
        ++visits_;
        fire_deadline_if_due(to);  // a host looks at the clock now and then
    }
}

std::size_t EngineRing::next_due() const {
    std::size_t first = 0;
    std::optional<Instant> earliest;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        const auto deadline = hosts_[i].engine->next_deadline();
        if (deadline && (!earliest || *deadline < *earliest)) {
            earliest = deadline;
            first = i;
        }
    }
    return first;
}

void EngineRing::fire_deadline_if_due(std::size_t daemon) {
    const auto deadline = hosts_[daemon].engine->next_deadline();
    if (deadline && *deadline <= now_) {
        hosts_[daemon].engine->on_deadline(now_, out_);
        dispatch(daemon);
    }
}

void EngineRing::run_visits(std::uint64_t visits) {
    for (const std::uint64_t end = visits_ + visits; visits_ < end;) {
        step();
    }
}

void EngineRing::run_until(Instant end) {
    while (now_ < end) {
        if (under_way_.empty()) {
            const auto deadline = hosts_[next_due()].engine->next_deadline();
            if (!deadline || *deadline > end) {
                now_ = end;
                return;
            }
        }
        step();
    }
}

void EngineRing::dispatch(std::size_t daemon) {
    for (membership::OutboundPacket& packet : out_.sends) {
        under_way_.push_back({daemon, std::move(packet)});
    }
    for (membership::DeliveryEvent& event : out_.deliveries) {
        if (const auto* change = std::get_if<ConfigurationChange>(&event)) {
            if (change->kind == ConfigurationKind::kRegular) {
                resumes_[daemon] = change->ring_id;
            }
        } else if (sink_) {
            sink_(daemon, std::get<Delivery>(std::move(event)));
        }
    }
    out_.clear();
    if (resumes_[daemon].representative) {
        const protocol::RingId ring = std::exchange(resumes_[daemon], {});
        hosts_[daemon].engine->resume(now_, ring, out_);
        dispatch(daemon);
    }
}

}  // namespace spread::support
