#include "client/tls_channel.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "protocol/session_wire.hpp"

namespace spread::client {

namespace {

using State = tls::Stream::State;

Result<tls::Pem> read_pem(const std::string& path) {
    constexpr std::size_t kBytesMax = std::size_t{1} << 20U;
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    tls::Pem pem{path, {}};
    std::array<char, 4096> chunk{};
    ssize_t count = file ? 1 : -1;
    while (count > 0 && pem.text.size() <= kBytesMax) {
        count = ::read(file.get(), chunk.data(), chunk.size());
        if (count > 0) {
            pem.text.append(chunk.data(), static_cast<std::size_t>(count));
        }
    }
    if (count < 0) {
        return fail(ErrorCode::kCouldNotConnect,
                    "cannot read " + path + ": " + system_error_text(errno));
    }
    if (pem.text.size() > kBytesMax) {
        return fail(ErrorCode::kCouldNotConnect, path + " is too large for a file of certificates");
    }
    return pem;
}

/// Made anew for each connection: files may have been renewed since the last one.
Result<std::shared_ptr<const tls::Context>> make_context(const Tls& wanted) {
    std::optional<tls::Pem> authority;
    if (!wanted.ca_file.empty()) {
        auto pem = read_pem(wanted.ca_file);
        if (!pem) {
            return tl::unexpected(pem.error());
        }
        authority = std::move(*pem);
    }
    std::optional<tls::Identity> identity;
    if (!wanted.certificate_file.empty()) {
        auto certificate = read_pem(wanted.certificate_file);
        auto key = read_pem(wanted.key_file.empty() ? wanted.certificate_file : wanted.key_file);
        if (!certificate || !key) {
            return tl::unexpected(certificate ? key.error() : certificate.error());
        }
        identity = {std::move(*certificate), std::move(*key)};
    } else if (!wanted.key_file.empty()) {
        return fail(ErrorCode::kCouldNotConnect,
                    "a key for TLS needs the certificate that it belongs to");
    }
    auto context = tls::Context::client(authority, identity);
    if (!context) {
        return fail(ErrorCode::kCouldNotConnect, context.error());
    }
    return std::move(*context);
}

/// Something else than TLS has come, or nothing.
Error explain(const tls::Stream& stream) {
    constexpr std::byte kAlert{0x15};
    constexpr std::byte kHandshake{0x16};
    const auto first = stream.first_byte();
    if (first && *first != kAlert && *first != kHandshake) {
        const auto code = static_cast<protocol::RejectCode>(*first);
        if (code == protocol::RejectCode::kQuota) {
            return {ErrorCode::kRejectQuota, std::string(protocol::to_string(code))};
        }
        return {ErrorCode::kCouldNotConnect, "the daemon does not speak TLS; ClientTLS sets it"};
    }
    return {ErrorCode::kRejectAuth, stream.error() + (first ? "" : "; is ClientTLS set there?")};
}

Result<void> shake_hands(tls::Stream& stream, int socket, Deadline deadline) {
    for (;;) {
        Result<void> ready;
        switch (stream.handshake()) {
            case State::kDone: return {};
            case State::kPause: break;
            case State::kWantRead: ready = wait_readable(socket, deadline); break;
            case State::kWantWrite: ready = wait_writable(socket, deadline); break;
            case State::kEnd:
            case State::kBroken: return tl::unexpected(explain(stream));
        }
        if (!ready) {
            return ready;
        }
    }
}

}  // namespace

Result<std::unique_ptr<TlsChannel>> TlsChannel::open(int socket, const Tls& wanted,
                                                     const std::string& host, Deadline deadline) {
    auto context = make_context(wanted);
    if (!context) {
        return tl::unexpected(context.error());
    }
    auto stream = tls::Stream::client(std::move(*context), socket,
                                      wanted.server_name.empty() ? host : wanted.server_name);
    if (auto done = shake_hands(*stream, socket, deadline); !done) {
        return tl::unexpected(done.error());
    }
    return std::make_unique<TlsChannel>(std::move(stream));
}

tl::unexpected<Error> TlsChannel::broken(std::string text) const {
    const bool is_refusal = text.find("alert") != std::string::npos;
    return fail(is_refusal ? ErrorCode::kRejectAuth : ErrorCode::kConnectionClosed,
                is_refusal ? "the daemon ended TLS: " + std::move(text)
                           : "the connection to the daemon broke: " + std::move(text));
}

Result<std::size_t> TlsChannel::read(std::span<std::byte> into) {
    const std::scoped_lock lock(mutex_);
    const auto io = stream_->read(into);
    if (io.bytes == 0 && io.state == State::kEnd) {
        return fail(ErrorCode::kConnectionClosed, "the daemon closed the connection");
    }
    if (io.bytes == 0 && io.state == State::kBroken) {
        return broken(stream_->error());
    }
    return io.bytes;
}

Result<std::size_t> TlsChannel::write(std::span<const std::byte> bytes) {
    const std::scoped_lock lock(mutex_);
    const auto io = stream_->write(bytes);
    if (io.bytes == 0 && io.state != State::kDone && io.state != State::kWantWrite) {
        return broken(stream_->error());
    }
    return io.bytes;
}

std::size_t TlsChannel::pending() const {
    const std::scoped_lock lock(mutex_);
    return stream_->pending();
}

void TlsChannel::close() {
    const std::scoped_lock lock(mutex_);
    stream_->close();
}

}  // namespace spread::client
