#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/membership_frames.hpp"
#include "tests/checker/group_checker.hpp"
#include "tests/checker/interner.hpp"
#include "tests/checker/total_order.hpp"

// What GroupChecker remembers. Everything is addressed by 32-bit indices into vectors.

namespace spread::checker {

inline constexpr std::uint32_t kNone = 0xffffffffU;
/// In place of a next view: the history ends in this one.
inline constexpr std::uint32_t kOpen = kNone - 1;

using ClientIndex = std::uint32_t;   ///< a connection
using MessageIndex = std::uint32_t;  ///< a multicast
using ViewIndex = std::uint32_t;     ///< a view of one group
using Node = TotalOrder::Node;       ///< a message or a view, in the order of all deliveries
using Tick = std::uint32_t;          ///< a place in the order of the feed

/// A multicast: as sent, or as first received when that is fed before.
struct SentMessage {
    std::uint64_t key = 0;
    NameId sender = kNone;
    ClientIndex author = kNone;     ///< kNone: the send has not been fed (yet)
    std::uint32_t send_number = 0;  ///< counts the author's multicasts from 1
    Tick sent_at = 0;
    MessageIndex previous = kNone;  ///< of the same author
    ClientService service{};
    bool self_discard = false;  ///< known with the author
    Node node = kNone;
    std::uint32_t destinations_at = 0;  ///< in History::destinations
    std::uint32_t destination_count = 0;
};

/// One thing that a client read.
struct ReadEntry {
    enum class Kind : std::uint8_t { kView, kSignal, kSelfLeave, kMessage };
    Kind kind{};
    std::uint32_t what = kNone;  ///< message or view
    NameId group = kNone;        ///< not of messages
    Tick at = 0;
};

/// What happens between two consecutive views of a group at those who take the same step (G7).
struct Passage {
    ViewIndex to = kNone;  ///< kNone: they left; see `detail`
    /// The vs-set in a network view; the leaver's name where `to` is kNone, which is then the step
    /// of those who see the leave as well.
    std::uint32_t detail = 0;
    std::uint64_t digest = 0;
    bool signalled = false;
    bool has_safe = false;
    [[nodiscard]] bool is_apart() const { return to == kNone && signalled; }
    struct Witness {
        ClientIndex client = kNone;
        std::uint32_t begin = 0;  ///< its log from the view on
        std::uint32_t end = 0;
    };
    std::vector<Witness> witnesses;
    /// The union of what the witnesses got, once they differ by what senders discard for
    /// themselves: message * 2, plus 1 behind the signal; ascending.
    std::vector<std::uint64_t> all;
};

struct ViewRecord {
    NameId group = kNone;
    protocol::GroupId id;
    Cause cause{};
    std::vector<NameId> members;
    std::vector<std::vector<NameId>> sets;
    std::uint32_t epoch = 0;  ///< History::epoch_of() it
    Node node = kNone;
    std::vector<ClientIndex> seers;
    /// Per vs-set of a network view: the view that its first witness had before, and who that is.
    struct Past {
        ViewIndex view = kNone;
        ClientIndex witness = kNone;
        /// The network had not touched that view, so its id is the one that sides are ordered by.
        bool is_quiet = false;
    };
    std::vector<Past> pasts;
    std::vector<Passage> passages;

    [[nodiscard]] NameId subject() const { return sets.front().front(); }
    [[nodiscard]] bool is_by_network() const { return cause == Cause::kNetwork; }
    /// Inside the transitional period; another signal follows at once.
    [[nodiscard]] bool is_interim() const { return is_by_network() && id.index != 1; }
    [[nodiscard]] bool has(NameId name) const;
};

/// One client in one group.
struct Seat {
    NameId group = kNone;
    /// Joins and leaves that take effect alternate: odd means in the group.
    std::uint32_t asked = 0;
    std::uint32_t seen = 0;
    std::vector<std::uint32_t> sent_before_leave;  ///< per leave asked for, in order
    ViewIndex view = kNone;
    std::uint32_t view_at = 0;  ///< in the log
    Tick member_since = 0;      ///< known to be in the group; of members without views by others
    bool signalled = false;
    bool has_safe = false;  ///< a SAFE message came before the signal
    std::uint64_t digest = 0;
    std::vector<std::uint32_t> epochs;  ///< since the first view after the join
    /// Per author: last of its multicasts to this group seen, and where in the log (G13).
    struct Heard {
        std::uint32_t number = 0;
        std::uint32_t at = 0;
    };
    std::vector<Heard> heard;

    [[nodiscard]] bool is_in() const { return view != kNone; }
    [[nodiscard]] bool will_be_in() const { return asked % 2 == 1; }
};

struct Client {
    NameId name = kNone;
    NameId daemon = kNone;
    bool wants_membership = false;
    bool has_ended = false;
    Tick connected_at = 0;
    std::uint32_t connection = 0;  ///< under this name, from 0
    std::vector<ReadEntry> log;
    Node last_node = kNone;
    std::uint32_t sent = 0;
    MessageIndex last_sent = kNone;
    std::vector<Seat> seats;
    std::vector<std::uint32_t> seat_of;  ///< by group name; kNone: none
    std::vector<MessageIndex> owed;      ///< own multicasts that must come back (G12), from owed_at
    std::size_t owed_at = 0;
    std::vector<std::uint32_t> last_from;  ///< per author: send number of the last one (G13)
};

/// A daemon's configurations, as far as told.
struct DaemonConfigurations {
    struct Told {
        Tick at = 0;
        std::vector<NameId> members;
    };
    std::vector<Told> history;
    std::vector<NameId> current;
    std::vector<std::vector<NameId>> losses;  ///< one entry per transitional configuration
    std::vector<NameId> found;                ///< ever
};

/// Everything fed so far, without judgement; and the words for it.
class History : private TotalOrder::Edges {
  public:
    using Edges = TotalOrder::Edges;

