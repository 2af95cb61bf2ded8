#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/session/password_queue.hpp"
#include "daemon/session/session.hpp"
#include "membership/events.hpp"
#include "membership/groups/group_output.hpp"
#include "protocol/ids.hpp"

namespace spread::session {

/// What one input produced; owned and reused by the caller.
struct SessionOutput {
    /// A session is over for the log. Its socket stays until its release.
    struct Close {
        protocol::SessionId session;
        CloseReason reason;
        std::string detail;     ///< client text already escaped
        bool was_open = false;  ///< its handshake was done
    };
    /// A session is past its handshake.
    struct Opened {
        protocol::SessionId session;
        std::string private_name;  ///< "#user#daemon"
        std::string peer;
        bool wants_membership;
        std::string tls;          ///< its version; empty: plain text
        std::string certificate;  ///< the name in the one it showed; may be empty
    };
    /// What operators may want to know of a session while it goes on.
    struct Note {
        const char* event;   ///< of docs/status.md: "slow_begin", "slow_end", "client_limited"
        std::string client;  ///< "#user#daemon"
        std::string text;    ///< printable, one line
    };
    std::vector<Opened> opened;
    std::vector<Note> notes;
    std::vector<Close> closes;
    /// Everything is written: shut the socket down for writing, so that the peer sees the end. What
    /// it still sends is read and handed in as before.
    std::vector<protocol::SessionId> shutdowns;
    /// The owner may close the socket and forget the session.
    std::vector<protocol::SessionId> releases;
    /// Sessions whose reading was paused and goes on; see reading().
    std::vector<protocol::SessionId> readers;
    /// To be checked in any thread; on_password() takes the result. There is one check at a time.
    using PasswordCheck = session::PasswordCheck;
    std::vector<PasswordCheck> password_checks;
    std::vector<std::string> warnings;                ///< for the log, client text already escaped
    std::vector<membership::Submission> submissions;  ///< for the ring, in order
    std::optional<protocol::RingId> resume;           ///< for the ring, after the submissions
    /// For the ring: to go on without the daemons that owe their group state.
    std::optional<membership::PendingExchange> overdue;

    [[nodiscard]] bool empty() const {
        return opened.empty() && notes.empty() && closes.empty() && shutdowns.empty() &&
               releases.empty() && readers.empty() && password_checks.empty() && warnings.empty() &&
               submissions.empty() && !resume && !overdue;
    }
    void clear() {
        opened.clear();
        notes.clear();
        closes.clear();
        shutdowns.clear();
        releases.clear();
        readers.clear();
        password_checks.clear();
        warnings.clear();
        submissions.clear();
        resume.reset();
        overdue.reset();
    }
};

}  // namespace spread::session
