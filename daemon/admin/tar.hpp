#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

// Archives that tar(1) reads and writes, as far as bundles need them: regular files with short
// names (POSIX ustar).

namespace spread::admin {

struct TarFile {
    std::string name;  ///< a relative path of at most kTarNameMax bytes
    std::string text;
};

inline constexpr std::size_t kTarNameMax = 99;
inline constexpr std::size_t kTarFilesMax = 10000;

/// `seconds` since 1970: the time of all files. Longer names are cut.
[[nodiscard]] std::string tar_of(const std::vector<TarFile>& files, long seconds);

/// The regular files of an archive, which may come from anybody; the error is one line. What is no
/// regular file, as directories, is left out.
[[nodiscard]] tl::expected<std::vector<TarFile>, std::string> files_of_tar(
    std::string_view archive);

}  // namespace spread::admin
