#include <array>
#include <cstddef>
#include <span>

#include <benchmark/benchmark.h>

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"
#include "tests/bench/samples.hpp"

// The header of each message between client and daemon.

namespace spread::bench {
namespace {

using protocol::kSessionHeaderBytes;
using protocol::SessionHeader;

void decode_session_header(benchmark::State& state) {
    const auto frame = multicast_frame("room", 64, private_group(1));
    const auto header = std::span(frame).first<kSessionHeaderBytes>();
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::decode_session_header(header));
    }
}

void encode_session_header(benchmark::State& state) {
    const auto frame = multicast_frame("room", 64, private_group(1));
    const SessionHeader header =
        protocol::decode_session_header(std::span(frame).first<kSessionHeaderBytes>());
    std::array<std::byte, kSessionHeaderBytes> out{};
    for (auto _ : state) {
        protocol::encode_session_header(header, out);
        benchmark::DoNotOptimize(out.data());
    }
}

/// The checks that every request passes.
void check_request(benchmark::State& state) {
    const auto frame = multicast_frame("room", 64, private_group(1));
    const SessionHeader header =
        protocol::decode_session_header(std::span(frame).first<kSessionHeaderBytes>());
    const protocol::NameField own(private_group(1));
    for (auto _ : state) {
        benchmark::DoNotOptimize(protocol::check_request(header, own));
    }
}

BENCHMARK(decode_session_header);
BENCHMARK(encode_session_header);
BENCHMARK(check_request);

}  // namespace
}  // namespace spread::bench
