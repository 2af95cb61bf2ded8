#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <benchmark/benchmark.h>

#include "daemon/session/session_machine.hpp"
#include "protocol/buffer.hpp"
#include "protocol/names.hpp"
#include "tests/bench/samples.hpp"
#include "tests/unit/session/client_bytes.hpp"

// Requests of a client that were read in bulk: one iteration is one request.

namespace spread::bench {
namespace {

using protocol::Slice;
using session::SessionMachine;

constexpr std::size_t kReadAtOnce = 64U << 10U;

/// A session past its handshake.
SessionMachine open_session(const session::AuthMethods& methods) {
    SessionMachine machine(methods);
    Slice connect = session::slice_of(session::connect_bytes("u1"));
    benchmark::DoNotOptimize(machine.next(connect));
    machine.grant_name(protocol::NameField(private_group(1)));
    benchmark::DoNotOptimize(machine.next(connect));
    Slice choice = session::slice_of(session::auth_bytes());
    while (machine.phase() != session::SessionPhase::kOpen) {
        if (machine.is_waiting()) {
            machine.answer(true);
        }
        benchmark::DoNotOptimize(machine.next(choice));
    }
    return machine;
}

void parse_requests(benchmark::State& state) {
    const session::AuthMethods methods;
    SessionMachine machine = open_session(methods);
    const auto request =
        multicast_frame("room", static_cast<std::size_t>(state.range(0)), private_group(1));
    const std::size_t count = kReadAtOnce / request.size();
    std::vector<std::byte> read;
    for (std::size_t i = 0; i < count; ++i) {
        read.insert(read.end(), request.begin(), request.end());
    }
    const Slice whole = session::slice_of(read);
    while (state.KeepRunningBatch(static_cast<std::int64_t>(count))) {
        Slice input = whole;
        for (std::size_t i = 0; i < count; ++i) {
            const auto step = machine.next(input);
            if (!std::holds_alternative<session::Multicast>(step)) {
                state.SkipWithError("a request was refused");
                return;
            }
        }
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(parse_requests)->Arg(64)->Arg(200)->Arg(1350);

}  // namespace
}  // namespace spread::bench
