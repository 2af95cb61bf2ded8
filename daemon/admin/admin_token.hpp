#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/configuration.hpp"

namespace spread::admin {

/// What a peer of AdminListen must show to change something: the first line of AdminTokenFile.
class AdminToken {
  public:
    static constexpr std::size_t kBytesMin = 16;
    static constexpr std::size_t kBytesMax = 1024;

    /// Without AdminWrite nothing is a token. Throws daemon::StartupError, with what to do, when
    /// the file cannot be read, others may read it, or its first line is too short to be a secret.
    [[nodiscard]] static AdminToken load(const config::Configuration& configuration);

    /// Whether a header `Authorization: Bearer TOKEN` shows it. Takes the same time for all wrong
    /// ones of one length.
    [[nodiscard]] bool is_shown_by(std::string_view authorization) const;
    [[nodiscard]] bool empty() const { return token_.empty(); }

  private:
    std::string token_;
};

}  // namespace spread::admin
