#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "daemon/host/logging.hpp"
#include "daemon/session/session_output.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// How sessions have begun and ended so far.
struct SessionTotals {
    using ByReason = std::array<std::uint64_t, session::kCloseReasons>;  ///< session::CloseReason

    std::uint64_t opened = 0;  ///< handshakes finished
    ByReason closed{};
    ByReason unopened{};  ///< of these, without having finished its handshake
};

/// What the log says about clients.
class SessionLog {
  public:
    /// `each_session`: a line for each connect and disconnect.
    explicit SessionLog(bool each_session) : each_session_(each_session) {}

    using CloseHook = std::function<void(const session::SessionOutput::Close&)>;
    /// Called for each session that ends.
    void on_close(CloseHook hook) { close_hook_ = std::move(hook); }
    [[nodiscard]] const SessionTotals& totals() const { return totals_; }

    using NoteHook = std::function<void(const session::SessionOutput::Note&)>;
    /// Called for each note.
    void on_note(NoteHook hook) { note_hook_ = std::move(hook); }

    void on_opened(const session::SessionOutput::Opened& opened);
    void on_closed(protocol::Instant now, const session::SessionOutput::Close& close);
    void on_note(protocol::Instant now, const session::SessionOutput::Note& note);
    /// `warning` is the session core's.
    void on_warning(protocol::Instant now, const std::string& warning);
    /// There is no memory left, or enough again.
    static void on_memory(bool is_short);
    /// The kernel refuses to watch one more socket; errno says why.
    void on_unwatchable(protocol::Instant now, const std::string& peer);

  private:
    bool each_session_;
    CloseHook close_hook_;
    NoteHook note_hook_;
    SessionTotals totals_;
    RateLimit accept_limit_{std::chrono::seconds(10)};
    RateLimit rejected_limit_{std::chrono::milliseconds(100)};
    RateLimit warning_limit_{std::chrono::milliseconds(100)};
    RateLimit note_limit_{std::chrono::milliseconds(100)};
};

}  // namespace spread::daemon
