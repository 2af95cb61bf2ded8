#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/configuration.hpp"

namespace spread::config {

/// Stock's identity hash of a daemon name (VirtualID).
[[nodiscard]] std::uint32_t daemon_id_of_name(std::string_view name);

/// Stock's configuration hash text and hash, for the monitor protocol and for the ring wire:
/// daemons whose hashes differ ignore each other.
[[nodiscard]] std::string hash_text(const Configuration& configuration);
[[nodiscard]] std::uint32_t configuration_hash(const Configuration& configuration);

}  // namespace spread::config
