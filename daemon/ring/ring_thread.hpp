#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/driver/ring_driver.hpp"
#include "daemon/driver/snapshot.hpp"
#include "daemon/host/event_set.hpp"
#include "daemon/host/interface_watch.hpp"
#include "daemon/host/latest.hpp"
#include "daemon/host/load_meter.hpp"
#include "daemon/ring/absence_text.hpp"
#include "daemon/ring/own_address.hpp"
#include "daemon/ring/peer_addresses.hpp"
#include "daemon/ring/ring_facts.hpp"
#include "daemon/ring/ring_keys.hpp"
#include "daemon/ring/ring_link.hpp"
#include "daemon/ring/ring_log.hpp"
#include "daemon/ring/seal_log.hpp"
#include "daemon/ring/udp_transport.hpp"
#include "membership/ring_engine.hpp"
#include "membership/trace.hpp"
#include "protocol/buffer.hpp"
#include "protocol/counters.hpp"
#include "sealing/key_store.hpp"

namespace spread::daemon {

/// A thread for RingDriver: sleeps until a socket, a deadline or a wake-up has something for it,
/// tells the driver the time, and logs what operators want to know. Never waits for a client, takes
/// no lock and makes no system call per message.
///
/// While one processor is enough the session thread does this work, too (RingQueues::ring_owner),
/// which saves waking one thread by the other for every message: it watches what watched() names
/// and calls work_on().
class RingThread final : private driver::RingHost {
  public:
    struct Setup {
        membership::RingConfig config;
        protocol::Incarnation incarnation;
        std::uint64_t ring_counter = 0;
        std::uint64_t random_seed = 0;
        /// Where the daemon's own address is at the start.
        std::optional<LocalAddress> own_address{};
        /// Remembers the counter of a ring that is being formed, for the next life. Called on the
        /// ring thread before anybody hears of it.
        std::function<void(std::uint64_t)> keep_counter{};
        /// For the log; without it nothing is said of who is missing.
        std::optional<AbsenceText> absences{};
        /// Null, or outlives the thread.
        RingObserver* observer = nullptr;
        /// Of a ring with a key, which comes from the file of this name.
        std::optional<sealing::RingSeal::Setup> seal{};
        std::string key_file{};
        /// Of the flight recorder; outlives the thread.
        std::span<driver::FlightSlot> flight{};
        /// Of a ring whose daemons have names in place of addresses.
        std::optional<PeerAddresses::Setup> names{};
        /// For checkers: each message is recorded, at times that agree with cause and effect on
        /// this host.
        bool records_all = false;
    };

    /// `link`, `transport` and `pool` must outlive this object.
    RingThread(Setup setup, protocol::Roster roster, RingLink& link, UdpTransport& transport,
               protocol::BufferPool& pool);
    ~RingThread() override;
    RingThread(const RingThread&) = delete;
    RingThread& operator=(const RingThread&) = delete;

    /// A datagram that is no packet of a ring, and where it came from. True: nobody need be told.
    using ForeignHook =
        std::function<bool(const Endpoint& source, std::span<const std::byte> datagram)>;
    /// Who is asked first, on the thread that does the ring's work. To be set before start().
    void on_foreign(ForeignHook hook) { foreign_hook_ = std::move(hook); }

    /// Called with a key that another daemon has handed over, on the thread that does the ring's
    /// work: it must not wait. To be set before start().
    void on_key_taken(std::function<void(sealing::KeyOrder)> hook) {
        key_taken_hook_ = std::move(hook);
    }

    /// Starts the loop on a thread of its own, with all signals blocked. It ends after
    /// link.leave_wanted was set and the ring was left; link.ring_stopped tells.
    void start();
    void wait();

    struct Watched {
        int fd;
        std::uint32_t mark;
    };
    /// What to watch for input. The wake-up is not there: whoever does both works needs none.
    [[nodiscard]] std::vector<Watched> watched() const;

    /// Session thread, while it owns the ring's work: one turn, without waiting. `events` are those
    /// of watched(), with their marks in data.u32.
    void work_on(std::span<const epoll_event> events);
    /// The same: is there something in the queues that work_on() would take?
    [[nodiscard]] bool has_work() { return driver_.has_work(); }
    /// The same: when a turn is wanted without any events.
    [[nodiscard]] std::optional<protocol::Instant> next_deadline() const;

    static constexpr std::size_t kCounters = protocol::kRingCounters.size() +
                                             protocol::kTransportCounters.size() +
                                             protocol::kSealingCounters.size();
    using Counters = driver::Snapshot<kCounters>::Values;
    // From any thread; up to a quarter of a second old, or until something happens on an idle ring:

    /// The rows of kRingCounters, then those of kTransportCounters and of kSealingCounters.
    [[nodiscard]] Counters counters() const { return counters_.read(); }
    /// Null before the first turn.
    [[nodiscard]] std::shared_ptr<const RingFacts> facts() const { return facts_.get(); }
    /// "name value, ..." of all counters.
    [[nodiscard]] std::string describe_counters() const;

  private:
    void on_state_change(const membership::StateChange& change) override;
    void keep_counter(std::uint64_t ring_counter) override;
    bool on_bad_datagram(BadDatagram kind, std::span<const std::byte> datagram) override;
    void on_one_by_one(const protocol::MemberList& daemons) override;
    void on_narrow_path(protocol::DaemonId peer, std::size_t bytes) override;
    void on_settings(protocol::DaemonId sender, std::string_view settings) override;
    void on_output(const membership::EngineOutput& out) override;
    void on_missing(std::span<const membership::Absence> missing) override;
    void on_not_run(protocol::Duration late) override;
    void on_opened(const sealing::OpenedDatagram& opened) override;
    [[nodiscard]] bool admits(std::span<const std::byte> datagram) override;
    void on_refused(sealing::Refusal refusal, const sealing::Envelope& envelope) override;
    void on_seal_event(const sealing::SealEvent& event, const sealing::KeyRing& keys) override;
    [[nodiscard]] protocol::Instant time_of_reading(protocol::Instant turn) override;

    void run();
    void turn();
    void wait_for_work();
    void take_events(std::span<const epoll_event> events);
    void hand_over_if_wanted();
    void publish();
    void tell_missing();
    [[nodiscard]] std::vector<membership::Absence> known_among(
        const std::vector<membership::Absence>& missing) const;
    void look_at_interfaces();

    RingLink& link_;
    UdpTransport& transport_;
    std::function<void(std::uint64_t)> keep_counter_;
    RingLog log_;
    SealLog seal_log_;
    KernelEntropy entropy_;
    protocol::RingId logged_ring_{};
    std::vector<membership::Absence> missing_;       ///< as the engine says
    std::vector<membership::Absence> told_missing_;  ///< of these, those that are known
    protocol::MemberList without_group_;             ///< told the observer last
    RingObserver* observer_;
    const bool records_all_;
    ForeignHook foreign_hook_;
    std::function<void(sealing::KeyOrder)> key_taken_hook_;
    std::uint64_t not_refused_ = 0;             ///< of packets_malformed
    std::unique_ptr<PeerAddresses> addresses_;  ///< null: all are literal
    driver::RingDriver driver_;
    protocol::Instant now_{};

    InterfaceWatch interfaces_;
    std::optional<OwnAddress> own_address_;
    bool interfaces_changed_ = false;

    EventSet events_;
    LoadMeter load_;
    driver::Snapshot<kCounters> counters_;
    Latest<RingFacts> facts_;
    protocol::Instant published_at_{};
    RateLimit not_run_limit_{std::chrono::seconds(1)};

    std::thread thread_;
};

}  // namespace spread::daemon
