#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "protocol/membership_frames.hpp"
#include "tests/bench/samples.hpp"

// Views as clients get them, by the number of members.

namespace spread::bench {
namespace {

using protocol::GroupId;
using protocol::NameField;
using protocol::NameRun;
using protocol::VsSet;

const NameField kGroup("room");
constexpr GroupId kView{1, 1000, 2};

std::vector<NameField> members_of(const benchmark::State& state) {
    std::vector<NameField> members;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        members.emplace_back(private_group(static_cast<std::size_t>(i)));
    }
    return members;
}

void encode_member_change(benchmark::State& state) {
    const auto members = members_of(state);
    const std::array<NameRun, 1> runs{members};
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::encode_member_change(
            protocol::MemberChange::kJoin, kGroup, kView, runs, members.front()));
    }
}

void encode_network_view(benchmark::State& state) {
    const auto members = members_of(state);
    const std::array<NameRun, 1> runs{members};
    const std::array<VsSet, 1> sets{VsSet{{NameRun(members)}}};
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::encode_network_view(kGroup, kView, runs, sets, 0));
    }
}

BENCHMARK(encode_member_change)->Arg(1)->Arg(63)->Arg(1000);
BENCHMARK(encode_network_view)->Arg(1)->Arg(63)->Arg(1000);

}  // namespace
}  // namespace spread::bench
