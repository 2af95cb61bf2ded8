#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "daemon/driver/flight_recorder.hpp"
#include "daemon/driver/ring_queues.hpp"
#include "daemon/driver/sealed_traffic.hpp"
#include "daemon/driver/transport.hpp"
#include "daemon/driver/wake_signal.hpp"
#include "membership/engine_output.hpp"
#include "membership/ring_engine.hpp"
#include "membership/trace.hpp"
#include "protocol/buffer.hpp"
#include "protocol/time.hpp"

namespace spread::driver {

/// Whoever runs a RingDriver: a thread of the daemon, the simulator, a test. Called from inside the
/// driver's functions; must not call back into it.
class RingHost : public membership::Tracer {
  public:
    enum class BadDatagram : std::uint8_t {
        kMalformed,          ///< not of a spreadd ring, or damaged
        kOtherConfiguration  ///< RingStats::last_mismatched_hash and _sender say whose
    };

    /// Remembers the counter of a ring that is being formed, for the next life. Called before
    /// anybody hears of that ring.
    virtual void keep_counter(std::uint64_t ring_counter) = 0;
    /// The engine dropped the datagram that the transport is handing over right now. True: it is
    /// meant for somebody else on this port, and does not count as refused.
    [[nodiscard]] virtual bool on_bad_datagram(BadDatagram kind,
                                               std::span<const std::byte> datagram) = 0;
    /// Whom a group address does not reach, so that data is sent to them by themselves, has
    /// changed.
    virtual void on_one_by_one(const protocol::MemberList&) {}
    /// Who is missing in the ring, or why, has changed since it was installed.
    virtual void on_missing(std::span<const membership::Absence>) {}
    /// The driver was not called for `late` after it should have been.
    virtual void on_not_run(protocol::Duration) {}
    /// From the ring that begins, datagrams have at most `bytes`, because `peer` does not get
    /// longer ones.
    virtual void on_narrow_path(protocol::DaemonId, std::size_t) {}
    /// A daemon whose configuration differs from ours has shown it: RingConfig::settings of its
    /// own.
    virtual void on_settings(protocol::DaemonId, std::string_view) {}
    /// A sealed datagram that the engine gets now; for hosts that watch.
    virtual void on_opened(const sealing::OpenedDatagram&) {}
    /// One that is not sealed and comes from where its sender may not be: false drops it. Asked
    /// with Setup::checks_sources only.
    [[nodiscard]] virtual bool admits(std::span<const std::byte>) { return true; }
    /// A datagram was dropped before the engine saw it; `envelope` is what it claims to be, as far
    /// as it could be read.
    virtual void on_refused(sealing::Refusal, const sealing::Envelope&) {}
    /// The sealing layer has something to tell. `keys` are those it has now.
    virtual void on_seal_event(const sealing::SealEvent&, const sealing::KeyRing&) {}
    /// Called before a batch of the engine's output is sent and delivered; for hosts that watch.
    virtual void on_output(const membership::EngineOutput&) {}
    /// Asked after datagrams were read, for the flight recorder: what comes of them is stamped with
    /// this time. A look at the clock makes the stamps of daemons on one host agree with cause and
    /// effect; the turn's time costs nothing.
    [[nodiscard]] virtual protocol::Instant time_of_reading(protocol::Instant turn) { return turn; }
};

/// Drives one ring engine: the cycle between the transport, the queues to the session side, and the
/// engine's deadlines. It is the same in the ring thread, in the session thread while that does the
/// ring's work as well, and in the simulator. No clock, no thread, no socket: time is an argument,
/// and everything else is behind Transport, WakeSignal and RingHost.
///
/// Costs neither a lock nor an allocation per message, and a virtual call only per batch.
class RingDriver {
  public:
    struct Setup {
        membership::RingConfig config;
        protocol::Incarnation incarnation;
        std::uint64_t ring_counter = 0;  ///< kept by the daemon's previous life
        protocol::Rng rng;
        /// Null: the ring has no key.
        std::unique_ptr<SealedTraffic> sealed{};
        /// Memory of the flight recorder, as its constructor wants it.
        std::span<FlightSlot> flight{};
        FlightRecorder::Detail flight_detail = FlightRecorder::Detail::kRuns;
        bool checks_sources = false;  ///< RingHost::admits()
    };
    /// How long leaving waits until the ring has ordered the messages of clients that were
    /// accepted.
    static constexpr protocol::Duration kLeaveGrace = std::chrono::milliseconds(150);
    /// Receive calls in one turn at most.
    static constexpr int kReceiveCallsMax = 8;
    /// Turns for which a deadline waits until the sockets are read: enough for full ones, and an
    /// end where others fill them faster than they are read.
    static constexpr int kReadingTurnsMax = 512;

