#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spread::c_api {

/// A message on its way through the flush layer, in the terms of SP_receive().
struct FlushMessage {
    std::uint32_t type = 0;
    std::string sender;
    std::vector<std::array<char, 32>> groups;
    int mess_type = 0;
    int endian_mismatch = 0;
    std::vector<std::byte> body;

    /// The C interface has names in fields of 32 bytes.
    void add_group(const std::string& name);
    [[nodiscard]] std::string group(std::size_t index) const;
    void append_u32(std::uint32_t value);
    void append_name(const std::string& name);
};

}  // namespace spread::c_api
