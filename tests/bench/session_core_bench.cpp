#include <cstddef>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "protocol/buffer.hpp"
#include "tests/bench/samples.hpp"
#include "tests/bench/session_host.hpp"
#include "tests/unit/session/client_bytes.hpp"

// The session layer with all its accounts: a delivery to many sessions, and a bulk of requests.

namespace spread::bench {
namespace {

constexpr std::size_t kReadBytes = 64U << 10U;

void deliver_to_sessions(benchmark::State& state) {
    const auto sessions = static_cast<std::size_t>(state.range(0));
    SessionHost host(sessions);
    for (std::size_t i = 0; i < sessions; ++i) {
        host.open(i);
    }
    const protocol::Message frame = frame_of(200);
    for (auto _ : state) {
        if (host.deliver(frame) != sessions) {
            state.SkipWithError("somebody got nothing");
            return;
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

void take_requests(benchmark::State& state) {
    SessionHost host(1);
    const auto session = host.open(1);
    const auto request = multicast_frame("room", 64, private_group(1));
    const std::size_t count = kReadBytes / request.size();
    session::Bytes read;
    for (std::size_t i = 0; i < count; ++i) {
        read.insert(read.end(), request.begin(), request.end());
    }
    const protocol::Slice whole = session::slice_of(read);
    while (state.KeepRunningBatch(static_cast<std::int64_t>(count))) {
        if (host.read(session, whole) != count) {
            state.SkipWithError("a request was refused");
            return;
        }
    }
}

BENCHMARK(deliver_to_sessions)->Arg(1)->Arg(63)->Arg(1000);
BENCHMARK(take_requests);

}  // namespace
}  // namespace spread::bench
