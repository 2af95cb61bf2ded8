#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/result.hpp"
#include "sealing/key_ring.hpp"

// The text of a key file; whoever reads files and looks at their permissions is elsewhere.
//
//   spreadd-keys 1
//   use  <43 characters of base64url>   # 5f3a91c2 2026-11-30 node1
//   keep <43 characters of base64url>   # 77ab01ef 2026-05-02 node1
//
// One line a key, with its role first; one of them is `use`. What follows a # is for people.

namespace spread::sealing {

inline constexpr std::size_t kKeyFileBytesMax = 4096;

struct KeyFileError {
    std::size_t line = 0;    ///< from 1
    std::size_t column = 0;  ///< from 1
    std::string message;     ///< never holds a part of a key
};

[[nodiscard]] protocol::Result<KeyRing, KeyFileError> parse_keys(std::string_view text);

/// A file that parse_keys() reads. Wipe it when it has been written.
[[nodiscard]] std::string format_keys(const KeyRing& keys);

}  // namespace spread::sealing
