#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "membership/groups/group_engine.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/service.hpp"

namespace spread::membership::testing {

/// Something a client received, decoded from the frame.
struct Seen {
    enum class Kind { kJoin, kLeave, kDisconnect, kNetwork, kTransitional, kSelfLeave, kData };

    Kind kind = Kind::kData;
    std::string group;  ///< of memberships; of data, the first destination
    protocol::GroupId id;
    std::vector<std::string> members;  ///< private names
    std::vector<std::vector<std::string>> sets;
    std::size_t own_set = 0;
    std::string body;  ///< of data
    std::vector<std::byte> frame;
    /// Where in the order it was produced: ring counter and representative, place in its log.
    std::string place;
    /// The session layer may let it wait for others.
    bool may_wait = false;
    /// Daemons of the last transitional configuration at that moment.
    std::vector<std::size_t> transitional;

    [[nodiscard]] bool is_view() const {
        return kind == Kind::kJoin || kind == Kind::kLeave || kind == Kind::kDisconnect ||
               kind == Kind::kNetwork;
    }
    /// For example "NET g (1,102,1) [a1 a3] {a1} {a3} @1", "JOIN g (1,100,2) [a1 a2] a2",
    /// "TRANS g (1,100,2)", "SELF-LEAVE g", "DATA g hello". Members without their daemons.
    [[nodiscard]] std::string text() const;
};

/// The user part of a private name.
[[nodiscard]] std::string user_of(const std::string& private_name);

/// Several group engines on a total order with extended virtual synchrony, without a network: each
/// ring is a log, each daemon a place in it. A test decides who has received what, who delivers
/// how far, and when the rings change.
class TotalOrderBus {
  public:
    struct Client {
        std::string user;
        std::size_t daemon = 0;
        std::string private_name;
        protocol::SessionId session;
        bool wants_membership = true;
        bool alive = true;
        bool disconnected = false;  ///< the engine reported it
        std::vector<Seen> seen;
    };

    /// Daemon number i has id `ids[i]`, or i + 1.
    explicit TotalOrderBus(const std::vector<std::string>& daemon_names,
                           const std::vector<std::uint32_t>& ids = {},
                           std::size_t state_message_bytes_max = 100000);

    // ---- Clients ----

    Client& connect(std::size_t daemon, const std::string& user, bool wants_membership = true);
    void join(Client& client, std::string_view group);
    void leave(Client& client, std::string_view group);
    void disconnect(Client& client, bool orderly = true);
    void send(Client& client, const std::vector<std::string>& groups, const std::string& body,
              std::uint32_t type = protocol::kAgreedMess, std::int16_t mess_type = 0);
    /// Any bytes, as if `daemon` had sent them.
    void inject(std::size_t daemon, protocol::MessageKind kind, protocol::Message body);

    // ---- The order ----

    /// Gives everything that waits at `daemon` and may go its place in the order. Nobody delivers.
    void stamp(std::size_t daemon);
    void stamp_one(std::size_t daemon);
    void stamp_all();
    /// `daemon` delivers the next message it has, if it has it. False when there is none.
    bool deliver_one(std::size_t daemon);
    void deliver(std::size_t daemon);
    /// Stamps and delivers until nothing moves.
    void settle();
    /// The newest message of the ring of `daemon`, if there is one, does not reach those of `who`
    /// who have not delivered it. Its sender always has it.
    void lose_newest(std::size_t daemon, const std::vector<std::size_t>& who);
    /// Number of messages stamped on the ring of `daemon`.
    [[nodiscard]] std::size_t log_size(std::size_t daemon) const;

    // ---- Configurations ----

    /// Every component becomes a ring. Who comes along from one old ring to one new ring first
    /// delivers what any of them has: up to `keep_regular` further messages in the old regular
    /// configuration, the rest in the transitional one. Behind a hole only messages of those who
    /// come along count. Daemons in no component keep their ring.
    void reform(const std::vector<std::vector<std::size_t>>& components,
                std::size_t keep_regular = 0);
    /// The daemon's life ends, with all of its clients. It takes part again after restart().
    void crash(std::size_t daemon);
    void restart(std::size_t daemon);

    /// Counter of the next ring is at least this. Exact when larger than all so far.
    void set_next_counter(std::uint64_t counter) { next_counter_ = counter; }

    /// From now on engines do their work in turns of so many units; 0 does all of it at once.
    void set_turn(std::size_t units) { turn_ = units; }

    // ---- Looking ----

    [[nodiscard]] GroupEngine& engine(std::size_t daemon) { return *daemons_[daemon].engine; }
    [[nodiscard]] bool is_up(std::size_t daemon) const {
        return daemons_[daemon].engine != nullptr;
    }
    [[nodiscard]] bool is_resumed(std::size_t daemon) const { return daemons_[daemon].resumed; }
    [[nodiscard]] const std::deque<Client>& clients() const { return clients_; }
    [[nodiscard]] std::deque<Client>& clients() { return clients_; }
    [[nodiscard]] std::size_t daemon_count() const { return daemons_.size(); }
    [[nodiscard]] std::size_t index_of_daemon(std::string_view name) const;
    /// Events handed to the session layer by this daemon, in all.
    [[nodiscard]] std::size_t frames_of(std::size_t daemon) const {
        return daemons_[daemon].frames;
    }
    /// Texts of what the client saw since the last call.
    std::vector<std::string> news(Client& client);

  private:
    struct Entry {
        std::size_t origin = 0;
        Submission submission;
        std::set<std::size_t> missing;  ///< daemons it has not reached
    };
    struct Ring {
        protocol::RingId id;
        std::vector<std::size_t> members;
        std::vector<Entry> log;
    };
    struct Daemon {
        std::unique_ptr<GroupEngine> engine;
        std::shared_ptr<Ring> ring;
        std::size_t position = 0;  ///< in the ring's log
        std::deque<Submission> control;
        std::deque<Submission> ordinary;
        bool resumed = false;
        std::uint64_t counter = 0;
        std::vector<std::size_t> transitional;
        std::size_t frames = 0;
    };

    void feed(std::size_t daemon, DeliveryEvent event, const std::string& place);
    void take(std::size_t daemon, GroupOutput& out, const std::string& place);
    void deliver_entry(std::size_t daemon, std::size_t index);
    [[nodiscard]] Client* find_client(protocol::SessionId session);

    std::vector<std::string> names_;
    GroupConfig config_;
    std::vector<Daemon> daemons_;
    std::deque<Client> clients_;
    std::map<protocol::SessionId, Client*> by_session_;
    std::map<const Client*, std::size_t> read_;
    std::size_t turn_ = 0;
    std::uint64_t next_counter_ = 100;
    std::uint32_t next_nonce_ = 1;
    std::uint64_t next_session_ = 1;
};

}  // namespace spread::membership::testing
