#include "tests/support/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <stdexcept>

namespace spread::support {
namespace detail {

template <auto Free>
struct Deleter {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

}  // namespace detail

struct Authority::Parts {
    detail::Key key;
    detail::Certificate certificate;
};

namespace {

using namespace detail;

using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

void require(bool holds) {
    if (!holds) {
        throw std::runtime_error("OpenSSL cannot make a certificate");
    }
}

Key make_key() {
    Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    require(key != nullptr);
    return key;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

/// Unsigned. A null issuer: itself.
Certificate make(const CertificateWish& wish, EVP_PKEY* key, X509* issuer) {
    static std::atomic<long> serial{1000};
    Certificate certificate(X509_new());
    require(certificate != nullptr);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.begins.count());
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wish.ends.count());
    X509_NAME* const subject = X509_get_subject_name(certificate.get());
    const std::vector<unsigned char> name(wish.common_name.begin(), wish.common_name.end());
    require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name.data(),
                                       static_cast<int>(name.size()), -1, 0) == 1);
    X509_set_issuer_name(certificate.get(),
                         issuer == nullptr ? subject : X509_get_subject_name(issuer));
    X509_set_pubkey(certificate.get(), key);
    return certificate;
}

std::string text_of(const Bio& bio) {
    char* text = nullptr;
    const long length = BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &text);
    return {text, static_cast<std::size_t>(length)};
}

std::string pem_of(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_X509(bio.get(), certificate) == 1);
    return text_of(bio);
}

std::string pem_of(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return text_of(bio);
}

void write_file(const std::filesystem::path& path, const std::string& text, mode_t mode) {
    // As programs that renew certificates do: a new file takes the place of the old one.
    const std::filesystem::path draft = path.string() + ".new";
    std::ofstream(draft) << text;
    require(::chmod(draft.c_str(), mode) == 0);
    std::filesystem::rename(draft, path);
}

}  // namespace

Authority::Authority(const std::string& name) : parts_(std::make_unique<Parts>()) {
    parts_->key = make_key();
    const CertificateWish wish{.common_name = name};
    parts_->certificate = make(wish, parts_->key.get(), nullptr);
    X509* const own = parts_->certificate.get();
    extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
    extend(own, own, NID_subject_key_identifier, "hash");
    require(X509_sign(own, parts_->key.get(), EVP_sha256()) > 0);
}

Authority::~Authority() = default;

std::string Authority::certificate() const {
    return pem_of(parts_->certificate.get());
}

SignedPair Authority::sign(const CertificateWish& wish) const {
    const Key key = make_key();
    const Certificate certificate = make(wish, key.get(), parts_->certificate.get());
    std::string alternatives;
    for (const std::string& each : wish.alternatives) {
        alternatives += (alternatives.empty() ? "" : ",") + each;
    }
    if (!alternatives.empty()) {
        extend(certificate.get(), parts_->certificate.get(), NID_subject_alt_name, alternatives);
    }
    require(X509_sign(certificate.get(), parts_->key.get(), EVP_sha256()) > 0);
    return {pem_of(certificate.get()), pem_of(key.get())};
}

void SignedPair::write(const std::filesystem::path& directory, const std::string& name) const {
    write_file(directory / (name + ".key"), key, 0600);
    write_file(directory / (name + ".crt"), certificate, 0644);
}

}  // namespace spread::support
