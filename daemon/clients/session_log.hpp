#pragma once

#include <chrono>
#include <string>

#include "daemon/host/logging.hpp"
#include "daemon/session/session_output.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// What the log says about clients.
class SessionLog {
  public:
    /// `each_session`: a line for each connect and disconnect.
    explicit SessionLog(bool each_session) : each_session_(each_session) {}

    void on_opened(const session::SessionOutput::Opened& opened) const;
    void on_closed(protocol::Instant now, const session::SessionOutput::Close& close);
    /// `warning` is the session core's.
    void on_warning(protocol::Instant now, const std::string& warning);
    /// There is no memory left, or enough again.
    static void on_memory(bool is_short);
    /// The kernel refuses to watch one more socket; errno says why.
    void on_unwatchable(protocol::Instant now, const std::string& peer);

  private:
    bool each_session_;
    RateLimit accept_limit_{std::chrono::seconds(10)};
    RateLimit rejected_limit_{std::chrono::milliseconds(100)};
    RateLimit warning_limit_{std::chrono::milliseconds(100)};
};

}  // namespace spread::daemon
