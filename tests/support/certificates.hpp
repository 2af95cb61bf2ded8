#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace spread::support {

/// A certificate and its key, in PEM.
struct SignedPair {
    std::string certificate;
    std::string key;

    /// Writes NAME.crt and NAME.key, the latter for the owner alone.
    void write(const std::filesystem::path& directory, const std::string& name) const;
};

/// What a certificate is to say.
struct CertificateWish {
    std::string common_name;
    std::vector<std::string> alternatives{};               ///< "DNS:name", "IP:address"
    std::chrono::seconds begins = -std::chrono::hours(1);  ///< from now
    std::chrono::seconds ends = std::chrono::hours(1);
};

/// Signs certificates for one test.
class Authority {
  public:
    explicit Authority(const std::string& name);
    ~Authority();
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    [[nodiscard]] SignedPair sign(const CertificateWish& wish) const;
    /// Its own certificate, in PEM.
    [[nodiscard]] std::string certificate() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace spread::support
