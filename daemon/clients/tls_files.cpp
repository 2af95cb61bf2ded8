#include "daemon/clients/tls_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "daemon/host/clock.hpp"
#include "daemon/host/read_file.hpp"
#include "daemon/host/secret_file.hpp"
#include "daemon/host/unique_fd.hpp"
#include "protocol/names.hpp"
#include "sealing/secret.hpp"

namespace spread::daemon {
namespace {

using std::chrono::system_clock;

constexpr std::size_t kTlsFileBytesMax = std::size_t{1} << 20U;
/// Files that Kubernetes renews are symbolic links that change, which is not reported by inotify.
constexpr auto kFilesLookEvery = std::chrono::seconds(10);
constexpr auto kExpiresSoon = std::chrono::hours(24 * 14);

constexpr SecretFile kTlsKeyFile = {
    .what = "the daemon's private key",
    .when_missing = "TLSKeyFile names the private key to TLSCertificateFile, in PEM",
    .when_strange = "TLSKeyFile names a file with a private key in PEM",
    .bytes_max = kTlsFileBytesMax,
    .too_large = "private key"};

/// A file of certificates, which everybody may read.
protocol::Result<tls::Pem, std::string> read_certificates(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
        return tl::unexpected(fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
    }
    if (!S_ISREG(info.st_mode)) {
        return tl::unexpected(fmt::format("{}: is not a regular file", path));
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return tl::unexpected(fmt::format(
            "{}: mode {:04o} lets others write it, and choose whom to trust: chmod go-w {}", path,
            info.st_mode & 07777U, path));
    }
    auto text = read_file(fd.get(), kTlsFileBytesMax);
    if (!text) {
        return tl::unexpected(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
    }
    if (text->size() > kTlsFileBytesMax) {
        return tl::unexpected(fmt::format("{}: is larger than {} bytes", path, kTlsFileBytesMax));
    }
    return tls::Pem{path, std::move(*text)};
}

std::string date_of(system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(system_clock::to_time_t(time)));
}

}  // namespace

protocol::Result<std::shared_ptr<const tls::Context>, std::string> read_tls(
    const config::Configuration& configuration) {
    auto certificate = read_certificates(configuration.tls_certificate_file.value_or(""));
    if (!certificate) {
        return tl::unexpected(certificate.error());
    }
    const std::string key_path = configuration.tls_key_file.value_or("");
    auto key = read_secret(key_path, configuration.daemon_user.value_or(""), kTlsKeyFile);
    if (!key) {
        return tl::unexpected(key.error());
    }
    tls::Identity identity{std::move(*certificate), {key_path, std::move(*key)}};
    std::optional<tls::Pem> authority;
    if (configuration.tls_client_ca_file) {
        auto read = read_certificates(*configuration.tls_client_ca_file);
        if (!read) {
            return tl::unexpected(read.error());
        }
        authority = std::move(*read);
    }
    auto context = tls::Context::server(identity, authority);
    sealing::wipe(std::as_writable_bytes(std::span(identity.key.text)));
    return context;
}

std::string describe_expiry(const tls::CertificateFacts& certificate,
                            system_clock::time_point now) {
    if (now < certificate.not_before) {
        return "is not valid before " + date_of(certificate.not_before) +
               "; is the clock of this host right?";
    }
    if (now >= certificate.not_after) {
        return "has expired on " + date_of(certificate.not_after) +
               ", and clients refuse it: put a new one there";
    }
    if (now + kExpiresSoon >= certificate.not_after) {
        return "expires on " + date_of(certificate.not_after) + ": put a new one there";
    }
    return {};
}

TlsFiles::TlsFiles(boost::asio::io_context& io, const config::Configuration& configuration,
                   std::shared_ptr<const tls::Context> context)
    : configuration_(configuration), timer_(io), context_(std::move(context)), looks_(looks()) {}

void TlsFiles::start(Use use) {
    use_ = std::move(use);
    tell("");
    look();
}

/// In the log.
void TlsFiles::tell(const char* prefix) const {
    log_event_with(LogEvent::kTls,
                   {{"certificate", protocol::escaped(certificate().name)},
                    {"expires", date_of(certificate().not_after)}},
                   "{}TLS for clients: {}, certificate {}, valid until {}{}", prefix,
                   configuration_.client_tls, protocol::escaped(certificate().name),
                   date_of(certificate().not_after),
                   configuration_.tls_client_ca_file ? "; clients must show one, too" : "");
}

/// What tells a file from one that has taken its place.
std::string TlsFiles::looks() const {
    std::string out;
    for (const auto* path : {&configuration_.tls_certificate_file, &configuration_.tls_key_file,
                             &configuration_.tls_client_ca_file}) {
        struct stat info {};
        if (*path && ::stat((*path)->c_str(), &info) == 0) {
            out += fmt::format("{}:{}:{}:{}.{} ", info.st_dev, info.st_ino, info.st_size,
                               info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
        } else {
            out += "- ";
        }
    }
    return out;
}

void TlsFiles::look() {
    if (looks() != looks_) {
        reload();
    }
    const std::string problem = describe_expiry(certificate(), system_clock::now());
    if (!problem.empty() && expiry_limit_.admit(now())) {
        log_event(LogEvent::kTlsExpires, "{}: the certificate {}",
                  configuration_.tls_certificate_file.value_or(""), problem);
    }
    timer_.expires_after(kFilesLookEvery);
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            look();
        }
    });
}

void TlsFiles::reload() {
    looks_ = looks();
    auto context = read_tls(configuration_);
    are_good_ = context.has_value();
    if (!context) {
        log_event(LogEvent::kTlsFailed, "{}; what was read before stays in use", context.error());
        return;
    }
    context_ = std::move(*context);
    expiry_limit_ = RateLimit(std::chrono::hours(24));
    tell("read again: ");
    if (use_) {
        use_(context_);
    }
}

}  // namespace spread::daemon
