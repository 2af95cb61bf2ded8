#pragma once

#include <memory>

#include "daemon/clients/client_socket.hpp"
#include "daemon/clients/tls_handshakes.hpp"
#include "daemon/host/event_set.hpp"
#include "daemon/session/session_core.hpp"
#include "daemon/session/session_map.hpp"
#include "protocol/counters.hpp"

namespace spread::daemon {

/// Tells clients that speak TLS from those that do not, by their first byte, and sees the former
/// through their handshake. Part of the session thread, as which it has the same sockets and core.
class TlsDoor {
  public:
    struct Parts {
        session::SessionCore& core;
        session::SessionMap<ClientSocket>& sockets;
        EventSet& events;
    };

    /// All `parts` must outlive this object. `done` is called on another thread, and shall have
    /// take_back() called on the session thread.
    TlsDoor(const Parts& parts, std::shared_ptr<const tls::Context> context, bool is_required,
            TlsHandshakes::Callback done)
        : parts_(parts),
          is_required_(is_required),
          handshakes_(std::move(context), std::move(done)) {}

    enum class Speech : std::uint8_t {
        kOpen,     ///< the session can be read
        kUnknown,  ///< nothing has come yet
        kOther     ///< the socket is given away, or its session refused
    };
    [[nodiscard]] Speech listen(ClientSocket& socket, session::SessionOutput& out);
    /// The socket goes on, if its session has not ended meanwhile. Returns it, or null.
    ClientSocket* take_back(TlsHandshakes::Outcome& outcome, session::SessionOutput& out);
    /// Before a socket is closed.
    void forget(const ClientSocket& socket);

    /// From any thread.
    void replace_context(std::shared_ptr<const tls::Context> context) {
        handshakes_.replace_context(std::move(context));
    }
    [[nodiscard]] const protocol::TlsCounters& counters() const { return counters_; }

  private:
    Parts parts_;
    const bool is_required_;
    protocol::TlsCounters counters_;
    TlsHandshakes handshakes_;
};

}  // namespace spread::daemon
