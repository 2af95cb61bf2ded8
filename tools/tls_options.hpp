#pragma once

#include <optional>
#include <string>

#include "command_line/command_line.hpp"
#include "spread/options.hpp"

namespace spread::tools {

/// The options of a program that may speak TLS with its daemons.
class TlsOptions {
  public:
    explicit TlsOptions(command_line::CommandLine& line) {
        auto authority = line.value("--tls", authority_,
                                    "Speak TLS with daemons reached by TCP, and trust the "
                                    "certificates that FILE has signed (PEM), or those that the "
                                    "system trusts: --tls system")
                             .type_name("FILE");
        auto certificate = line.value("--tls-cert", tls_.certificate_file,
                                      "Our certificate, for a daemon that asks for one (PEM)")
                               .type_name("FILE")
                               .needs(authority);
        line.value("--tls-key", tls_.key_file, "The key to it (default: in the same file)")
            .type_name("FILE")
            .needs(certificate);
        line.value("--tls-name", tls_.server_name,
                   "What the daemon's certificate says (default: the host in the address)")
            .type_name("NAME")
            .needs(authority);
    }

    /// After parsing; nothing: plain text.
    [[nodiscard]] std::optional<Tls> chosen() const {
        if (!authority_) {
            return std::nullopt;
        }
        Tls tls = tls_;
        tls.ca_file = *authority_ == "system" ? std::string() : *authority_;
        return tls;
    }

  private:
    std::optional<std::string> authority_;
    Tls tls_;
};

}  // namespace spread::tools
