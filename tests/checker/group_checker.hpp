#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/membership_frames.hpp"
#include "tests/checker/violation.hpp"

namespace spread::checker {

/// One connection of one client. Connecting again under the same name makes another one.
using ClientId = protocol::StrongId<struct ClientTag, std::uint32_t>;

/// The services of the session wire. All of them are checked as ordered ones: spreadd delivers even
/// UNRELIABLE and RELIABLE in the total order, so that no message breaks virtual synchrony.
enum class ClientService : std::uint8_t { kUnreliable, kReliable, kFifo, kCausal, kAgreed, kSafe };

enum class Cause : std::uint8_t { kJoin, kLeave, kDisconnect, kNetwork };

/// A regular membership message as a client got it.
struct View {
    std::string group;
    protocol::GroupId id;
    Cause cause = Cause::kNetwork;
    std::vector<std::string> members;            ///< private names, as sent
    std::int64_t own_index = 0;                  ///< as the library tells it; not on the wire
    std::vector<std::vector<std::string>> sets;  ///< vs-sets; one name for the other causes
    std::size_t own_set = 0;                     ///< index into sets; sets.size(): none
};

/// A multicast; `message` is unique and part of its body.
struct Multicast {
    std::uint64_t message = 0;
    ClientService service = ClientService::kAgreed;
    std::vector<std::string> destinations;  ///< groups and private names, as sent
    bool self_discard = false;
};

/// Why a client's history ends.
enum class ClientEnd : std::uint8_t {
    kAsked,       ///< it disconnected, orderly or not
    kAtFault,     ///< its daemon dropped it: it did not read, or broke the protocol
    kDaemonLost,  ///< its daemon crashed or was stopped
    kDropped      ///< its daemon dropped it, for no fault of its own (D3)
};

/// How a history is fed.
enum class Feed : std::uint8_t {
    /// In the order in which things happened, with all configurations of daemons: when none is
    /// told,
    /// there was none but the first.
    kAsItHappens,
    /// Only the order within each client, and between connections of one name, is that of time; so
    /// recordings of several processes may be fed one after the other. What takes the time between
    /// clients or the configurations of daemons to see is not checked.
    kByClient
};

/// Checks what clients see: G1 to G14 (docs/correctness.md), L2, D3, and P1a, P1b for bodies, on
/// the events of all clients as they come; the first violation stays, and after it nothing more is
/// recorded. Used by the simulator and by tests of real daemons.
///
/// Daemons are taken to stand in the configuration in the order of their names: d1, d2, ..., d10.
class GroupChecker {
  public:
    explicit GroupChecker(Feed feed = Feed::kAsItHappens);
    ~GroupChecker();
    GroupChecker(const GroupChecker&) = delete;
    GroupChecker& operator=(const GroupChecker&) = delete;

    /// The handshake is done. `private_name` is "#user#daemon".
    ClientId on_connect(std::string_view private_name, bool wants_membership);
    // Requests, as the client writes them.
    void on_join(ClientId client, std::string_view group);
    void on_leave(ClientId client, std::string_view group);
    void on_send(ClientId client, const Multicast& multicast);
    // What the client reads.
    void on_view(ClientId client, const View& view);
    void on_transitional(ClientId client, std::string_view group, const protocol::GroupId& id);
    void on_self_leave(ClientId client, std::string_view group);
    /// `multicast` as received: self_discard is not known and ignored.
    void on_message(ClientId client, std::string_view sender, const Multicast& multicast);
    /// Nothing is read after this.
    void on_end(ClientId client, ClientEnd end);

    /// Where it is known: the daemon of these clients lost and found daemons (names). Sharpens G11
    /// and G14, and says to whom what is sent is due (L2, G13).
    void on_daemon_configuration(std::string_view daemon, bool transitional,
                                 std::span<const std::string> members);

    /// The history is complete. `quiet`: all that clients still connected were owed has come.
    void finish(bool quiet);

    [[nodiscard]] const std::optional<Violation>& violation() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::checker
