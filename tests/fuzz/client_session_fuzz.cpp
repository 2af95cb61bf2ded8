// Any bytes as what a hostile daemon says: to the handshake in any pieces, then to a whole session
// over a socket. Whatever they are, the session tells events, then its end, once, and stays ended.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "client/codec/handshake.hpp"
#include "client/session_impl.hpp"
#include "protocol/rng.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace spread;
using spread::fuzz::require;

void shake_hands(std::span<const std::byte> stream, protocol::Rng& pieces) {
    client::HandshakeOptions options;
    if (pieces.below(2) == 0) {
        options.auth_methods = {"PWORD"};
        options.login = {.user = "alice", .password = "geheim42"};
    }
    client::Handshake handshake(std::move(options));
    static_cast<void>(handshake.output());
    while (!stream.empty() && !handshake.accepted()) {
        require(handshake.bytes_wanted() > 0);
        const auto piece = stream.first(std::min<std::size_t>(1 + pieces.below(40), stream.size()));
        stream = stream.subspan(piece.size());
        if (!handshake.on_bytes(piece)) {
            return;
        }
        static_cast<void>(handshake.output());
    }
    if (handshake.accepted()) {
        require(handshake.accepted()->private_group.is_terminated());
    }
}

void converse(std::span<const std::byte> stream) {
    std::array<int, 2> ends{};
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
    client::Connection connection;
    connection.socket = client::FileDescriptor(ends[0]);
    connection.private_group = protocol::NameField(std::string_view("#fuzz#d1"));
    Options options;
    options.ping_interval = std::chrono::hours(1);  // so that pings are looked for
    Session session(std::make_unique<SessionImpl>(std::move(options), std::vector<std::string>{},
                                                  client::Established{std::move(connection), 0}));
    require(session.join("room").has_value());
    {
        const client::FileDescriptor daemon(ends[1]);
        // What does not fit the socket at once is left out.
        static_cast<void>(send(daemon.get(), stream.data(), stream.size(), MSG_NOSIGNAL));
    }
    bool is_over = false;
    int idle = 0;  // after a short read it looks again only when asked again
    while (!is_over) {
        const auto event = session.try_receive();
        require(event.has_value());
        if (!*event) {
            require(++idle < 3);
            continue;
        }
        if (const auto* end = std::get_if<Disconnected>(&**event)) {
            require(!end->will_reconnect && !end->error.text.empty());
            is_over = true;
        } else {
            require(!std::holds_alternative<Reconnected>(**event));
        }
    }
    require(session.state() == SessionState::kEnded);
    require(session.try_receive().error().code != ErrorCode::kNetErrorOnSession);
    require(session.try_receive().error().code == ErrorCode::kNetErrorOnSession);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    if (input.empty()) {
        return 0;
    }
    protocol::Rng pieces(std::to_integer<std::uint64_t>(input.front()));
    shake_hands(input.subspan(1), pieces);
    converse(input.subspan(1));
    return 0;
}
