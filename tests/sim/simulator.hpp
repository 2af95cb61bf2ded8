#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/buffer.hpp"
#include "tests/checker/group_checker.hpp"
#include "tests/checker/ring_checker.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/connection.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/run.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/seal_watch.hpp"

namespace spread::sim {

/// One run of one scenario: virtual time, hosts, network, clients, checkers, and the script that
/// moves them. One thread; nothing sleeps.
class Simulator {
  public:
    Simulator(const Scenario& scenario, const RunOptions& options);
    ~Simulator();
    Simulator(const Simulator&) = delete;
    Simulator& operator=(const Simulator&) = delete;

    [[nodiscard]] Verdict run();

    // --- for hosts, network and clients ---
    [[nodiscard]] protocol::Instant now() const { return now_; }
    void post(protocol::Duration delay, EventKind kind, std::uint16_t subject,
              std::uint32_t slot = 0, std::uint32_t generation = 0) {
        events_.post(now_ + delay, kind, subject, slot, generation);
    }
    [[nodiscard]] protocol::BufferPool& pool() { return *pool_; }
    [[nodiscard]] Network& network() { return network_; }
    /// Null on a plain ring.
    [[nodiscard]] SealWatch* seal_watch() { return seal_watch_ ? &*seal_watch_ : nullptr; }
    [[nodiscard]] checker::RingChecker& rings() { return rings_; }
    [[nodiscard]] checker::GroupChecker& groups() { return groups_; }
    [[nodiscard]] Client& client(ClientIndex index) { return *clients_[index]; }
    [[nodiscard]] std::optional<ClientIndex> client_named(std::string_view private_name) const;

    /// The script may want to act before this packet goes. False when the sender is dead now.
    [[nodiscard]] bool about_to_send(DaemonIndex from, DaemonIndex to, PacketLabel label);
    /// The host of a dead daemon answers, and so does one whose firewall `rejects`.
    void note_unreachable(DaemonIndex from, DaemonIndex to, bool rejects);
    void note_state(DaemonIndex daemon, membership::RingState state);
    void on_state(DaemonIndex daemon);
    void note_group_configuration(DaemonIndex daemon,
                                  const membership::ConfigurationChange& change);
    void check_refused(DaemonIndex by, sealing::Refusal refusal, const sealing::Envelope& envelope,
                       protocol::Instant since);
    void check_stirred(DaemonIndex daemon, const membership::ConfigurationChange& change);
    void note_counters(std::uint64_t counter, std::uint64_t incarnation);
    [[nodiscard]] std::uint64_t highest_counter() const { return highest_counter_; }
    [[nodiscard]] std::uint64_t highest_incarnation() const { return highest_incarnation_; }
    void note_configuration() {
        ++stats_.configurations;
        steady_is_due_ = true;
    }
    void note_delivery() { ++stats_.ring_deliveries; }
    void note_sent() { ++stats_.client_messages; }
    void note_received() {}
    void note_reached(Goal goal) { verdict_.reached.note(goal); }

    // Connections.
    [[nodiscard]] std::optional<std::uint32_t> connect(ClientIndex client, DaemonIndex daemon);
    [[nodiscard]] Connection& connection(std::uint32_t number) { return *connections_[number]; }
    void write_to_server(std::uint32_t connection, protocol::Slice bytes);
    [[nodiscard]] std::optional<protocol::Message> read_from_server(std::uint32_t connection);
    void close_by_client(std::uint32_t connection);
    [[nodiscard]] const Scenario& scenario() const { return scenario_; }
    void shut_down_by_server(std::uint32_t connection);
    void close_by_server(std::uint32_t connection);
    void wake_client(std::uint32_t connection);
    [[nodiscard]] bool accepted_by_living(const Connection& connection) const;

