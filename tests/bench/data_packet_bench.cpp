#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "protocol/buffer.hpp"
#include "protocol/checksum.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/bench/samples.hpp"

// Data packets filled with messages of one size, and their checksum.

namespace spread::bench {
namespace {

using protocol::BufferPool;
using protocol::DataBuilder;
using protocol::MessageKind;
using protocol::PacketKind;
using protocol::Seq;
using protocol::Service;
using protocol::Slice;
using protocol::TokenSeq;

Slice build(BufferPool& pool, const std::vector<std::byte>& message) {
    DataBuilder builder(pool.acquire_or_heap(), kDatagramBytes);
    while (builder.room() >= message.size()) {
        const auto entry = builder.add_entry(message.size(), true, true, Service::kAgreed,
                                             MessageKind::kClientFrame);
        std::copy(message.begin(), message.end(), entry.begin());
    }
    return builder.finish(packet_header(PacketKind::kData), Seq{1000}, TokenSeq{77});
}

std::vector<std::byte> message_of(const benchmark::State& state) {
    return std::vector<std::byte>(static_cast<std::size_t>(state.range(0)), std::byte{0x55});
}

void build_data(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    const auto message = message_of(state);
    std::size_t bytes = 0;
    for (auto _ : state) {
        const Slice datagram = build(pool, message);
        bytes += datagram.length;
        benchmark::DoNotOptimize(datagram.buffer->data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

/// What the engine does with each data packet that arrives.
void decode_data(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    const Slice datagram = build(pool, message_of(state));
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::decode_header(datagram.bytes()));
        benchmark::DoNotOptimize(protocol::decode_data(datagram.bytes()));
    }
    state.SetBytesProcessed(state.iterations() * std::int64_t{datagram.length});
}

void crc32c(benchmark::State& state) {
    const auto bytes = message_of(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::crc32c(bytes));
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void crc32c_portable(benchmark::State& state) {
    const auto bytes = message_of(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::crc32c_portable(bytes));
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

// Bytes of a message: the client's payload is 80 less.
BENCHMARK(build_data)->Arg(144)->Arg(280)->Arg(1390);
BENCHMARK(decode_data)->Arg(144)->Arg(280)->Arg(1390);
BENCHMARK(crc32c)->Arg(64)->Arg(1452)->Arg(8900);
BENCHMARK(crc32c_portable)->Arg(1452);

}  // namespace
}  // namespace spread::bench
