#pragma once

#include <cstdint>
#include <string_view>

#include <tl/expected.hpp>

namespace spread::protocol {

/// Why bytes from outside were refused. Each value is a drop counter of its own.
enum class DecodeError : std::uint8_t {
    kTruncated,      ///< shorter than its own fields say
    kTrailingBytes,  ///< longer than its own fields say
    kBadMagic,       ///< not ours at all
    kBadVersion,     ///< ours, of a version this build does not speak
    kBadChecksum,
    kBadKind,
    kBadLength,  ///< a count or length beyond the protocol's limits
    kBadValue,   ///< a field contradicts another one
};

inline constexpr std::size_t kDecodeErrorCount = 8;

[[nodiscard]] constexpr std::string_view to_string(DecodeError error) {
    switch (error) {
        case DecodeError::kTruncated: return "truncated";
        case DecodeError::kTrailingBytes: return "trailing bytes";
        case DecodeError::kBadMagic: return "bad magic";
        case DecodeError::kBadVersion: return "bad version";
        case DecodeError::kBadChecksum: return "bad checksum";
        case DecodeError::kBadKind: return "bad kind";
        case DecodeError::kBadLength: return "bad length";
        case DecodeError::kBadValue: return "bad value";
    }
    return "unknown";
}

template <typename T, typename E>
using Result = tl::expected<T, E>;

template <typename T>
using Decoded = Result<T, DecodeError>;

}  // namespace spread::protocol
