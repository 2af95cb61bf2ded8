#include <cstdint>

#include <benchmark/benchmark.h>

#include "protocol/buffer.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/bench/samples.hpp"

// Joins and commit tokens, by the number of daemons.

namespace spread::bench {
namespace {

using protocol::BufferPool;
using protocol::CommitToken;
using protocol::DaemonId;
using protocol::Join;
using protocol::PacketKind;
using protocol::Seq;
using protocol::SeqRange;
using protocol::Slice;

/// Ranges of packets that each member holds beyond its aru, as after some loss.
constexpr std::uint32_t kHeldRanges = 5;

Join sample_join(std::int64_t daemons) {
    Join join;
    join.incarnation = protocol::Incarnation{9};
    join.join_seq = 3;
    for (std::int64_t i = 0; i < daemons; ++i) {
        join.proc_set.push_back(DaemonId{static_cast<std::uint32_t>(i + 1)});
    }
    return join;
}

CommitToken sample_commit(std::int64_t daemons) {
    CommitToken token;
    token.ring_id = kRing;
    token.sender = DaemonId{1};
    token.pass = 2;
    for (std::int64_t i = 0; i < daemons; ++i) {
        protocol::CommitMember member;
        member.id = DaemonId{static_cast<std::uint32_t>(i + 1)};
        member.filled = true;
        member.incarnation = protocol::Incarnation{9};
        member.old_ring = kRing;
        member.aru = Seq{1000};
        member.safe_up_to = Seq{900};
        for (std::uint32_t k = 0; k < kHeldRanges; ++k) {
            member.held.push_back(SeqRange{Seq{1002 + 10 * k}, 4});
        }
        token.members.push_back(std::move(member));
    }
    return token;
}

void encode_join(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    const Join join = sample_join(state.range(0));
    for (auto _ : state) {
        const Slice datagram = protocol::encode_join(join, packet_header(PacketKind::kJoin), pool);
        benchmark::DoNotOptimize(datagram.buffer->data());
    }
}

void decode_join(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    const Slice datagram =
        protocol::encode_join(sample_join(state.range(0)), packet_header(PacketKind::kJoin), pool);
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::decode_join(datagram.bytes()));
    }
}

void encode_commit(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    const CommitToken token = sample_commit(state.range(0));
    for (auto _ : state) {
        const Slice datagram = protocol::encode_commit(token, 7, pool);
        benchmark::DoNotOptimize(datagram.buffer->data());
    }
}

void decode_commit(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    const Slice datagram = protocol::encode_commit(sample_commit(state.range(0)), 7, pool);
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::decode_commit(datagram.bytes()));
    }
}

BENCHMARK(encode_join)->Arg(3)->Arg(50);
BENCHMARK(decode_join)->Arg(3)->Arg(50);
BENCHMARK(encode_commit)->Arg(3)->Arg(50);
BENCHMARK(decode_commit)->Arg(3)->Arg(50);

}  // namespace
}  // namespace spread::bench
