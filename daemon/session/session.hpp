#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/access/peer_address.hpp"
#include "daemon/session/overtaking.hpp"
#include "daemon/session/pace.hpp"
#include "daemon/session/permissions.hpp"
#include "daemon/session/session_machine.hpp"
#include "protocol/time.hpp"

namespace spread::session {

enum class CloseReason : std::uint8_t {
    kPeerClosed,  ///< EOF or socket error
    kKill,        ///< orderly disconnect
    kHandshakeTimeout,
    kRejected,        ///< a reject byte was sent
    kIllegalRequest,  ///< a header check of CP 5.1 failed
    kSlowReader,      ///< its queue reached a limit
    kShutdown,
    kKicked,    ///< an operator ended it
    kTlsFailed  ///< its TLS handshake
};

inline constexpr std::size_t kCloseReasons = static_cast<std::size_t>(CloseReason::kTlsFailed) + 1;

[[nodiscard]] std::string_view to_string(CloseReason reason);
/// Its word in status, history and metrics: "slow_reader". Words are never changed.
[[nodiscard]] std::string_view word_of(CloseReason reason);

/// What SessionCore keeps of one session, except its queue.
struct Session {
    Session(const AuthMethods& methods, std::string peer_name, const access::PeerAddress& address,
            protocol::Instant now)
        : machine(methods), peer(std::move(peer_name)), accepted_at(now) {
        requester.who.peer = address;
    }

    SessionMachine machine;
    std::string peer;
    Requester requester;
    std::string tls;              ///< "TLSv1.3"; empty: it speaks in plain text
    std::string reserved_name;    ///< user part; empty before it has one
    std::string wanted_name;      ///< waited for; else empty
    std::vector<std::byte> kept;  ///< read while it waited
    protocol::Instant accepted_at;
    std::uint64_t messages_in = 0;  ///< multicasts taken from it
    Overtaking::Account way;        ///< to the ring
    Pace pace;                      ///< used only where it is limited
    bool is_paced = false;          ///< it has used up its limit: nothing is taken for now
    std::optional<protocol::Instant> paced_note_at;  ///< when operators were told last
    bool said_something = false;
    bool is_open = false;                           ///< known to the group engine
    bool is_ending = false;                         ///< its disconnect is on its way
    CloseReason reason = CloseReason::kPeerClosed;  ///< of the end
    std::string detail;                             ///< of the end

    /// For the log.
    [[nodiscard]] std::string description() const {
        return reserved_name.empty() ? peer : machine.private_group().string() + " from " + peer;
    }
    /// D1 is out and D2 is not: the client waits for an answer.
    [[nodiscard]] bool was_asked_for_proof() const {
        const SessionPhase phase = machine.phase();
        return phase == SessionPhase::kAuth || phase == SessionPhase::kProving ||
               phase == SessionPhase::kAsking;
    }
};

}  // namespace spread::session
