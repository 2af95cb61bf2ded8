#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace spread::support {

/// The bytes of a file; none of one that cannot be read.
[[nodiscard]] inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace spread::support
