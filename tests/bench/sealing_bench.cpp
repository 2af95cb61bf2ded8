#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "protocol/buffer.hpp"
#include "protocol/rng.hpp"
#include "sealing/ring_seal.hpp"

// What a sealed datagram costs, by its size, and what comes without a seal: the checksum that a
// plain one has as well is in data_packet_bench.cpp.

namespace spread::bench {
namespace {

using protocol::DaemonId;
using protocol::Instant;
using protocol::Slice;
using sealing::Backend;
using sealing::RingSeal;
using sealing::Suite;

class BenchEntropy final : public sealing::Entropy {
  public:
    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>(rng_.next());
        }
    }

  private:
    protocol::Rng rng_{1};
};

std::unique_ptr<RingSeal> daemon_number(std::uint32_t number, Backend backend, Suite suite,
                                        BenchEntropy& entropy) {
    sealing::Secret key;
    key.bytes()[0] = std::byte{1};
    RingSeal::Setup setup;
    setup.daemons = {DaemonId{1}, DaemonId{2}};
    setup.self = DaemonId{number};
    setup.keys = sealing::KeyRing({sealing::RingKey::of(key, sealing::KeyRole::kUse)});
    setup.suite = suite;
    setup.backend = backend;
    return std::make_unique<RingSeal>(std::move(setup), entropy);
}

struct Pair {
    BenchEntropy entropy;
    std::unique_ptr<RingSeal> from;
    std::unique_ptr<RingSeal> to;
    Instant now{std::chrono::hours(1)};

    Pair(Backend backend, Suite suite)
        : from(daemon_number(1, backend, suite, entropy)),
          to(daemon_number(2, backend, suite, entropy)) {}

    /// Until `to` takes what `from` seals.
    void introduce() {
        std::vector<std::byte> out(1 + sealing::kSealRoomBytes);
        from->begin_batch(now);
        from->seal(std::vector<std::byte>(1), out);
        static_cast<void>(to->open(now, slice_of(out), 0));
        for (RingSeal* who : {to.get(), from.get()}) {
            RingSeal& other = who == to.get() ? *from : *to;
            for (const auto& hello : who->hellos()) {
                static_cast<void>(other.open(now, slice_of(hello.bytes), 0));
            }
            who->clear_hellos();
        }
    }

    static Slice slice_of(std::span<const std::byte> bytes) {
        Slice slice{protocol::BufferRef::allocate(bytes.size()), 0,
                    static_cast<std::uint32_t>(bytes.size())};
        std::copy(bytes.begin(), bytes.end(), slice.buffer->data());
        return slice;
    }
};

bool prepare(benchmark::State& state, Backend backend, Suite suite) {
    if (!sealing::is_available(backend)) {
        state.SkipWithError("not built in, or not for this processor");
        return false;
    }
    state.SetLabel(std::string(to_string(suite)) + " by " + std::string(to_string(backend)));
    return true;
}

void seal_datagram(benchmark::State& state, Backend backend, Suite suite) {
    if (!prepare(state, backend, suite)) {
        return;
    }
    Pair pair(backend, suite);
    const std::vector<std::byte> text(static_cast<std::size_t>(state.range(0)), std::byte{0x55});
    std::vector<std::byte> out(text.size() + sealing::kSealRoomBytes);
    pair.from->begin_batch(pair.now);
    for (auto _ : state) {
        pair.from->seal(text, out);
        benchmark::DoNotOptimize(out.data());
    }
    state.SetItemsProcessed(state.iterations());
}

/// The copy that gives back what decryption in place has changed is in it.
void open_datagram(benchmark::State& state, Backend backend, Suite suite) {
    if (!prepare(state, backend, suite)) {
        return;
    }
    Pair pair(backend, suite);
    pair.introduce();
    const std::vector<std::byte> text(static_cast<std::size_t>(state.range(0)), std::byte{0x55});
    constexpr std::size_t kBatch = 64;
    std::vector<std::vector<std::byte>> sealed(
        kBatch, std::vector<std::byte>(text.size() + sealing::kSealRoomBytes));
    std::size_t next = kBatch;
    const Slice slice = Pair::slice_of(sealed[0]);
    for (auto _ : state) {
        if (next == kBatch) {
            state.PauseTiming();
            for (auto& datagram : sealed) {
                pair.from->seal(text, datagram);
            }
            next = 0;
            state.ResumeTiming();
        }
        std::copy(sealed[next].begin(), sealed[next].end(), slice.buffer->data());
        ++next;
        if (!pair.to->open(pair.now, slice, 0).datagram) {
            state.SkipWithError("not taken");
        }
    }
    state.SetItemsProcessed(state.iterations());
}

void datagram_sizes(benchmark::internal::Benchmark* bench) {
    for (const int size : {64, 512, 1350, 8850}) {
        bench->Arg(size);
    }
}

BENCHMARK_CAPTURE(seal_datagram, ipsec_mb, Backend::kIpsecMb, Suite::kAes256Gcm)
    ->Apply(datagram_sizes);
BENCHMARK_CAPTURE(open_datagram, ipsec_mb, Backend::kIpsecMb, Suite::kAes256Gcm)
    ->Apply(datagram_sizes);
BENCHMARK_CAPTURE(seal_datagram, openssl, Backend::kOpenSsl, Suite::kAes256Gcm)
    ->Apply(datagram_sizes);
BENCHMARK_CAPTURE(open_datagram, openssl, Backend::kOpenSsl, Suite::kAes256Gcm)
    ->Apply(datagram_sizes);
BENCHMARK_CAPTURE(seal_datagram, chacha, Backend::kOpenSsl, Suite::kChaCha20Poly1305)
    ->Apply(datagram_sizes);
BENCHMARK_CAPTURE(open_datagram, chacha, Backend::kOpenSsl, Suite::kChaCha20Poly1305)
    ->Apply(datagram_sizes);

}  // namespace
}  // namespace spread::bench
