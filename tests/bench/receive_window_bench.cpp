#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "ordering/receive_window.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "tests/bench/samples.hpp"

// Packets into the window and out again, and the list of those that miss.

namespace spread::bench {
namespace {

using ordering::ReceiveWindow;
using protocol::BufferPool;
using protocol::DaemonId;
using protocol::Seq;
using protocol::SeqRange;
using protocol::Slice;

constexpr std::size_t kCapacity = 8192;
constexpr std::uint64_t kRotation = 160;  // packets

/// One packet in and out per iteration, in order.
void insert_and_release(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    ReceiveWindow window(kCapacity);
    const Slice datagram = data_packet(pool, 1, 1390);
    Seq next{1};
    while (state.KeepRunningBatch(kRotation)) {
        for (std::uint64_t i = 0; i < kRotation; ++i, ++next) {
            benchmark::DoNotOptimize(window.insert(next, DaemonId{1}, datagram));
        }
        window.release_up_to(window.my_aru());
    }
}

/// The same where every second packet comes before its predecessor.
void insert_out_of_order(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    ReceiveWindow window(kCapacity);
    const Slice datagram = data_packet(pool, 1, 1390);
    Seq next{1};
    while (state.KeepRunningBatch(kRotation)) {
        for (std::uint64_t i = 0; i < kRotation; i += 2, next = next + 2) {
            benchmark::DoNotOptimize(window.insert(next + 1, DaemonId{1}, datagram));
            benchmark::DoNotOptimize(window.insert(next, DaemonId{1}, datagram));
        }
        window.release_up_to(window.my_aru());
    }
}

/// Every n-th of the packets of twelve rotations is missing.
void list_missing(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    ReceiveWindow window(kCapacity);
    const Slice datagram = data_packet(pool, 1, 1390);
    const Seq end{12 * kRotation};
    for (Seq seq{1}; seq <= end; ++seq) {
        if (seq.value % static_cast<std::uint64_t>(state.range(0)) != 0) {
            window.insert(seq, DaemonId{1}, datagram);
        }
    }
    std::vector<SeqRange> missing;
    for (auto _ : state) {
        missing.clear();
        window.append_missing(end, protocol::kRtrRangesMax, missing);
        benchmark::DoNotOptimize(missing.data());
    }
}

BENCHMARK(insert_and_release);
BENCHMARK(insert_out_of_order);
BENCHMARK(list_missing)->Arg(1000)->Arg(100)->Arg(20);

}  // namespace
}  // namespace spread::bench
