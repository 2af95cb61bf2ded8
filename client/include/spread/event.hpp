#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "spread/error.hpp"
#include "spread/group_id.hpp"

namespace spread {

/// How a message is ordered and when it is delivered. Daemons carry kUnreliable as kReliable and
/// kCausal as kAgreed.
enum class Service : std::uint32_t {
    kUnreliable = 0x01,
    kReliable = 0x02,
    kFifo = 0x04,    ///< messages of one sender in the order sent
    kCausal = 0x08,  ///< nothing before what caused it
    kAgreed = 0x10,  ///< one total order for everybody
    kSafe = 0x20,    ///< agreed, and only once every daemon has it
};

/// A message some client sent.
struct Message {
    Service service = Service::kAgreed;
    bool self_discard = false;        ///< the sender did not want its own copy
    std::string sender;               ///< its private group
    std::vector<std::string> groups;  ///< all destinations, also those we are no member of
    std::int16_t mess_type = 0;       ///< the application's
    /// The sender's integers are in the other byte order: the body may need swapping.
    bool endian_mismatch = false;
    std::vector<std::byte> body;

    [[nodiscard]] std::string_view text() const;  ///< the body as characters
};

/// Why a view changed.
enum class Cause : std::uint32_t {
    kJoin = 0x0100,
    kLeave = 0x0200,
    kDisconnect = 0x0400,
    kNetwork = 0x0800,
};

/// A new view of a group we are a member of.
struct Membership {
    std::string group;
    Cause cause = Cause::kJoin;
    GroupId id;
    std::vector<std::string> members;  ///< after the change; everybody sees the same order
    /// Of kNetwork: those who came through the change together, one set per former component.
    /// For the other causes one set that holds who joined or went.
    std::vector<std::vector<std::string>> vs_sets;
    std::size_t own_vs_set = 0;  ///< index of the receiver's own set in vs_sets

    /// Who joined, left or disconnected; empty for kNetwork.
    [[nodiscard]] std::string changed_member() const;
    /// Whose messages since the last view were those we got as well, ourselves included: the own
    /// set of kNetwork, and for the other causes all members but a joiner.
    [[nodiscard]] std::vector<std::string> came_with_us() const;
    [[nodiscard]] bool has_member(std::string_view name) const;
};

/// Members of `now` that are not in `before`, and the other way round; in the order of the lists.
[[nodiscard]] std::vector<std::string> newcomers(const Membership& before, const Membership& now);
[[nodiscard]] std::vector<std::string> departed(const Membership& before, const Membership& now);

/// The transitional signal: the view `id` of the group is ending. What is delivered between it and
/// the next Membership is delivered to those who come along, perhaps not to all of the old view.
struct Transition {
    std::string group;
    GroupId id;
};

/// We have left the group: nothing more about it will come.
struct SelfLeave {
    std::string group;
};

/// The daemon refused a request of ours, by its access rules.
struct Rejected {
    enum class Request : std::uint8_t { kMulticast, kJoin, kLeave };

    Request request = Request::kMulticast;
    std::uint32_t type = 0;           ///< the refused type word, as the stock libraries report it
    std::vector<std::string> groups;  ///< what it was for
    std::int16_t mess_type = 0;
    std::vector<std::byte> body;
};

/// A multicast of ours that never left for the daemon as a whole, and so reached nobody.
struct Unsent {
    std::uint64_t sequence = 0;  ///< what multicast() returned for it
    std::uint32_t type = 0;      ///< service, and options
    std::vector<std::string> groups;
    std::int16_t mess_type = 0;
    std::vector<std::byte> body;
};

/// The connection ended: a gap in the stream. It stands where the gap is: what came before it was
/// received on the old connection, nothing after it was.
///
/// For the groups the old session is gone, as after a crash: others see it disconnect, and its
/// views, memberships and virtual synchrony end here. Nothing is sent again. What multicast()
/// numbered up to `handed_over` was given to the system, and nobody knows whether the daemon got
/// it; what is numbered above that is in `unsent`, and was not delivered to anybody.
struct Disconnected {
    Error error;
    std::string private_group;  ///< who we were
    bool will_reconnect = false;
    std::uint64_t handed_over = 0;
    std::vector<Unsent> unsent;
};

/// There is a new session, as a new member that knows nothing of what happened meanwhile. The
/// groups of the old one were joined again; their Membership messages will come.
struct Reconnected {
    std::string address;
    std::string private_group;  ///< who we are; another daemon means another name
    std::vector<std::string> rejoining;
};

/// Whatever receive() has to tell, in the order in which it happened.
using Event =
    std::variant<Message, Membership, Transition, SelfLeave, Rejected, Disconnected, Reconnected>;

/// For std::visit: `std::visit(overloaded{[](const Message& m) {...}, [](const auto&) {}}, event)`.
template <typename... Functions>
struct overloaded : Functions... {
    using Functions::operator()...;
};
template <typename... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

}  // namespace spread
