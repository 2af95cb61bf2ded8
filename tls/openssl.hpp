#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "tls/context.hpp"

// For the sources of this module alone.

namespace spread::tls {

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using BioRef = std::unique_ptr<BIO, FreeBio>;
using CertificateRef = std::unique_ptr<X509, FreeCertificate>;
using KeyRef = std::unique_ptr<EVP_PKEY, FreeKey>;

/// What OpenSSL says of the last failure of this thread; its list of errors is empty afterwards.
[[nodiscard]] std::string take_error();

[[nodiscard]] CertificateFacts facts_of(X509* certificate);

}  // namespace spread::tls
