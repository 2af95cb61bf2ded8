#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/driver/daemon_state.hpp"
#include "daemon/session/session_core.hpp"
#include "membership/ring_engine.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/rng.hpp"
#include "tests/checker/ring_checker.hpp"
#include "tests/sim/key_side.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/ring_side.hpp"
#include "tests/sim/scenario.hpp"

namespace spread::sim {

class Simulator;

/// One machine with one daemon on it: RingDriver and SessionCore, joined by the queues that join
/// them in the daemon, between two sides that run a little apart, or in one thread while the
/// session side has the ring's work. Its clocks, its sockets and its state file are simulated. A
/// file for each: life and time (host.cpp), the ring side, the session side.
class Host final {
  public:
    Host(Simulator& simulator, DaemonIndex index, const Scenario& scenario);
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    void start(StateFate fate);
    void crash();
    void leave();
    void pause(bool stopped);
    void slow(protocol::Duration per_handler) { slow_ = per_handler; }
    void clog_sessions(bool on);
    void drift(std::int64_t ppm);
    void step_wall_clock(std::int64_t us) { wall_offset_us_ += us; }
    /// Its operator wants another ring key.
    void rotate_key();
    void fill_disk(bool is_full) { key_disk_.fill(is_full); }
    void seal_as(sealing::Mode mode);
    void order_key(sealing::KeyOrder order) { keys_->order(std::move(order)); }
    void set_wire_greatest(std::uint8_t version) { wire_greatest_ = version; }
    void set_config_version(std::uint32_t version) { config_version_ = version; }

    void on_packet(const Network::Parcel& parcel);
    void on_peer_unreachable(DaemonIndex peer);
    void ring_turn(std::uint32_t generation);
    void session_turn(std::uint32_t generation);

    /// Called by clients; the daemon notices at its session side's next turn.
    void on_connect(std::uint32_t connection);
    void on_client_activity();

    /// Called by the ring side: the other one must look at the queues.
    void wake_ring() { schedule_ring_turn(simulator_now() + kHandover); }
    void wake_sessions() { schedule_session_turn(kHandover); }
    void keep_counter(std::uint64_t ring_counter);
    void note_configuration() { ++configurations_; }
    [[nodiscard]] protocol::Instant local_now() const;

    [[nodiscard]] bool is_up() const { return ring_ != nullptr; }
    [[nodiscard]] bool is_paused() const { return paused_; }
    [[nodiscard]] std::uint32_t generation() const { return generation_; }
    [[nodiscard]] std::uint32_t config_version() const { return config_version_; }
    [[nodiscard]] protocol::DaemonId id() const { return id_; }
    [[nodiscard]] const membership::RingEngine& engine() const { return ring_->driver().engine(); }
    [[nodiscard]] membership::RingState state() const { return engine().state(); }
    /// Nothing under way inside this daemon.
    [[nodiscard]] bool is_quiet() const;
    [[nodiscard]] std::optional<bool> holds(protocol::RingId ring, protocol::Seq seq) const;
    /// R3: lost packets are sent again in proportion to what there is to send, and else with every
    /// token one.
    void check_retransmissions() const;
    [[nodiscard]] std::uint64_t malformed_messages() const;
    [[nodiscard]] std::uint64_t configurations_installed() const { return configurations_; }
    [[nodiscard]] checker::LifeId life() const { return life_; }
    /// What it seals with and opens; empty on a plain ring.
    [[nodiscard]] std::string keys_text() const;
    [[nodiscard]] sealing::StreamId stream_id() const { return ring_->driver().seal()->stream(); }
    [[nodiscard]] protocol::Instant born() const { return ring_->born(); }

  private:
    struct Served {
        std::uint32_t connection = 0;
        bool is_full = false;       ///< the socket takes no more until the client has read
        bool end_was_read = false;  ///< of what the client sends
    };
    struct Verdict {
        protocol::Instant at;
        protocol::SessionId session;
        bool is_right = false;
    };

    /// What a wake-up of the other thread costs.
    static constexpr protocol::Duration kHandover = std::chrono::microseconds(10);

    [[nodiscard]] protocol::Instant simulator_now() const;
    [[nodiscard]] protocol::Instant simulated(protocol::Instant local) const;
    void schedule_ring_turn(protocol::Instant at);
    void schedule_session_turn(protocol::Duration delay);
    void schedule_session_turn_at(protocol::Instant at);

    // Ring side.
    [[nodiscard]] membership::RingConfig ring_config() const;
    void end_ring();
    [[nodiscard]] bool is_ring_quiet() const;
    [[nodiscard]] driver::QueueLimits queue_limits() const;
    [[nodiscard]] bool run_ring();
    void schedule_next_ring_turn();
    void offer_ring();

    // The session side's part in the ring's work; around each of its turns.
    [[nodiscard]] bool begin_session_turn();
    void end_session_turn();
    void give_ring_back();
    void weigh_sharing();

    // Session side.
    void start_keys();
    void work_on_keys();
    [[nodiscard]] session::SessionConfig session_config() const;
    void start_sessions(protocol::Rng rng);
    void end_sessions();
    [[nodiscard]] bool are_sessions_quiet() const;
    void apply();
    void check_disconnect(const membership::Submission& submission);
    void take_deliveries();
    void accept_connections();
    void answer_passwords();
    void read_clients();
    [[nodiscard]] bool read_one(protocol::SessionId id);
    [[nodiscard]] std::size_t socket_bytes() const;
    void note_writable();
    void write_wanted();
    void write(protocol::SessionId id);
    void drop_connections();

    void end_life();

    Simulator& simulator_;
    const Scenario& scenario_;
    DaemonIndex index_;
    protocol::DaemonId id_;
    std::uint64_t lives_ = 0;
    std::uint32_t generation_ = 0;  ///< events of earlier lives are void
    std::uint32_t config_version_ = 0;
    std::uint8_t wire_greatest_ = protocol::kRingWireGreatest;  ///< as its release speaks it
    checker::LifeId life_;

    // Clocks: local = local_base_ + (simulated - simulated_base_) * (1 + drift).
    protocol::Instant local_base_{};
    protocol::Instant simulated_base_{};
    std::int64_t drift_ppm_ = 0;
    std::int64_t wall_offset_us_ = 0;

    /// What the state file says now and said one life ago.
    std::optional<driver::DaemonState> stored_;
    std::optional<driver::DaemonState> stored_before_;

    // Keys.
    KeyDisk key_disk_{simulated_keys()};
    std::optional<sealing::Mode> mode_;
    protocol::Rng key_luck_;
    std::unique_ptr<KeySide> keys_;  ///< null on a plain ring, or between two lives

    // Ring side.
    std::unique_ptr<RingSide> ring_;
    std::vector<std::unique_ptr<RingSide>> retired_;  ///< died in the middle of a turn
    bool paused_ = false;
    protocol::Duration slow_{0};
    protocol::Instant busy_until_{};
    std::optional<protocol::Instant> ring_turn_at_;
    bool leaving_ = false;
    std::optional<StateFate> start_after_leaving_;
    bool shares_work_ = false;  ///< one thread may do both works
    protocol::Rng sharing_luck_{0};
    std::uint64_t configurations_ = 0;

    // Session side.
    std::unique_ptr<session::SessionCore> core_;
    session::SessionOutput session_out_;
    bool sessions_clogged_ = false;
    std::optional<protocol::Instant> session_turn_at_;
    std::vector<std::uint32_t> backlog_;  ///< connections to accept
    std::map<protocol::SessionId, Served> served_;
    std::deque<Verdict> verdicts_;  ///< on passwords, in the order of time
};

}  // namespace spread::sim