    /// A violation the simulator itself found.
    void fail(checker::Violation violation);
    void digest(std::uint64_t value);
    /// The same of what goes into ring engines and comes out of them.
    void engine_digest(std::uint64_t value);
    template <typename MakeText>
    void trace(TraceLevel level, DaemonIndex daemon, char mark, MakeText&& make_text) {
        if (level <= options_.trace) {
            add_trace("d" + std::to_string(daemon + 1), mark, make_text());
        }
    }
    void trace_packet(DaemonIndex from, DaemonIndex to, const protocol::Slice& datagram,
                      const char* fate);

  private:
    void add_trace(const std::string& who, char mark, const std::string& text);
    void handle(const Event& event);
    [[nodiscard]] bool is_over();

    // The script.
    void advance();
    [[nodiscard]] bool is_due(const Step& step);
    void take_step(const Step& step);
    void carry_out(const Step& step);
    void note_stir(const Step& step);
    void carry_out_daemon_step(const Step& step);
    void carry_out_network_step(const Step& step);
    void carry_out_client_step(const Step& step);
    [[nodiscard]] bool is_expectation(const Step& step) const;
    /// Looks again now and then until the expectation holds or is overdue.
    void watch_expectation(const Step& step);
    [[nodiscard]] bool holds(const Step& step);
    [[nodiscard]] std::string reality() const;

    // Steadiness.
    void begin_steady(const std::vector<std::uint16_t>& who);
    void end_steady();
    void watch_steady();
    void watch_order();
    void watch_order_anew(std::uint16_t daemon);
    [[nodiscard]] bool is_together(const std::vector<std::uint16_t>& who) const;

    // Settling.
    void watch_settling(const Step& step);
    [[nodiscard]] std::optional<std::string> unsettled();
    [[nodiscard]] bool leaves_somebody_out() const;
    void check_resources();
    void finish();

    const Scenario& scenario_;
    RunOptions options_;
    std::unique_ptr<protocol::BufferPool> pool_;
    protocol::Instant now_{};
    EventQueue events_;
    Verdict verdict_;
    RunStats& stats_ = verdict_.stats;
    checker::RingChecker rings_;
    checker::GroupChecker groups_;
    std::optional<SealWatch> seal_watch_;
    bool is_calm_ = false;        ///< but for changes of keys
    std::vector<bool> is_whole_;  ///< by daemon: it has been in the ring of all
    protocol::Instant stirred_at_{};
    bool has_fair_network_ = true;
    bool is_cut_ = false;  ///< links are down, or packets wait or are dropped on purpose
    Network network_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::vector<membership::RingState> states_;
    std::uint64_t highest_counter_ = 0;
    std::uint64_t highest_incarnation_ = 0;

    // The script.
    std::size_t next_step_ = 0;
    protocol::Instant step_since_{};  ///< when the next step began to wait
    std::uint32_t matches_left_ = 0;  ///< of its packet
    bool moment_came_ = false;        ///< of its packet or state
    bool advancing_ = false;
    bool script_posted_ = false;
    std::optional<protocol::Instant> expected_since_;
    bool settled_ = false;  ///< the last step was a settle that succeeded

    /// How far the order of a daemon has come, and since when.
    struct Order {
        protocol::RingId ring;
        std::uint64_t safe_up_to = 0;
        protocol::Instant since;
    };
    /// Of those for whom L4 and L5 hold.
    struct Steady {
        std::vector<std::uint16_t> who;
        std::vector<Order> orders;
        protocol::Instant look_at;
        protocol::Instant from;
        protocol::Instant checked;
        bool together = false;
        protocol::Duration time_together{};
        std::vector<std::uint64_t> configurations;  ///< before
    };
    std::optional<Steady> steady_;
    bool steady_is_due_ = false;

    // Settling.
    std::optional<protocol::Instant> stray_until_;  ///< packets of before are under way till then
    protocol::Instant patient_until_{};             ///< with daemons that leave others out
    std::optional<protocol::Instant> calm_since_;
    std::uint64_t calm_configurations_ = 0;
    std::uint64_t calm_packets_ = 0;
};

}  // namespace spread::sim
