#include <sys/uio.h>

#include <array>
#include <climits>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include "daemon/session/outbound_queue.hpp"
#include "protocol/message.hpp"
#include "tests/bench/samples.hpp"

// Frames through a client's queue, without the system call: one iteration is one frame.

namespace spread::bench {
namespace {

using session::FrameRef;
using session::OutboundQueue;

struct Gathered {
    std::size_t slices = 0;
    std::size_t bytes = 0;
};

Gathered gather(const OutboundQueue& queue, std::array<iovec, IOV_MAX>& slices) {
    Gathered gathered;
    queue.for_each_slice([&](const protocol::Slice& slice, std::size_t skip) {
        slices[gathered.slices++] = {slice.buffer->data() + slice.offset + skip,
                                     slice.length - skip};
        gathered.bytes += slice.length - skip;
        return gathered.slices < slices.size();
    });
    return gathered;
}

void queue_frames(benchmark::State& state) {
    const auto burst = static_cast<std::size_t>(state.range(0));
    OutboundQueue queue;
    const protocol::Message message = frame_of(200);
    std::array<iovec, IOV_MAX> slices;
    while (state.KeepRunningBatch(state.range(0))) {
        for (std::size_t i = 0; i < burst; ++i) {
            queue.push(FrameRef(message));
        }
        while (!queue.empty()) {
            benchmark::DoNotOptimize(queue.consume(gather(queue, slices).bytes));
        }
    }
}

/// One frame in the queues of many clients.
void share_frame(benchmark::State& state) {
    std::vector<OutboundQueue> queues(static_cast<std::size_t>(state.range(0)));
    const protocol::Message message = frame_of(200);
    std::array<iovec, IOV_MAX> slices;
    while (state.KeepRunningBatch(state.range(0))) {
        const FrameRef frame(message);
        for (OutboundQueue& queue : queues) {
            queue.push(frame);
        }
        for (OutboundQueue& queue : queues) {
            benchmark::DoNotOptimize(gather(queue, slices));
            benchmark::DoNotOptimize(queue.consume(message.size()));
        }
    }
}

BENCHMARK(queue_frames)->Arg(1)->Arg(100)->Arg(1000);
BENCHMARK(share_frame)->Arg(1000);

}  // namespace
}  // namespace spread::bench
