#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "protocol/message.hpp"
#include "tests/bench/samples.hpp"
#include "tests/support/engine_ring.hpp"

// What the protocol itself costs: whole rings of engines in one thread, without sockets. One
// iteration is one token visit. Arguments: daemons, and bytes of the client's payload.
//
//   visits/s                    token visits that one core manages, all daemons together
//   messages/s                  messages that get their place in the order and reach all daemons
//   time/(message*daemon)       of one daemon for one message, its part of token visits included

namespace spread::bench {
namespace {

using benchmark::Counter;
using membership::Delivery;
using support::EngineRing;

/// Messages that a sender keeps under way: enough to fill two visits, and what the queue takes.
std::size_t outstanding_for(std::size_t payload) {
    constexpr std::size_t kBytes = 2 * 40 * kDatagramBytes;
    return std::clamp<std::size_t>(kBytes / frame_bytes_of(payload), 4, 1900);
}

void report(benchmark::State& state, std::uint64_t messages, std::uint64_t packets) {
    const auto count = static_cast<double>(messages);
    const auto visits = static_cast<double>(state.iterations());
    state.counters["visits/s"] = Counter(visits, Counter::kIsRate);
    state.counters["messages/s"] = Counter(count, Counter::kIsRate);
    state.counters["messages/visit"] = count / visits;
    state.counters["packets/visit"] = static_cast<double>(packets) / visits;
    state.counters["time/(message*daemon)"] =
        Counter(count * static_cast<double>(state.range(0)), Counter::kIsRate | Counter::kInvert);
}

/// Every daemon sends whenever one of its messages has come back to it.
void ring_at_saturation(benchmark::State& state) {
    EngineRing ring(static_cast<std::size_t>(state.range(0)));
    const auto payload = static_cast<std::size_t>(state.range(1));
    const protocol::Message frame = frame_of(payload);
    std::vector<std::size_t> returned(ring.size(), outstanding_for(payload));
    std::uint64_t messages = 0;  // delivered by the first daemon
    ring.set_sink([&](std::size_t daemon, Delivery&& delivery) {
        messages += daemon == 0 ? 1 : 0;
        returned[daemon] += delivery.origin.value == daemon + 1 ? 1 : 0;
    });
    const auto visit = [&] {
        ring.run_visits(1);
        for (std::size_t i = 0; i < ring.size(); ++i) {
            for (; returned[i] > 0; --returned[i]) {
                if (!ring.submit(i, submission_of(frame))) {
                    break;
                }
            }
        }
    };
    for (std::size_t i = 0; i < 20 * ring.size(); ++i) {
        visit();
    }
    const auto packets_sent = [&ring] {
        std::uint64_t packets = 0;
        for (std::size_t i = 0; i < ring.size(); ++i) {
            packets += ring.engine(i).stats().packets_sent;
        }
        return packets;
    };
    messages = 0;
    const std::uint64_t packets_before = packets_sent();
    for (auto _ : state) {
        visit();
    }
    report(state, messages, packets_sent() - packets_before);
}

/// A message every millisecond, from one daemon after the other. One iteration is one message and
/// all token visits that it takes until the token is held again.
void ring_at_low_load(benchmark::State& state) {
    EngineRing ring(static_cast<std::size_t>(state.range(0)));
    const protocol::Message frame = frame_of(static_cast<std::size_t>(state.range(1)));
    std::size_t sender = 0;
    const std::uint64_t visits_before = ring.visits();
    for (auto _ : state) {
        ring.submit(sender, submission_of(frame));
        sender = (sender + 1) % ring.size();
        ring.run_until(ring.now() + std::chrono::milliseconds(1));
    }
    const auto messages = static_cast<double>(state.iterations());
    state.counters["visits/message"] =
        static_cast<double>(ring.visits() - visits_before) / messages;
    state.counters["time/(message*daemon)"] = Counter(
        messages * static_cast<double>(state.range(0)), Counter::kIsRate | Counter::kInvert);
}

/// Nobody sends: one iteration is a second of the ring's time.
void idle_ring(benchmark::State& state) {
    EngineRing ring(static_cast<std::size_t>(state.range(0)));
    const std::uint64_t visits_before = ring.visits();
    for (auto _ : state) {
        ring.run_until(ring.now() + std::chrono::seconds(1));
    }
    state.counters["visits"] = static_cast<double>(ring.visits() - visits_before) /
                               static_cast<double>(state.iterations());
}

void sizes(benchmark::internal::Benchmark* bench) {
    for (const int daemons : {3, 8, 50}) {
        for (const int payload : {64, 200, 1350, 8850}) {
            bench->Args({daemons, payload});
        }
    }
}

BENCHMARK(ring_at_saturation)->Apply(sizes);
BENCHMARK(ring_at_low_load)->Args({3, 200})->Args({8, 200})->Args({50, 200});
BENCHMARK(idle_ring)->Arg(3)->Arg(8)->Arg(50);

}  // namespace
}  // namespace spread::bench
