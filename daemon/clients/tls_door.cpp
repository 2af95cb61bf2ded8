#include "daemon/clients/tls_door.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/host/clock.hpp"

namespace spread::daemon {

using session::TlsNews;

TlsDoor::Speech TlsDoor::listen(ClientSocket& socket, session::SessionOutput& out) {
    /// Of a handshake. The session protocol begins with the version of the client's library, which
    /// is 3 to 5 so far.
    constexpr std::byte kTls{0x16};
    const ClientSocket::Peek next = socket.peek();
    if (next.is_over) {
        return Speech::kOpen;
    }
    if (!next.first) {
        return Speech::kUnknown;
    }
    if (*next.first == kTls) {
        ++counters_.under_way;
        parts_.core.on_tls(now(), socket.id(), {.kind = TlsNews::Kind::kBegun}, out);
        parts_.events.remove(socket.fd());
        handshakes_.begin(socket.id(), socket.give_away(), socket.place());
        return Speech::kOther;
    }
    socket.set_heard();
    if (is_required_) {
        ++counters_.refused_plain;
        parts_.core.on_tls(now(), socket.id(), {.kind = TlsNews::Kind::kMissing}, out);
        return Speech::kOther;
    }
    return Speech::kOpen;
}

ClientSocket* TlsDoor::take_back(TlsHandshakes::Outcome& outcome, session::SessionOutput& out) {
    ClientSocket* const socket = parts_.sockets.find(outcome.session);
    if (socket == nullptr) {
        return nullptr;
    }
    --counters_.under_way;
    TlsNews news{.kind = TlsNews::Kind::kDone,
                 .version = std::move(outcome.version),
                 .certificate = std::move(outcome.certificate)};
    const bool is_watched =
        parts_.events.add(outcome.fd.get(), ClientSocket::kReadEvents, outcome.session.value);
    if (!is_watched || outcome.stream == nullptr) {
        news.kind = TlsNews::Kind::kFailed;
        news.why = is_watched ? std::move(outcome.why) : std::string(std::strerror(errno));
        outcome.stream.reset();
        ++counters_.failures;
    } else {
        ++counters_.handshakes;
        ++counters_.sessions;
    }
    socket->take_back(std::move(outcome.fd), std::move(outcome.stream));
    parts_.core.on_tls(now(), outcome.session, news, out);
    return socket;
}

void TlsDoor::forget(const ClientSocket& socket) {
    if (socket.is_given_away()) {
        --counters_.under_way;
        ++counters_.failures;
        handshakes_.cancel(socket.id());
    }
    counters_.sessions -= socket.has_tls() ? 1 : 0;
}

}  // namespace spread::daemon
