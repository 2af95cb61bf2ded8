#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "membership/ring_engine.hpp"
#include "membership/trace.hpp"
#include "protocol/buffer.hpp"
#include "protocol/fifo.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::support {

/// Ring engines in one thread, joined by one queue of datagrams: no faults but those asked for, and
/// nothing around the engines that costs time or memory. For measuring what the protocol costs; for
/// finding out whether it is right there is tests/sim.
///
/// Datagrams arrive in the order in which they were sent, everywhere. Time passes by a microsecond
/// with each, and up to the next deadline when none is under way.
class EngineRing {
  public:
    using Tune = std::function<void(membership::RingConfig&)>;
    using Sink = std::function<void(std::size_t daemon, membership::Delivery&& delivery)>;
    using Drop =
        std::function<bool(std::size_t from, std::size_t to, const membership::OutboundPacket&)>;

    /// Returns when all engines are in one ring and take messages.
    explicit EngineRing(std::size_t daemons, const Tune& tune = {});

    /// Who gets the messages; nobody at first.
    void set_sink(Sink sink) { sink_ = std::move(sink); }
    /// Asked for each datagram and receiver.
    void set_drop(Drop drop) { drop_ = std::move(drop); }

    /// False when the engine's queue is full; then nothing was taken.
    bool submit(std::size_t daemon, membership::Submission&& submission);
    /// The oldest datagram arrives, or else the earliest deadline; a ring of one has neither.
    void step();
    /// Steps until the token has come to `visits` more daemons.
    void run_visits(std::uint64_t visits);
    /// Steps until nothing is left to happen before `end`.
    void run_until(protocol::Instant end);

    [[nodiscard]] std::size_t size() const { return hosts_.size(); }
    [[nodiscard]] const membership::RingEngine& engine(std::size_t daemon) const {
        return *hosts_[daemon].engine;
    }
    [[nodiscard]] protocol::Instant now() const { return now_; }
    /// Tokens that came to a daemon; wake-ups of a holder count as well.
    [[nodiscard]] std::uint64_t visits() const { return visits_; }
    [[nodiscard]] std::uint64_t datagrams() const { return datagrams_; }

  private:
    struct Host {
        protocol::DaemonId id;
        std::unique_ptr<membership::RingEngine> engine;
    };
    struct Datagram {
        std::size_t from = 0;
        membership::OutboundPacket packet;
    };

    [[nodiscard]] bool is_formed() const;
    [[nodiscard]] std::size_t position(protocol::DaemonId id) const;
    void arrive(std::size_t to, const Datagram& datagram);
    void fire_deadline_if_due(std::size_t daemon);
    /// The daemon whose deadline comes first.
    [[nodiscard]] std::size_t next_due() const;
    /// Carries out what the engine of `daemon` put into out_.
    void dispatch(std::size_t daemon);

    protocol::BufferPool pool_;
    membership::NullTracer tracer_;
    std::vector<Host> hosts_;
    protocol::Fifo<Datagram> under_way_;
    membership::EngineOutput out_;
    std::vector<protocol::RingId> resumes_;  ///< by daemon: id 0 or the ring to resume
    Sink sink_;
    Drop drop_;
    protocol::Instant now_;
    std::uint64_t visits_ = 0;
    std::uint64_t datagrams_ = 0;
};

}  // namespace spread::support
