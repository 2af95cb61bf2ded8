#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

#include "membership/groups/group_engine.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "tests/bench/samples.hpp"

// One group with many local members: who gets a message, and what a join and a leave cost.

namespace spread::bench {
namespace {

using membership::ConfigurationChange;
using membership::ConfigurationKind;
using membership::Delivery;
using membership::GroupEngine;
using membership::GroupOutput;
using protocol::DaemonId;
using protocol::SessionId;

/// Daemon "d1", alone on its ring, with a group "room".
class GroupDaemon {
  public:
    explicit GroupDaemon(std::size_t members) : engine_(config()) {
        for (const auto kind : {ConfigurationKind::kTransitional, ConfigurationKind::kRegular}) {
            engine_.on_event(ConfigurationChange{kind, kRing, {DaemonId{1}}}, out_);
            out_.clear();
        }
        for (std::size_t i = 0; i <= members; ++i) {
            engine_.on_session_open(SessionId{i + 1}, private_group(i), true);
        }
        for (std::size_t i = 0; i < members; ++i) {
            join(SessionId{i + 1});
        }
        newcomer_ = SessionId{members + 1};
    }

    /// Returns the number of recipients.
    std::size_t deliver(const protocol::Message& frame) {
        Delivery delivery;
        delivery.origin = DaemonId{1};
        delivery.body = frame;
        engine_.on_event(order(std::move(delivery)), out_);
        std::size_t recipients = 0;
        for (const auto& event : out_.events) {
            recipients += event.recipients.size();
        }
        out_.clear();
        return recipients;
    }

    /// One that is in no group.
    [[nodiscard]] SessionId newcomer() const { return newcomer_; }

    void join(SessionId session, const std::string& group = "room") {
        engine_.request_join(session, group, out_);
        run_ring();
    }
    void leave(SessionId session) {
        engine_.request_leave(session, "room", out_);
        run_ring();
    }

    [[nodiscard]] const GroupEngine& engine() const { return engine_; }

  private:
    static membership::GroupConfig config() {
        membership::GroupConfig config;
        config.daemons = {{DaemonId{1}, daemon_name(0)}};
        config.self = DaemonId{1};
        return config;
    }

    Delivery order(Delivery delivery) {
        delivery.ring_id = kRing;
        delivery.seq = protocol::Seq{++delivered_};
        return delivery;
    }

    void run_ring() {
        for (membership::Submission& submission : std::exchange(out_.submissions, {})) {
            Delivery delivery;
            delivery.origin = DaemonId{1};
            delivery.service = submission.service;
            delivery.kind = submission.kind;
            delivery.body = std::move(submission.body);
            engine_.on_event(order(std::move(delivery)), out_);
        }
        out_.clear();
    }

    GroupEngine engine_;
    GroupOutput out_;
    SessionId newcomer_;
    std::uint64_t delivered_ = 0;
};

/// Filling a large group takes long; the benchmarks leave it as they find it.
GroupDaemon& daemon_with(std::int64_t members) {
    static std::map<std::int64_t, std::unique_ptr<GroupDaemon>> daemons;
    auto& daemon = daemons[members];
    if (daemon == nullptr) {
        daemon = std::make_unique<GroupDaemon>(static_cast<std::size_t>(members));
    }
    return *daemon;
}

void fan_out(benchmark::State& state) {
    GroupDaemon& daemon = daemon_with(state.range(0));
    const protocol::Message frame = frame_of(200);
    for (auto _ : state) {
        if (daemon.deliver(frame) != static_cast<std::size_t>(state.range(0))) {
            state.SkipWithError("somebody got nothing");
            return;
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// Both of them, each with its view for all members.
void join_and_leave(benchmark::State& state) {
    GroupDaemon& daemon = daemon_with(state.range(0));
    for (auto _ : state) {
        daemon.join(daemon.newcomer());
        daemon.leave(daemon.newcomer());
    }
}

/// One step through so many quiet groups, for those that are busy.
void busiest_groups(benchmark::State& state) {
    GroupDaemon daemon(0);
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        daemon.join(daemon.newcomer(), "g" + std::to_string(i));
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(daemon.engine().busiest_groups({}, 2000, 10));
    }
}

BENCHMARK(busiest_groups)->Arg(1000)->Arg(100000);
BENCHMARK(fan_out)->Arg(1)->Arg(63)->Arg(1000)->Arg(5000);
BENCHMARK(join_and_leave)->Arg(1)->Arg(63)->Arg(1000)->Arg(5000);

}  // namespace
}  // namespace spread::bench