    Interner names;
    std::vector<Client> clients;
    std::vector<SentMessage> messages;
    std::vector<NameId> destinations;
    std::vector<ViewRecord> views;
    std::map<NameId, DaemonConfigurations> daemons;
    Tick ticks = 0;                 ///< events fed so far
    bool has_network_sign = false;  ///< somebody was told of a daemon that was lost or found

    History();

    Tick tick() { return ++ticks; }
    /// Whether two daemons cannot have been on different rings in between.
    [[nodiscard]] bool stayed_together(NameId one, NameId other, Tick from, Tick to) const;

    [[nodiscard]] std::span<const NameId> destinations_of(const SentMessage& message) const {
        return std::span(destinations).subspan(message.destinations_at, message.destination_count);
    }
    [[nodiscard]] bool goes_to(const SentMessage& message, NameId destination) const;
    /// kNone when nobody has sent or received it.
    [[nodiscard]] MessageIndex find_message(std::uint64_t key) const;
    MessageIndex add_message(const Multicast& multicast, NameId sender);
    [[nodiscard]] bool equal(const SentMessage& message, const Multicast& multicast) const;

    ViewIndex add_view(ViewRecord record);
    /// kNone when nobody has read one of this id.
    [[nodiscard]] ViewIndex find_view(NameId group, const protocol::GroupId& id) const;
    /// A number for all ids of a group that differ by their index alone.
    std::uint32_t epoch_of(NameId group, const protocol::GroupId& id);

    [[nodiscard]] Seat& seat(Client& client, NameId group);
    [[nodiscard]] Seat* find_seat(Client& client, NameId group);
    [[nodiscard]] std::span<const ClientIndex> connections_of(NameId name) const;
    void add_connection(NameId name, ClientIndex client);

    // ---- The order of all deliveries ----

    /// Appends an entry with a node. The result is the cycle that this closes, normally none.
    [[nodiscard]] std::vector<Node> append(ClientIndex client, const ReadEntry& entry);
    /// The author had read `cause` before it sent the message.
    [[nodiscard]] std::vector<Node> add_cause(MessageIndex message, Node cause);
    [[nodiscard]] bool is_view(Node node) const { return items_[node].is_view; }
    [[nodiscard]] std::uint32_t item(Node node) const { return items_[node].index; }
    Node add_node(bool is_view, std::uint32_t index);
    /// Who read `second` next after `first`, and where in its log. Nobody: then the author of
    /// `second` had read `first`.
    struct Step {
        ClientIndex reader = kNone;
        std::uint32_t first_at = 0;
        std::uint32_t second_at = 0;
    };
    [[nodiscard]] Step step(Node first, Node second) const;
    [[nodiscard]] std::size_t times_received(ClientIndex client, MessageIndex message) const;

    // ---- Words ----

    [[nodiscard]] std::string name(ClientIndex client) const;
    [[nodiscard]] std::string message(MessageIndex index) const;
    [[nodiscard]] std::string id(const protocol::GroupId& id) const;
    [[nodiscard]] std::string view_text(const ViewRecord& record) const;
    [[nodiscard]] std::string view(ViewIndex index) const { return view_text(views[index]); }
    [[nodiscard]] std::string entry(const ReadEntry& entry) const;
    /// "#a#d1: ...; ...": the part of a log, one group's when `group` is given.
    [[nodiscard]] std::string excerpt(ClientIndex client, std::size_t begin, std::size_t end,
                                      NameId group = kNone) const;
    /// The last entries of a log.
    [[nodiscard]] std::string tail(ClientIndex client, NameId group = kNone) const;

  private:
    struct Item {
        bool is_view = false;
        std::uint32_t index = 0;
        std::uint32_t receipts = kNone;  ///< list in receipts_
        Node cause = kNone;
        Node first_caused = kNone;
        Node next_caused = kNone;
    };
    struct Receipt {
        ClientIndex client = kNone;
        std::uint32_t at = 0;
        std::uint32_t next = kNone;
    };

    void successors(Node node, std::vector<Node>& out) const override;
    void predecessors(Node node, std::vector<Node>& out) const override;
    [[nodiscard]] Node node_of(const ReadEntry& entry) const;
    [[nodiscard]] bool interests(const ReadEntry& entry, NameId group) const;

    TotalOrder order_;
    std::vector<Item> items_;
    std::vector<Receipt> receipts_;
    std::vector<std::uint32_t> slots_;  ///< open hash table of messages by key
    std::map<std::pair<NameId, std::pair<std::int32_t, std::int32_t>>, std::uint32_t> epoch_ids_;
    std::map<std::pair<std::uint32_t, std::int32_t>, ViewIndex> view_ids_;  ///< by epoch and index
    std::map<NameId, std::vector<ClientIndex>> connections_;
};

}  // namespace spread::checker
