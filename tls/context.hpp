#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "protocol/result.hpp"

struct ssl_ctx_st;
struct ssl_method_st;

namespace spread::tls {

/// One line, for people.
template <typename T>
using Result = protocol::Result<T, std::string>;

/// The content of a PEM file, and what messages call it.
struct Pem {
    std::string name;
    std::string text;
};

/// A certificate and the key to it; the certificate may be followed by those that it was signed by.
struct Identity {
    Pem certificate;
    Pem key;
};

/// What is told of a certificate.
struct CertificateFacts {
    std::string name;  ///< the first DNS name, else the common name; may be empty
    std::chrono::system_clock::time_point not_before;
    std::chrono::system_clock::time_point not_after;
};

/// What all connections of one side have in common: TLS 1.2 or 1.3 with OpenSSL's defaults, no
/// renegotiation, no resumption, no compression. Immutable; connections keep it alive.
class Context {
  public:
    /// With `client_authority`, clients must show a certificate that one of those in it has signed.
    /// A configuration file of the host's OpenSSL does not count.
    [[nodiscard]] static Result<std::shared_ptr<const Context>> server(
        const Identity& identity, const std::optional<Pem>& client_authority);
    /// Without `authority` those that the system trusts.
    [[nodiscard]] static Result<std::shared_ptr<const Context>> client(
        const std::optional<Pem>& authority, const std::optional<Identity>& identity);

    /// Of the certificate that this side shows, if it has one.
    [[nodiscard]] const std::optional<CertificateFacts>& own() const { return own_; }
    [[nodiscard]] ssl_ctx_st* handle() const { return handle_.get(); }

  private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    explicit Context(ssl_ctx_st* handle) : handle_(handle) {}
    /// What both sides have in common, for this method of OpenSSL's; null when it gives none.
    [[nodiscard]] static std::shared_ptr<Context> fresh(const ssl_method_st* method);

    [[nodiscard]] Result<void> use(const Identity& identity);
    [[nodiscard]] Result<void> trust(const Pem& authority, bool is_asked_for);
    void trust_system();

    std::unique_ptr<ssl_ctx_st, Free> handle_;
    std::optional<CertificateFacts> own_;
};

}  // namespace spread::tls
