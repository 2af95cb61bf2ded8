#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/fuzz/require.hpp"
#include "tests/fuzz/script.hpp"
#include "tests/support/certificates.hpp"
#include "tls/stream.hpp"

// The input is what somebody on the path does between a client and a daemon that speak TLS: he lets
// bytes pass, changes, drops, adds some, or holds them back. Nothing crashes, no call takes for
// ever, and what is read is what was written, from its beginning, or nothing. The same bytes are
// taken as a PEM file, too.

namespace {

using spread::fuzz::require;
using spread::fuzz::Script;
using namespace spread::tls;

std::size_t below(Script& script, std::size_t limit) {
    return script.word() % limit;
}

struct Contexts {
    std::shared_ptr<const Context> server;
    std::shared_ptr<const Context> client;
};

const Contexts& contexts() {
    static const Contexts made = [] {
        const spread::support::Authority authority("authority");
        const auto pair = authority.sign({.common_name = "d1", .alternatives = {"DNS:d1.example"}});
        auto server = Context::server({{"c", pair.certificate}, {"k", pair.key}}, std::nullopt);
        auto client = Context::client(Pem{"a", authority.certificate()}, std::nullopt);
        require(server && client);
        return Contexts{*server, *client};
    }();
    return made;
}

/// A connection that is in somebody's hands in the middle.
class Wire {
  public:
    Wire() {
        for (auto* ends : {&client_, &server_}) {
            require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends->data()) == 0);
        }
    }
    ~Wire() {
        for (const int fd : {client_[0], client_[1], server_[0], server_[1]}) {
            ::close(fd);
        }
    }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    [[nodiscard]] int client() const { return client_[0]; }
    [[nodiscard]] int server() const { return server_[0]; }

    void carry(Script& script) {
        pass(client_[1], server_[1], script);
        pass(server_[1], client_[1], script);
    }

  private:
    static void pass(int from, int to, Script& script) {
        std::array<std::byte, 8192> room{};
        const ssize_t count = ::recv(from, room.data(), room.size(), MSG_DONTWAIT);
        if (count <= 0) {
            return;
        }
        std::vector<std::byte> bytes(room.begin(), room.begin() + count);
        switch (script.byte() % 8) {
            case 0:
                bytes[below(script, bytes.size())] ^= static_cast<std::byte>(script.byte());
                break;
            case 1: bytes.resize(below(script, bytes.size())); break;
            case 2:
                bytes.insert(
                    bytes.begin() + static_cast<std::ptrdiff_t>(below(script, bytes.size())),
                    1 + below(script, 40), static_cast<std::byte>(script.byte()));
                break;
            default: break;
        }
        static_cast<void>(::send(to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    }

    std::array<int, 2> client_{};
    std::array<int, 2> server_{};
};

void converse(std::span<const std::byte> input) {
    Script script(input);
    Wire wire;
    const auto server = Stream::server(contexts().server, wire.server());
    const auto client = Stream::client(contexts().client, wire.client(), "d1.example");
    std::string written;
    std::size_t read = 0;
    for (int step = 0; step < 40; ++step) {
        if (client->handshake() == Stream::State::kDone) {
            const std::string text(1 + below(script, 2000), static_cast<char>('a' + step % 26));
            written += text.substr(0, client->write(std::as_bytes(std::span(text))).bytes);
        }
        wire.carry(script);
        if (server->handshake() != Stream::State::kDone) {
            continue;
        }
        std::array<std::byte, 4000> room{};
        const auto got = server->read(std::span(room).first(1 + below(script, room.size())));
        require(read + got.bytes <= written.size());
        for (std::size_t i = 0; i < got.bytes; ++i) {
            require(static_cast<char>(room[i]) == written[read + i]);
        }
        read += got.bytes;
    }
    server->close();
    client->close();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    converse(input);
    const Pem pem{"file", std::string(data, data + size)};
    static_cast<void>(Context::client(pem, std::nullopt));
    return 0;
}
