#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <variant>
#include <vector>

#include "daemon/driver/ring_driver.hpp"
#include "daemon/driver/ring_port.hpp"
#include "daemon/driver/ring_queues.hpp"
#include "daemon/driver/transport.hpp"
#include "daemon/driver/wake_signal.hpp"
#include "membership/events.hpp"
#include "protocol/buffer.hpp"
#include "tests/checker/ring_checker.hpp"
#include "tests/sim/name_side.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/seal_watch.hpp"

namespace spread::sim {

class Host;
class Simulator;

/// The ring side of one life of a daemon: RingDriver and its queues as the daemon runs them, on
/// simulated sockets and with the checker looking on.
///
/// A step of the script may end the life in the middle of a turn, when a packet goes out. die()
/// then silences the rest of that turn; the object must live until the turn has returned.
class RingSide final : private driver::RingHost, private driver::Transport {
  public:
    struct Setup {
        driver::RingDriver::Setup driver;
        driver::QueueLimits limits;
        std::size_t receive_queue_max;  ///< datagrams, of each channel
        checker::LifeId life;
        std::optional<sealing::Mode> mode{};  ///< none: a plain ring
        sealing::KeyRing keys{};
        protocol::Rng entropy{0};
        std::optional<protocol::Rng> names{};  ///< luck of look-ups; none: addresses are literal
    };

    RingSide(Host& host, Simulator& simulator, DaemonIndex index, Setup setup);

    void start();
    /// A turn of the driver at the host's time. A slow host spreads the datagrams of a turn over as
    /// many calls; false: more of this turn follows.
    bool turn(bool is_slow);
    void die() { is_dead_ = true; }
    [[nodiscard]] bool is_in_turn() const { return is_in_turn_; }

    void arrive(const Network::Parcel& parcel);
    void note_unreachable(protocol::DaemonId peer) { unreachable_.push_back(peer); }
    /// There is something that the driver's next turn would receive.
    [[nodiscard]] bool is_readable() const {
        return !data_socket_.empty() || !token_socket_.empty() || !unreachable_.empty();
    }
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;
    /// Datagrams that the last turn received.
    [[nodiscard]] std::size_t received() const { return received_; }

    /// Adds a message of the session side, or the permission to resume a ring, to the port.
    void submit(membership::Submission&& submission);
    void resume(const protocol::RingId& ring);
    void give_up(driver::GiveUp&& overdue);
    void steer(driver::SealingChange&& change);

    [[nodiscard]] driver::RingDriver& driver() { return driver_; }
    [[nodiscard]] const driver::RingDriver& driver() const { return driver_; }
    [[nodiscard]] driver::RingQueues& queues() { return queues_; }
    [[nodiscard]] driver::RingPort& port() { return port_; }
    [[nodiscard]] driver::WakeSignal& ring_signal() { return ring_signal_; }
    [[nodiscard]] driver::WakeSignal& session_signal() { return session_signal_; }
    /// Nothing under way between the two sides.
    [[nodiscard]] bool is_empty() const;
    [[nodiscard]] protocol::Instant born() const { return taken_.born; }

  private:
    /// What sleeps is a side of the host; waking it takes a moment.
    class Signal final : public driver::WakeSignal {
      public:
        Signal(RingSide& side, void (Host::*how)()) : side_(side), wake_(how) {}

      private:
        void wake() override;

        RingSide& side_;
        void (Host::*wake_)();
    };
    /// Nothing: it does not matter to the checker.
    using ControlFact =
        std::variant<std::monostate, checker::MessageFacts, protocol::RingId, driver::GiveUp>;

    void on_state_change(const membership::StateChange& change) override;
    void on_recovery(const membership::RecoveryFacts& facts) override;
    void keep_counter(std::uint64_t ring_counter) override;
    bool on_bad_datagram(BadDatagram, std::span<const std::byte>) override { return false; }
    void on_output(const membership::EngineOutput& out) override;
    void on_opened(const sealing::OpenedDatagram& opened) override;
    bool admits(std::span<const std::byte> datagram) override;
    void on_refused(sealing::Refusal refusal, const sealing::Envelope& envelope) override;
    void on_seal_event(const sealing::SealEvent& event, const sealing::KeyRing& keys) override;

    void send(std::span<const membership::OutboundPacket> packets) override;
    void greet(std::span<const membership::OutboundPacket> packets) override;
    void send_one_by_one(const protocol::MemberList& daemons) override;
    [[nodiscard]] bool receive(membership::Channel channel, driver::Inbox& inbox) override;
    [[nodiscard]] bool has_unread() override { return is_readable(); }
    void read_errors(driver::Inbox& inbox) override;

    void tell_of_taken();
    void tell_of_state();
    void observe(const membership::DeliveryEvent& event);
    [[nodiscard]] std::unique_ptr<driver::SealedTraffic> sealed_traffic(Setup& from);
    void start_names(protocol::Rng luck, const membership::RingConfig& config);
    using Sending = bool (Network::*)(DaemonIndex, const membership::OutboundPacket&);
    void send_by(Sending way, std::span<const membership::OutboundPacket> packets);

    // What is reached (Goal).
    void note_windows();
    void note_requests(const membership::OutboundPacket& packet);
    void note_ring(const membership::ConfigurationChange& change);
    void note_number(protocol::Seq seq);
    void note_state_part(const membership::Submission& submission);

    Host& host_;
    Simulator& simulator_;
    DaemonIndex index_;
    checker::LifeId life_;
    bool is_dead_ = false;
    bool is_in_turn_ = false;
    bool state_changed_ = false;
    std::size_t request_ranges_max_;
    std::uint32_t interrupted_ = 0;  ///< recoveries, since a ring was installed
    std::uint64_t ring_counter_ = 0;
    protocol::Seq last_number_;

    std::deque<Network::Parcel> data_socket_;
    std::deque<Network::Parcel> token_socket_;
    std::vector<protocol::DaemonId> unreachable_;
    std::size_t receive_queue_max_;
    bool is_slow_ = false;
    std::size_t received_ = 0;       ///< in this call of turn()
    std::size_t turn_received_ = 0;  ///< in this turn, which may take many calls

    /// Of what the session side has passed on and the engine has not taken yet.
    std::deque<checker::MessageFacts> message_facts_;
    std::deque<checker::MessageFacts> ahead_facts_;
    std::deque<ControlFact> control_facts_;

    std::optional<NameSide> names_;
    Names::Address source_ = 0;  ///< of the datagram that is being taken

    SimEntropy entropy_;
    SealWatch::Taken taken_;
    std::map<sealing::StreamId, protocol::Instant> refused_since_;  ///< nothing of it is taken
    std::uint64_t plain_taken_ = 0;                                 ///< when that was allowed last
    driver::RingQueues queues_;
    Signal ring_signal_;
    Signal session_signal_;
    driver::RingPort port_;
    std::vector<driver::FlightSlot> flight_;
    driver::RingDriver driver_;  // last: its calls need all of the above
};

}  // namespace spread::sim
