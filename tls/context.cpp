#include "tls/context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <climits>
#include <cstdint>

#include "tls/openssl.hpp"

namespace spread::tls {
namespace {

constexpr std::uint64_t kOptions = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF;

/// Where distributions keep the certificates they trust, beside OpenSSL's own places.
constexpr std::array<const char*, 4> kSystemFiles = {"/etc/ssl/certs/ca-certificates.crt",
                                                     "/etc/pki/tls/certs/ca-bundle.crt",
                                                     "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

/// Instead of asking at the terminal for the passphrase of a key.
int no_passphrase(char* /*to*/, int /*size*/, int /*is_writing*/, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
}

Result<BioRef> open(const Pem& pem) {
    if (pem.text.size() > INT_MAX) {
        return tl::unexpected(pem.name + ": is too large");
    }
    BioRef bio(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
    if (bio == nullptr) {
        return tl::unexpected("no memory for " + pem.name);
    }
    return bio;
}

/// The next certificate; null when there is no more.
Result<CertificateRef> next_certificate(const BioRef& bio, const Pem& pem) {
    ERR_clear_error();
    CertificateRef certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) {
        const unsigned long error = ERR_peek_last_error();
        if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
            return tl::unexpected(pem.name + ": holds a damaged certificate: " + take_error());
        }
        ERR_clear_error();
    }
    return certificate;
}

Result<KeyRef> key_in(const Pem& pem) {
    auto bio = open(pem);
    if (!bio) {
        return tl::unexpected(bio.error());
    }
    ERR_clear_error();
    bool was_asked = false;
    KeyRef key(PEM_read_bio_PrivateKey(bio->get(), nullptr, no_passphrase, &was_asked));
    if (key == nullptr) {
        const std::string reason = take_error();
        return tl::unexpected(
            was_asked ? pem.name + ": the key has a passphrase; write it without one: openssl pkey"
                      : pem.name + ": holds no private key in PEM: " + reason);
    }
    return key;
}

}  // namespace

void Context::Free::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}

Result<void> Context::use(const Identity& identity) {
    auto bio = open(identity.certificate);
    if (!bio) {
        return tl::unexpected(bio.error());
    }
    auto first = next_certificate(*bio, identity.certificate);
    if (!first) {
        return tl::unexpected(first.error());
    }
    if (*first == nullptr) {
        return tl::unexpected(identity.certificate.name + ": holds no certificate in PEM");
    }
    if (SSL_CTX_use_certificate(handle_.get(), first->get()) != 1) {
        return tl::unexpected(identity.certificate.name + ": " + take_error());
    }
    own_ = facts_of(first->get());
    for (;;) {
        auto above = next_certificate(*bio, identity.certificate);
        if (!above) {
            return tl::unexpected(above.error());
        }
        if (*above == nullptr) {
            break;
        }
        if (SSL_CTX_add1_chain_cert(handle_.get(), above->get()) != 1) {
            return tl::unexpected(identity.certificate.name + ": " + take_error());
        }
    }
    auto key = key_in(identity.key);
    if (!key) {
        return tl::unexpected(key.error());
    }
    if (X509_check_private_key(first->get(), key->get()) != 1) {
        ERR_clear_error();
        return tl::unexpected(identity.key.name + ": is not the key of the certificate in " +
                              identity.certificate.name);
    }
    if (SSL_CTX_use_PrivateKey(handle_.get(), key->get()) != 1) {
        return tl::unexpected(identity.key.name + ": " + take_error());
    }
    return {};
}

Result<void> Context::trust(const Pem& authority, bool is_asked_for) {
    auto bio = open(authority);
    if (!bio) {
        return tl::unexpected(bio.error());
    }
    X509_STORE* const store = SSL_CTX_get_cert_store(handle_.get());
    for (int count = 0;; ++count) {
        auto certificate = next_certificate(*bio, authority);
        if (!certificate) {
            return tl::unexpected(certificate.error());
        }
        if (*certificate == nullptr && count == 0) {
            return tl::unexpected(authority.name + ": holds no certificate in PEM");
        }
        if (*certificate == nullptr) {
            break;
        }
        if (X509_STORE_add_cert(store, certificate->get()) != 1 ||
            (is_asked_for && SSL_CTX_add_client_CA(handle_.get(), certificate->get()) != 1)) {
            return tl::unexpected(authority.name + ": " + take_error());
        }
    }
    return {};
}

void Context::trust_system() {
    SSL_CTX_set_default_verify_paths(handle_.get());
    for (const char* const file : kSystemFiles) {
        if (SSL_CTX_load_verify_locations(handle_.get(), file, nullptr) == 1) {
            break;
        }
    }
    ERR_clear_error();
}

std::shared_ptr<Context> Context::fresh(const ssl_method_st* method) {
    SSL_CTX* const handle = SSL_CTX_new(method);
    if (handle == nullptr) {
        return nullptr;
    }
    const std::shared_ptr<Context> context(new Context(handle));
    SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
    SSL_CTX_set_options(handle, kOptions);
    SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(handle, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

Result<std::shared_ptr<const Context>> Context::server(const Identity& identity,
                                                       const std::optional<Pem>& client_authority) {
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    const std::shared_ptr<Context> context = fresh(TLS_server_method());
    if (context == nullptr) {
        return tl::unexpected("OpenSSL gives no TLS server: " + take_error());
    }
    SSL_CTX* const handle = context->handle();
    SSL_CTX_set_num_tickets(handle, 0);
    // Sessions are many and mostly quiet: 34 KiB of buffers each only while they are in use.
    SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(handle, 1);
    if (auto used = context->use(identity); !used) {
        return tl::unexpected(used.error());
    }
    if (client_authority) {
        if (auto trusted = context->trust(*client_authority, true); !trusted) {
            return tl::unexpected(trusted.error());
        }
        SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    return context;
}

Result<std::shared_ptr<const Context>> Context::client(const std::optional<Pem>& authority,
                                                       const std::optional<Identity>& identity) {
    // A thread that still looks for a daemon must not find OpenSSL taken down at exit.
    OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
    const std::shared_ptr<Context> context = fresh(TLS_client_method());
    if (context == nullptr) {
        return tl::unexpected("OpenSSL gives no TLS client: " + take_error());
    }
    SSL_CTX* const handle = context->handle();
    // Reads whole records and nothing beyond, so that the socket shows what is left to read.
    SSL_CTX_set_read_ahead(handle, 0);
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nullptr);
    if (authority) {
        if (auto trusted = context->trust(*authority, false); !trusted) {
            return tl::unexpected(trusted.error());
        }
    } else {
        context->trust_system();
    }
    if (identity) {
        if (auto used = context->use(*identity); !used) {
            return tl::unexpected(used.error());
        }
    }
    return context;
}

}  // namespace spread::tls
