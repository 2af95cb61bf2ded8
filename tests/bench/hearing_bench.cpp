#include <array>
#include <chrono>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "membership/hearing.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

// What each probe between two rings asks: who can be of one ring. By the number of daemons, half of
// them in each ring.

namespace spread::bench {
namespace {

using membership::Arrival;
using membership::Hearing;
using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::Incarnation;
using protocol::Instant;

constexpr Instant kNow{std::chrono::seconds(10)};
constexpr Instant kSince{std::chrono::seconds(9)};

/// Everybody has heard, well, whom `hears` says.
template <typename Hears>
void judge_merge(benchmark::State& state, Hears hears) {
    const auto daemons = static_cast<std::size_t>(state.range(0));
    Hearing hearing(daemons, 0);
    for (DaemonIndex from = 1; from < daemons; ++from) {
        protocol::Report report;
        report.full_sized = true;
        for (DaemonIndex to = 0; to < daemons; ++to) {
            report.heard.push_back(hears(from, to) ? std::uint8_t{0xf} : std::uint8_t{0});
        }
        for (const Arrival arrival : {Arrival::kToken, Arrival::kGroup}) {
            static_cast<void>(
                hearing.note(kNow, {from, Incarnation{1}, 1, false}, arrival, report, kSince));
        }
    }
    const DaemonSet ours = DaemonSet::first(daemons / 2);
    const std::array rings{ours, DaemonSet::first(daemons) - ours};
    for (auto _ : state) {
        benchmark::DoNotOptimize(hearing.merged(rings, kSince));
    }
}

void merge_of_rings_that_hear_nothing_yet(benchmark::State& state) {
    const auto half = static_cast<DaemonIndex>(state.range(0) / 2);
    judge_merge(state,
                [half](DaemonIndex from, DaemonIndex to) { return (from < half) == (to < half); });
}

void merge_of_rings_that_hear_all(benchmark::State& state) {
    judge_merge(state, [](DaemonIndex, DaemonIndex) { return true; });
}

BENCHMARK(merge_of_rings_that_hear_nothing_yet)->Arg(3)->Arg(10)->Arg(64)->Arg(100);
BENCHMARK(merge_of_rings_that_hear_all)->Arg(3)->Arg(100);

}  // namespace
}  // namespace spread::bench
