#include "client/connection.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "protocol/names.hpp"

namespace spread::client {

namespace {

constexpr std::uint8_t kMembershipFlag = 0x01;
constexpr std::uint8_t kPriorityFlag = 0x10;

std::string reject_text(protocol::RejectCode code, const ConnectOptions& options) {
    using enum protocol::RejectCode;
    switch (code) {
        case kQuota: return "it has as many sessions as it may have; try later or another daemon";
        case kNoName: return "it got no user name";
        case kIllegalName:
            return "it does not accept the user name \"" + options.private_name + "\"";
        case kNotUnique:
            return "the user name \"" + options.private_name +
                   "\" is taken on that daemon; choose another";
        case kVersion: return "its protocol version and ours do not fit";
        case kClosed: return "its answer is not that of a Spread daemon";
        case kAuth: return "authentication by " + options.auth_method + " was refused";
    }
    return "unknown reason";
}

/// Reads the daemon's half of the handshake, whatever pieces it arrives in.
class HandshakeReader {
  public:
    HandshakeReader(int descriptor, const ConnectOptions& options, std::string_view peer,
                    Deadline deadline)
        : descriptor_(descriptor), options_(options), peer_(peer), deadline_(deadline) {}

    /// Calls `decode` with all bytes so far until it has its value or an error.
    template <typename Decode>
    auto read(Decode decode, std::string_view awaited)
        -> Result<typename decltype(decode(std::span<const std::byte>()))::value_type::value_type> {
        while (true) {
            auto decoded = decode(std::span<const std::byte>(stream_));
            if (!decoded) {
                return tl::unexpected(rejected(decoded.error()));
            }
            if (*decoded) {
                stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(
                                                                     (*decoded)->bytes_used));
                return std::move(**decoded);
            }
            if (auto more = read_more(awaited); !more) {
                return tl::unexpected(more.error());
            }
        }
    }

    [[nodiscard]] std::vector<std::byte> take_rest() { return std::move(stream_); }

  private:
    Error rejected(protocol::RejectCode code) const {
        return Error{static_cast<ErrorCode>(code),
                     "the daemon at " + peer_ + " refused us: " + reject_text(code, options_) +
                         " (" + std::to_string(static_cast<int>(code)) + ")"};
    }

    Result<void> read_more(std::string_view awaited) {
        std::array<std::byte, 256> chunk{};
        while (true) {
            const auto count = read_some(descriptor_, chunk);
            if (!count) {
                return fail(count.error().code, "handshake with " + peer_ + ": waiting for " +
                                                    std::string(awaited) + ", " +
                                                    count.error().text);
            }
            if (*count > 0) {
                stream_.insert(stream_.end(), chunk.begin(),
                               chunk.begin() + static_cast<std::ptrdiff_t>(*count));
                return {};
            }
            if (auto ready = wait_readable(descriptor_, deadline_); !ready) {
                return fail(ready.error().code, "handshake with " + peer_ + ": " +
                                                    ready.error().text + " waiting for " +
                                                    std::string(awaited));
            }
        }
    }

    int descriptor_;
    const ConnectOptions& options_;
    std::string peer_;
    Deadline deadline_;
    std::vector<std::byte> stream_;
};

/// A daemon that rejects may be gone before we have spoken; its reject byte can still be read, so
/// only the read decides what went wrong.
Result<void> write_unless_closed(int descriptor, std::span<const std::byte> bytes,
                                 Deadline deadline) {
    auto written = write_all(descriptor, bytes, deadline);
    if (!written && written.error().code == ErrorCode::kConnectionClosed) {
        return {};
    }
    return written;
}

Result<void> check_options(const ConnectOptions& options) {
    if (!options.private_name.empty() && !protocol::is_private_name(options.private_name)) {
        return fail(ErrorCode::kRejectIllegalName,
                    "\"" + protocol::escaped(options.private_name) +
                        "\" is no user name: 1 to 10 bytes, no blanks, no '#', plain ASCII");
    }
    if (options.auth_method.empty() || options.auth_method.size() >= protocol::kAuthNameBytes) {
        return fail(ErrorCode::kRejectAuth, "an authentication method has 1 to 29 bytes");
    }
    return {};
}

}  // namespace

Result<Connection> run_handshake(FileDescriptor socket, const ConnectOptions& options,
                                 std::string peer, Deadline deadline) {
    if (auto checked = check_options(options); !checked) {
        return tl::unexpected(checked.error());
    }
    protocol::ConnectRequest request;
    request.flags = static_cast<std::uint8_t>((options.wants_membership ? kMembershipFlag : 0) |
                                              (options.priority ? kPriorityFlag : 0));
    request.private_name = options.private_name;

    HandshakeReader reader(socket.get(), options, peer, deadline);
    // One write: stock daemons do not accept the opening bytes in pieces (client protocol 3.1).
    if (auto sent = write_unless_closed(socket.get(), protocol::encode_connect(request), deadline);
        !sent) {
        return tl::unexpected(sent.error());
    }
    const auto offered = reader.read(
        [](std::span<const std::byte> stream) { return protocol::decode_auth_list(stream); },
        "the list of authentication methods");
    if (!offered) {
        return tl::unexpected(offered.error());
    }
    if (std::find(offered->methods.begin(), offered->methods.end(), options.auth_method) ==
        offered->methods.end()) {
        std::string list;
        for (const auto& method : offered->methods) {
            list += (list.empty() ? "" : ", ") + protocol::escaped(method);
        }
        return fail(ErrorCode::kRejectAuth, "the daemon at " + peer + " does not offer method " +
                                                options.auth_method + ", only: " + list);
    }
    const std::array<std::string, 1> choice{options.auth_method};
    if (auto sent =
            write_unless_closed(socket.get(), protocol::encode_auth_choice(choice), deadline);
        !sent) {
        return tl::unexpected(sent.error());
    }
    const auto accepted = reader.read(
        [&](std::span<const std::byte> stream) {
            return protocol::decode_accept(request.version, stream);
        },
        "the daemon's decision");
    if (!accepted) {
        return tl::unexpected(accepted.error());
    }
    if (!protocol::parse_private_group(accepted->private_group)) {
        return fail(ErrorCode::kConnectionClosed,
                    "the daemon at " + peer + " gave us the illegal private group \"" +
                        protocol::escaped(accepted->private_group) + "\"");
    }
    Connection connection;
    connection.socket = std::move(socket);
    connection.peer = std::move(peer);
    connection.private_group = protocol::NameField(std::string_view(accepted->private_group));
    connection.daemon_version = accepted->daemon;
    connection.early_bytes = reader.take_rest();
    return connection;
}

Result<Connection> connect(const ConnectOptions& options) {
    const auto address = parse_address(options.address);
    if (!address) {
        return tl::unexpected(address.error());
    }
    if (auto checked = check_options(options); !checked) {
        return tl::unexpected(checked.error());
    }
    const Deadline deadline = Clock::now() + options.timeout;
    auto socket = open_socket(*address, deadline);
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    return run_handshake(std::move(*socket), options,
                         address->text.empty() ? address->unix_path : address->text, deadline);
}

}  // namespace spread::client
