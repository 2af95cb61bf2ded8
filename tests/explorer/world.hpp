#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "membership/engine_output.hpp"
#include "membership/ring_engine.hpp"
#include "membership/trace.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ring_wire.hpp"
#include "tests/checker/group_checker.hpp"
#include "tests/checker/ring_checker.hpp"
#include "tests/explorer/group_side.hpp"
#include "tests/explorer/hash.hpp"

namespace spread::explorer {

/// What the engines of a world are like, and how often what may happen.
struct Setup {
    std::size_t daemons = 2;
    std::uint32_t drops = 1;     ///< packets lost
    std::uint32_t timers = 2;    ///< deadlines that come early
    std::uint32_t messages = 1;  ///< submitted: safe and agreed ones in turns
    std::uint32_t crashes = 0;
    /// The group layer on top, with a client at each daemon, which joins the group when it
    /// connects. Of three and more daemons the last one's client stays outside and sends as well.
    bool groups = false;
    std::uint32_t joins = 0;  ///< clients leave the group, or come back
    bool restarts = false;    ///< crashed daemons may come back
    bool from_boot = false;   ///< else a ring has formed, whose token rests
    bool accelerated = false;
    std::uint32_t lease_after_hits = 0;
    std::size_t message_bytes = 150;  ///< one fills most of a packet
    /// Of the packets under way, which may arrive next: the first so many, each if no other of the
    /// same sender, receiver and socket is before it.
    std::size_t overtaking = 2;
    bool any_order = false;  ///< ... also if another one is before it
};

/// Something that may happen next.
struct Move {
    enum class Kind : std::uint8_t {
        kDeliver,
        kDrop,
        kTimer,
        kSubmit,
        kToggle,  ///< a client leaves the group, or joins it
        kCrash,
        kRestart
    };
    Kind kind = Kind::kDeliver;
    std::size_t what = 0;   ///< packet, or daemon
    std::size_t timer = 0;  ///< of kTimer
};

/// What recoveries met on the way, counted over all moves.
struct Reached {
    std::uint64_t recoveries = 0;
    std::uint64_t with_packets = 0;
    std::uint64_t with_hole = 0;
    std::uint64_t with_promise = 0;  ///< to a sender that does not come along
    std::uint64_t with_both = 0;
    std::uint64_t interrupted = 0;
    std::uint64_t exchanges = 0;                ///< of group states, that were completed
    std::uint64_t exchanges_in_transition = 0;  ///< that a transitional configuration came into
};

/// A few ring engines, if asked for with their group layers, the packets between them, and the
/// checkers of their histories. Time stands still, except in peace; what happens next is for the
/// explorer to say.
class World {
  public:
    explicit World(const Setup& setup);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// All that may happen within what the setup allows.
    void moves(std::vector<Move>& out) const;
    void make(const Move& move);
    [[nodiscard]] std::string name_of(const Move& move) const;
    [[nodiscard]] std::uint64_t fingerprint() const;
    [[nodiscard]] bool has_problem() const;
    /// What is wrong; empty if nothing is.
    [[nodiscard]] std::string problem() const;
    /// Nothing is lost any more and time goes on: all that run have to come into one ring, at rest,
    /// with everything delivered. The world is not to be used again. Empty if so, else what is
    /// wrong.
    [[nodiscard]] std::string make_peace();

    // For walks, which choose by themselves.
    [[nodiscard]] bool is_up(std::size_t daemon) const { return nodes_[daemon].engine != nullptr; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] std::vector<Move> deliveries() const;
    [[nodiscard]] std::vector<Move> timers() const;
    [[nodiscard]] std::uint32_t messages_submitted() const { return submitted_; }
    [[nodiscard]] std::uint32_t crashes() const { return crashed_; }
    [[nodiscard]] std::uint32_t joins() const { return toggled_; }

    static Reached reached;  ///< outside of any world

  private:
    /// What one call of an engine sends to one receiver by one kind of packet travels together.
    struct Packet {
        std::size_t from;
        std::size_t to;
        bool by_token_socket;
        protocol::PacketKind kind;
        std::vector<std::pair<membership::Arrival, protocol::Slice>> datagrams;
        std::uint64_t digest;
    };
    /// Counts what recoveries meet, except in peace.
    class Watcher final : public membership::Tracer {
      public:
        explicit Watcher(const bool& is_peace) : is_peace_(is_peace) {}
        void on_state_change(const membership::StateChange& change) override;
        void on_recovery(const membership::RecoveryFacts& facts) override;

      private:
        const bool& is_peace_;
    };
    struct Node {
        std::unique_ptr<membership::RingEngine> engine;   ///< null: down
        std::unique_ptr<GroupSide> groups;                ///< null: down, or not asked for
        std::deque<membership::DeliveryEvent> delivered;  ///< not looked at yet
        bool is_looking = false;
        checker::LifeId life;
        std::uint64_t history = 1;  ///< of what it delivered
        std::uint64_t counter = 1000;
        std::uint32_t lives = 0;
        std::uint32_t sent = 0;
    };

    template <typename Call>
    void call(std::size_t daemon, const Call& action);
    void carry_out(std::size_t daemon, membership::EngineOutput& out);
    void send(std::size_t daemon, const membership::OutboundPacket& packet, bool joins_last);
    void look(std::size_t daemon);
    void observe(std::size_t daemon, const membership::DeliveryEvent& event);
    void observe_configuration(std::size_t daemon, const membership::ConfigurationChange& change);
    /// Takes an event to the group layer, and what comes of it to the ring.
    void pass_on(std::size_t daemon, membership::DeliveryEvent event);
    void take(std::size_t daemon, GroupSide::Output& out);
    void resume(std::size_t daemon, protocol::RingId ring);
    void accept(std::size_t daemon, membership::Submission submission);
    void toggle(std::size_t daemon);
    void start(std::size_t daemon);
    void crash(std::size_t daemon);
    void submit(std::size_t daemon);
    void submit_plain(std::size_t daemon, protocol::Service service);
    void deliver(std::size_t packet);
    /// The next packet, or the next deadline; false when there is none.
    [[nodiscard]] bool let_time_pass();
    [[nodiscard]] bool is_one_ring() const;
    /// Nothing is on its way, and nothing waits.
    [[nodiscard]] bool is_at_rest() const;
    [[nodiscard]] bool joins_at_start(std::size_t daemon) const {
        return daemon + 1 < nodes_.size() || nodes_.size() < 3;
    }
    void settle_at_first();
    [[nodiscard]] std::string reality() const;

    Setup setup_;
    protocol::BufferPool pool_;
    Watcher tracer_{is_peace_};
    checker::RingChecker checker_;
    checker::GroupChecker group_checker_;
    std::vector<Node> nodes_;
    std::vector<Packet> packets_;
    protocol::Instant now_;
    bool is_peace_ = true;
    std::uint32_t dropped_ = 0;
    std::uint32_t fired_ = 0;
    std::uint32_t submitted_ = 0;
    std::uint32_t toggled_ = 0;
    std::uint32_t crashed_ = 0;
};

}  // namespace spread::explorer
