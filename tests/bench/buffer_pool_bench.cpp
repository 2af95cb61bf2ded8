#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "daemon/driver/spsc_queue.hpp"
#include "protocol/buffer.hpp"
#include "tests/bench/samples.hpp"

// Blocks out of the pool and back.

namespace spread::bench {
namespace {

using protocol::BufferPool;
using protocol::BufferRef;

constexpr std::size_t kBurst = 160;

void acquire_and_drop(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    std::vector<BufferRef> held(kBurst);
    while (state.KeepRunningBatch(kBurst)) {
        for (BufferRef& block : held) {
            block = pool.acquire();
        }
        for (BufferRef& block : held) {
            block.reset();
        }
    }
}

/// For comparison.
void allocate_and_drop(benchmark::State& state) {
    std::vector<BufferRef> held(kBurst);
    while (state.KeepRunningBatch(kBurst)) {
        for (BufferRef& block : held) {
            block = BufferRef::allocate(kBlockBytes);
        }
        for (BufferRef& block : held) {
            block.reset();
        }
    }
}

/// Another thread drops what this one acquires.
void drop_elsewhere(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    {
        driver::SpscQueue<BufferRef> queue(1024);
        std::atomic<bool> stop{false};
        std::thread other([&] {
            while (!stop.load() || !queue.empty()) {
                if (queue.front() != nullptr) {
                    queue.pop();
                } else {
                    std::this_thread::yield();
                }
            }
        });
        for (auto _ : state) {
            BufferRef block = pool.acquire();
            while (!queue.try_push(std::move(block))) {
                std::this_thread::yield();
            }
        }
        stop.store(true);
        other.join();
    }
}

BENCHMARK(acquire_and_drop);
BENCHMARK(allocate_and_drop);
BENCHMARK(drop_elsewhere)->UseRealTime();

}  // namespace
}  // namespace spread::bench
