#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <string_view>

#include "tls/openssl.hpp"

namespace spread::tls {
namespace {

struct FreeText {
    void operator()(unsigned char* text) const { OPENSSL_free(text); }
};
struct FreeNames {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

/// In UTF-8. Empty when it holds a NUL, which no honest name does.
std::string text_of(const ASN1_STRING* string) {
    unsigned char* raw = nullptr;
    const int length = ASN1_STRING_to_UTF8(&raw, string);
    if (length < 0) {
        ERR_clear_error();
        return {};
    }
    const std::unique_ptr<unsigned char, FreeText> owner(raw);
    std::string text(raw, raw + length);
    return text.find('\0') == std::string::npos ? text : std::string();
}

std::string dns_name_of(X509* certificate) {
    const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_DNS) {
            return text_of(name->d.dNSName);
        }
    }
    return {};
}

std::string common_name_of(X509* certificate) {
    const X509_NAME* const subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    return at < 0 ? std::string()
                  : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
    std::tm fields{};
    if (ASN1_TIME_to_tm(time, &fields) != 1) {
        ERR_clear_error();
        return {};
    }
    return std::chrono::system_clock::from_time_t(::timegm(&fields));
}

}  // namespace

CertificateFacts facts_of(X509* certificate) {
    std::string name = dns_name_of(certificate);
    return {name.empty() ? common_name_of(certificate) : std::move(name),
            time_of(X509_get0_notBefore(certificate)), time_of(X509_get0_notAfter(certificate))};
}

std::string take_error() {
    const unsigned long code = ERR_peek_error();
    const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    std::string text = reason != nullptr ? reason
                       : code == 0       ? std::string()
                                         : "OpenSSL error " + std::to_string(code);
    ERR_clear_error();
    return text;
}

}  // namespace spread::tls
