#include <cstddef>
#include <limits>

#include <benchmark/benchmark.h>

#include "ordering/packer.hpp"
#include "ordering/send_queue.hpp"
#include "protocol/buffer.hpp"
#include "protocol/message.hpp"
#include "tests/bench/samples.hpp"

// Messages of clients into packets, checksum included: one iteration is one message.

namespace spread::bench {
namespace {

using protocol::BufferPool;
using protocol::DataBuilder;
using protocol::PacketKind;
using protocol::Seq;
using protocol::TokenSeq;

constexpr std::size_t kQueued = 200;

void pack(benchmark::State& state) {
    BufferPool pool(kBlockBytes, kBlocksMax);
    ordering::SendQueue queue(kQueued, std::numeric_limits<std::size_t>::max());
    const auto payload = static_cast<std::size_t>(state.range(0));
    const protocol::Message frame = frame_of(payload);
    while (state.KeepRunningBatch(kQueued)) {
        for (std::size_t i = 0; i < kQueued; ++i) {
            queue.push(submission_of(frame));
        }
        while (queue.current() != nullptr) {
            DataBuilder packet(pool.acquire_or_heap(), kDatagramBytes);
            ordering::fill_packet(queue, packet);
            const auto datagram =
                packet.finish(packet_header(PacketKind::kData), Seq{1}, TokenSeq{1});
            benchmark::DoNotOptimize(datagram.buffer->data());
        }
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(pack)->Arg(64)->Arg(200)->Arg(1350)->Arg(8850)->Arg(60000);

}  // namespace
}  // namespace spread::bench