    /// Everything but `setup` must outlive the driver. `sessions` wakes the session side.
    RingDriver(Setup setup, RingQueues& queues, WakeSignal& sessions, Transport& transport,
               RingHost& host, protocol::BufferPool& pool);
    RingDriver(const RingDriver&) = delete;
    RingDriver& operator=(const RingDriver&) = delete;

    void start(protocol::Instant now);

    /// A turn has two halves, because time passes while datagrams are read. The first one grants
    /// the engine room for deliveries, takes what waits in the queues, and receives, from data or
    /// token sockets as the engine prefers. After each batch it sends the engine's datagrams in
    /// order, passes deliveries on, and takes submissions again.
    void work(protocol::Instant now);
    /// The second half fires the deadline if it is due. It comes last because the datagram that the
    /// deadline waits for may have been in a socket; one at which somebody is given up waits until
    /// the sockets are empty (kReadingTurnsMax). Then it leaves the ring if that is wanted and
    /// no submission waits any more, or kLeaveGrace is over.
    void finish(protocol::Instant now);

    /// To be asked before the thread sleeps: is there something in the queues that work() would
    /// take?
    [[nodiscard]] bool has_work();
    /// For which changes of the queues the thread must be woken when it sleeps.
    [[nodiscard]] WakeSignal::Reasons wake_reasons() const;
    /// When the next turn is due even if nothing arrives.
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;
    /// After leave_wanted: the ring was left and its last deliveries are in the queue. No more
    /// turns are needed.
    [[nodiscard]] bool has_left() const { return left_; }

    /// Whether this host carries the daemon's own address; it does at first.
    void set_own_address(protocol::Instant now, bool is_here) {
        engine_.set_own_address(now, is_here);
    }

    [[nodiscard]] const membership::RingEngine& engine() const { return engine_; }
    /// Null: the ring has no key.
    [[nodiscard]] const sealing::RingSeal* seal() const {
        return sealed_ ? &sealed_->seal() : nullptr;
    }

  private:
    friend class Inbox;

    /// Hears the engine first, for the recorder.
    class Listener final : public membership::Tracer {
      public:
        Listener(FlightRecorder& recorder, RingHost& host) : recorder_(recorder), host_(host) {}
        void on_state_change(const membership::StateChange& change) override;
        void on_recovery(const membership::RecoveryFacts& facts) override;

      private:
        FlightRecorder& recorder_;
        RingHost& host_;
    };

    [[nodiscard]] membership::SubmitStatus submit(membership::Submission&& submission);
    void fire_deadline();
    void grant_delivery_room();
    [[nodiscard]] std::size_t delivery_room() const;
    [[nodiscard]] bool is_short_of_room() const;
    void take_control();
    void take_submissions();
    [[nodiscard]] bool take_ahead();
    void tell_progress();
    void receive();
    [[nodiscard]] bool receive_batch();
    void on_datagram(membership::Arrival arrival, const protocol::Slice& datagram);
    void give_to_engine(membership::Arrival arrival, const protocol::Slice& datagram,
                        membership::Vouched vouched);
    void report_bad_datagram(const membership::RingStats& stats, const protocol::Slice& datagram);
    void dispatch();
    void send(std::span<const membership::OutboundPacket> packets);
    void send_one_by_one(const protocol::MemberList& daemons);
    void dispatch_sealing();
    void push_deliveries();
    void leave_if_wanted();

    RingQueues& queues_;
    WakeSignal& sessions_;
    Transport& transport_;
    RingHost& host_;
    protocol::BufferPool& pool_;
    std::unique_ptr<SealedTraffic> sealed_;
    std::uint32_t config_hash_;
    const bool checks_sources_;
    FlightRecorder flight_;
    Listener listener_;
    membership::RingEngine engine_;
    std::uint64_t kept_counter_;
    protocol::Instant now_{};  ///< in a turn; afterwards when it ended
    int reading_turns_ = 0;    ///< for which a deadline has waited
    membership::EngineOutput out_;
    /// Deliveries that found the queue full: configuration changes, and those that the engine
    /// released before it was told of less room. Bounded by the ring's window.
    std::deque<membership::DeliveryEvent> overflow_;
    std::optional<protocol::Instant> leave_by_;
    bool left_ = false;
    ordering::SendProgress taken_;      ///< by the engine, rather than stamped
    std::uint64_t malformed_seen_ = 0;  ///< those of another wire among them
    std::uint64_t mismatches_seen_ = 0;
};

}  // namespace spread::driver
