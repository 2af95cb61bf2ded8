#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/configuration.hpp"
#include "daemon/host/logging.hpp"
#include "protocol/result.hpp"
#include "tls/context.hpp"

namespace spread::daemon {

/// What TLSCertificateFile, TLSKeyFile and TLSClientCAFile say, which ClientTLS asks for; on
/// failure one line that says what to do. The key must not be readable for others.
[[nodiscard]] protocol::Result<std::shared_ptr<const tls::Context>, std::string> read_tls(
    const config::Configuration& configuration);

/// Why clients will refuse this certificate, now or soon; empty: they will not.
[[nodiscard]] std::string describe_expiry(const tls::CertificateFacts& certificate,
                                          std::chrono::system_clock::time_point now);

/// The files above while the daemon runs: reads them again when they change or when told to, hands
/// on what they say, and warns before the certificate expires. What cannot be used leaves things as
/// they are. For the thread that runs `io`.
class TlsFiles {
  public:
    using Use = std::function<void(std::shared_ptr<const tls::Context>)>;

    /// `context`: what read_tls() said at the start. The others must outlive this object.
    TlsFiles(boost::asio::io_context& io, const config::Configuration& configuration,
             std::shared_ptr<const tls::Context> context);
    TlsFiles(const TlsFiles&) = delete;
    TlsFiles& operator=(const TlsFiles&) = delete;

    /// Looks at them from now on; each new context goes to `use`.
    void start(Use use);
    void stop() { timer_.cancel(); }
    void reload();
    /// They could be used when they were read last.
    [[nodiscard]] bool are_good() const { return are_good_; }

    /// Of the certificate in use.
    [[nodiscard]] const std::shared_ptr<const tls::Context>& context() const { return context_; }
    [[nodiscard]] const tls::CertificateFacts& certificate() const { return *context_->own(); }

  private:
    void look();
    void tell(const char* prefix) const;
    [[nodiscard]] std::string looks() const;

    const config::Configuration& configuration_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<const tls::Context> context_;
    bool are_good_ = true;
    std::string looks_;  ///< of the files when they were read last
    Use use_;
    RateLimit expiry_limit_{std::chrono::hours(24)};
};

}  // namespace spread::daemon
