#include <cstdint>

#include <benchmark/benchmark.h>

#include "protocol/buffer.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/bench/samples.hpp"

// Tokens with few and with many requests for packets.

namespace spread::bench {
namespace {

using protocol::BufferPool;
using protocol::Seq;
using protocol::SeqRange;
using protocol::Slice;
using protocol::Token;

Token sample_token(std::int64_t ranges) {
    Token token;
    token.ring_id = kRing;
    token.sender = protocol::DaemonId{1};
    token.token_seq = protocol::TokenSeq{123456};
    token.seq = Seq{100000};
    token.aru = Seq{99000};
    token.aru_id = protocol::DaemonId{2};
    for (std::int64_t i = 0; i < ranges; ++i) {
        token.rtr.push_back(SeqRange{Seq{99001 + 3 * static_cast<std::uint64_t>(i)}, 1});
    }
    return token;
}

void encode_token(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    const Token token = sample_token(state.range(0));
    for (auto _ : state) {
        const Slice datagram = protocol::encode_token(token, 7, pool);
        benchmark::DoNotOptimize(datagram.buffer->data());
    }
}

void decode_token(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    const Slice datagram = protocol::encode_token(sample_token(state.range(0)), 7, pool);
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::decode_token(datagram.bytes()));
    }
}

BENCHMARK(encode_token)->Arg(0)->Arg(8)->Arg(protocol::kRtrRangesMax);
BENCHMARK(decode_token)->Arg(0)->Arg(8)->Arg(protocol::kRtrRangesMax);

}  // namespace
}  // namespace spread::bench
