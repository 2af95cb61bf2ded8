#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/admin/tar.hpp"

namespace spread::admin {

/// What the kernel says of this process and its host that matters to a ring: limits, settings of
/// the network, the sockets of the ports. Text of the kernel's own, a file each.
[[nodiscard]] std::vector<TarFile> host_files(std::uint16_t port);

/// A daemon's name as that of a directory: letters, digits, '-', '_' and '.', but not in front.
[[nodiscard]] std::string directory_name(std::string daemon);

}  // namespace spread::admin
