#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "config/configuration.hpp"
#include "tools/spreadctl/finding.hpp"

namespace spread::spreadctl {

/// What became of a connection to the port where a daemon serves clients.
enum class TcpAnswer : std::uint8_t {
    kAccepted,
    kRefused,     ///< the host answers; nobody listens there
    kSilent,      ///< nothing came back
    kUnreachable  ///< the way there is known to be closed
};

/// Connects to every daemon's host, all at once; `patience` for all of them. By configuration
/// position.
[[nodiscard]] std::vector<TcpAnswer> probe_tcp(const config::Configuration& configuration,
                                               std::chrono::milliseconds patience);

/// Of all hosts but `self`. `runs`: whether a daemon is known to run there.
[[nodiscard]] std::vector<Finding> tcp_findings(const config::Configuration& configuration,
                                                std::size_t self,
                                                const std::vector<TcpAnswer>& answers,
                                                const std::vector<bool>& runs);

}  // namespace spread::spreadctl
