#include "tls/stream.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "protocol/assert.hpp"
#include "tls/openssl.hpp"

namespace spread::tls {
namespace {

/// What one call may read from the socket: a peer that sends records without content must not keep
/// the thread.
constexpr std::size_t kReadBudget = std::size_t{256} * 1024;

}  // namespace

/// OpenSSL's way to the socket. Its own would let a closed connection end the process (SIGPIPE).
struct Stream::Wire {
    int socket = -1;
    std::size_t budget = kReadBudget;
    bool is_ended = false;  ///< the socket is at its end
    int error = 0;          ///< errno of a failure
    std::optional<std::byte> first_byte;

    static int read(BIO* bio, char* to, int size);
    static int write(BIO* bio, const char* from, int size);
    static long control(BIO* bio, int command, long argument, void* pointer);
    static BIO_METHOD* method();
};

int Stream::Wire::read(BIO* bio, char* to, int size) {
    Wire& self = *static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (size <= 0) {
        return 0;
    }
    if (self.budget == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const ssize_t count = ::recv(self.socket, to, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (count > 0) {
        if (!self.first_byte) {
            self.first_byte = static_cast<std::byte>(*to);
        }
        self.budget -= std::min(self.budget, static_cast<std::size_t>(count));
        return static_cast<int>(count);
    }
    if (count == 0) {
        self.is_ended = true;
        return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        BIO_set_retry_read(bio);
    } else {
        self.error = errno;
    }
    return -1;
}

int Stream::Wire::write(BIO* bio, const char* from, int size) {
    Wire& self = *static_cast<Wire*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    for (;;) {
        const ssize_t count =
            ::send(self.socket, from, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) {
            return static_cast<int>(count);
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            BIO_set_retry_write(bio);
        } else {
            self.error = errno;
        }
        return -1;
    }
}

long Stream::Wire::control(BIO* bio, int command, long /*argument*/, void* /*pointer*/) {
    if (command == BIO_CTRL_EOF) {
        return static_cast<Wire*>(BIO_get_data(bio))->is_ended ? 1 : 0;
    }
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP ? 1 : 0;
}

BIO_METHOD* Stream::Wire::method() {
    static BIO_METHOD* const made = [] {
        BIO_METHOD* const method =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "spread socket");
        SPREAD_ASSERT(method != nullptr);
        BIO_meth_set_read(method, read);
        BIO_meth_set_write(method, write);
        BIO_meth_set_ctrl(method, control);
        BIO_meth_set_create(method, [](BIO* bio) {
            BIO_set_init(bio, 1);
            return 1;
        });
        return method;
    }();
    return made;
}

Stream::Stream(std::shared_ptr<const Context> context, int socket)
    : context_(std::move(context)),
      wire_(std::make_unique<Wire>()),
      ssl_(SSL_new(context_->handle())) {
    wire_->socket = socket;
    BIO* const bio = BIO_new(Wire::method());
    SPREAD_ASSERT(ssl_ != nullptr && bio != nullptr);  // fails without memory only
    BIO_set_data(bio, wire_.get());
    SSL_set_bio(ssl_, bio, bio);
}

Stream::~Stream() {
    SSL_free(ssl_);
}

std::unique_ptr<Stream> Stream::server(std::shared_ptr<const Context> context, int socket) {
    std::unique_ptr<Stream> stream(new Stream(std::move(context), socket));
    SSL_set_accept_state(stream->ssl_);
    return stream;
}

std::unique_ptr<Stream> Stream::client(std::shared_ptr<const Context> context, int socket,
                                       const std::string& host) {
    std::unique_ptr<Stream> stream(new Stream(std::move(context), socket));
    SSL_set_connect_state(stream->ssl_);
    std::array<unsigned char, sizeof(in6_addr)> address{};
    const bool is_address = ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                            ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
    bool is_set = false;
    if (is_address) {
        is_set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream->ssl_), host.c_str()) == 1;
    } else {
        std::string name = host;  // copied by OpenSSL, which asks for one it could change
        is_set = !host.empty() && SSL_set1_host(stream->ssl_, host.c_str()) == 1 &&
                 SSL_ctrl(stream->ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                          name.data()) == 1;
    }
    if (!is_set) {
        static_cast<void>(stream->broken("\"" + host + "\" is no name a certificate can have"));
    }
    return stream;
}

Stream::State Stream::broken(std::string error) {
    over_ = State::kBroken;
    error_ = std::move(error);
    return State::kBroken;
}

Stream::State Stream::state_of(int returned) {
    const int error = SSL_get_error(ssl_, returned);
    switch (error) {
        case SSL_ERROR_NONE: return State::kDone;
        case SSL_ERROR_WANT_READ: return wire_->budget == 0 ? State::kPause : State::kWantRead;
        case SSL_ERROR_WANT_WRITE: return State::kWantWrite;
        case SSL_ERROR_ZERO_RETURN: over_ = State::kEnd; return State::kEnd;
        default: break;
    }
    const long verdict = SSL_get_verify_result(ssl_);
    std::string reason = take_error();
    if (!SSL_is_init_finished(ssl_) && verdict != X509_V_OK) {
        reason =
            std::string("the certificate does not pass: ") + X509_verify_cert_error_string(verdict);
    } else if (wire_->error != 0) {
        reason = std::generic_category().message(wire_->error);
    } else if (wire_->is_ended) {
        reason = "the connection was closed";
    } else if (reason.empty()) {
        reason = "the connection broke";
    }
    return broken(std::move(reason));
}

Stream::State Stream::handshake() {
    if (over_) {
        return *over_;
    }
    wire_->budget = kReadBudget;
    ERR_clear_error();
    const State state = state_of(SSL_do_handshake(ssl_));
    return state == State::kEnd ? broken("the connection was closed") : state;
}

Stream::Io Stream::read(std::span<std::byte> room) {
    std::size_t used = 0;
    wire_->budget = kReadBudget;
    while (used < room.size()) {
        if (over_) {
            return {*over_, used};
        }
        ERR_clear_error();
        std::size_t count = 0;
        const int returned = SSL_read_ex(ssl_, room.data() + used, room.size() - used, &count);
        if (returned != 1) {
            return {state_of(returned), used};
        }
        used += count;
    }
    return {State::kDone, used};
}

Stream::Io Stream::write(std::span<const std::byte> bytes) {
    std::size_t used = 0;
    while (used < bytes.size()) {
        if (over_ == State::kBroken) {
            return {State::kBroken, used};
        }
        ERR_clear_error();
        std::size_t count = 0;
        const int returned = SSL_write_ex(ssl_, bytes.data() + used,
                                          std::min(bytes.size() - used, kRecordBytes), &count);
        if (returned != 1) {
            return {state_of(returned), used};
        }
        used += count;
    }
    return {State::kDone, used};
}

void Stream::close() {
    if (over_ != State::kBroken && SSL_is_init_finished(ssl_)) {
        ERR_clear_error();
        static_cast<void>(SSL_shutdown(ssl_));
        ERR_clear_error();
    }
}

std::size_t Stream::pending() const {
    return static_cast<std::size_t>(SSL_pending(ssl_));
}

std::string Stream::version() const {
    return SSL_get_version(ssl_);
}

std::optional<CertificateFacts> Stream::peer() const {
    const CertificateRef certificate(SSL_get1_peer_certificate(ssl_));
    return certificate == nullptr ? std::nullopt : std::optional(facts_of(certificate.get()));
}

std::optional<std::byte> Stream::first_byte() const {
    return wire_->first_byte;
}

}  // namespace spread::tls
