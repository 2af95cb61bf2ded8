#include <cstddef>
#include <cstdint>
#include <limits>

#include <benchmark/benchmark.h>

#include "ordering/delivery_cursor.hpp"
#include "ordering/packer.hpp"
#include "ordering/receive_window.hpp"
#include "protocol/buffer.hpp"
#include "protocol/message.hpp"
#include "tests/bench/samples.hpp"

// From packets in the window to messages; one iteration is one message.

namespace spread::bench {
namespace {

using protocol::BufferPool;
using protocol::DaemonId;
using protocol::DataBuilder;
using protocol::PacketKind;
using protocol::Seq;
using protocol::TokenSeq;

/// Fills the window with `messages` of `payload` bytes.
void fill(ordering::ReceiveWindow& window, BufferPool& pool, std::size_t payload,
          std::size_t messages) {
    ordering::SendQueue queue(messages, std::numeric_limits<std::size_t>::max());
    const protocol::Message frame = frame_of(payload);
    for (std::size_t i = 0; i < messages; ++i) {
        queue.push(submission_of(frame));
    }
    while (queue.current() != nullptr) {
        DataBuilder packet(pool.acquire_or_heap(), kDatagramBytes);
        ordering::fill_packet(queue, packet);
        const Seq seq = window.high() + 1;
        window.insert(seq, DaemonId{1},
                      packet.finish(packet_header(PacketKind::kData), seq, TokenSeq{1}));
    }
}

void deliver(benchmark::State& state) {
    constexpr std::size_t kMessages = 100;
    BufferPool pool(kBlockBytes, kBlocksMax);
    ordering::ReceiveWindow window(8192);
    fill(window, pool, static_cast<std::size_t>(state.range(0)), kMessages);
    const ordering::DeliveryCursor start(kRing);
    while (state.KeepRunningBatch(kMessages)) {
        ordering::DeliveryCursor cursor = start;
        cursor.run(window, {window.my_aru(), Seq{}, kMessages}, [](ordering::Delivery&& delivery) {
            benchmark::DoNotOptimize(delivery.body.size());
        });
    }
}

BENCHMARK(deliver)->Arg(64)->Arg(200)->Arg(1350)->Arg(8850)->Arg(60000);

}  // namespace
}  // namespace spread::bench
