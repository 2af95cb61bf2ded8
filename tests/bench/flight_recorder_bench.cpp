#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "daemon/driver/flight_recorder.hpp"
#include "tests/bench/samples.hpp"

// What it costs to record messages, over memory as large as a daemon's. Arguments: bytes of the
// client's payload, and messages of one sender in a row, as one token visit brings them.

namespace spread::bench {
namespace {

using driver::FlightRecorder;
using driver::FlightSlot;

constexpr std::size_t kSlots = 65536;

void record_deliveries(benchmark::State& state, FlightRecorder::Detail detail) {
    std::vector<FlightSlot> slots(kSlots);
    FlightRecorder recorder(slots, {protocol::DaemonId{1}}, detail);
    membership::Delivery delivery;
    delivery.ring_id = kRing;
    delivery.body = frame_of(static_cast<std::size_t>(state.range(0)));
    const std::vector<membership::DeliveryEvent> events(static_cast<std::size_t>(state.range(1)),
                                                        delivery);
    for (auto _ : state) {
        recorder.note(events);
    }
    state.SetItemsProcessed(state.iterations() * state.range(1));
}

void record_runs(benchmark::State& state) {
    record_deliveries(state, FlightRecorder::Detail::kRuns);
}
BENCHMARK(record_runs)
    ->ArgNames({"payload", "messages"})
    ->Args({64, 1})
    ->Args({64, 40})
    ->Args({1350, 10});

void record_messages(benchmark::State& state) {
    record_deliveries(state, FlightRecorder::Detail::kMessages);
}
BENCHMARK(record_messages)->ArgNames({"payload", "messages"})->Args({64, 40})->Args({1350, 10});

}  // namespace
}  // namespace spread::bench
