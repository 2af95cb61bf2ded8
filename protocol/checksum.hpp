#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace spread::protocol {

/// CRC32C (Castagnoli) of `bytes`, continuing from `crc` (0 to start). Uses the CPU's instruction
/// where there is one.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0);

/// The portable implementation, for tests and for CPUs without the instruction.
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes,
                                            std::uint32_t crc = 0);

}  // namespace spread::protocol
