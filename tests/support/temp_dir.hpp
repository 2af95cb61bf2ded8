#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace spread::support {

/// A directory that exists as long as this object.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Writes a whole file and returns where it is.
    std::filesystem::path write(std::string_view name, std::string_view text) const;

  private:
    std::filesystem::path path_;
};

}  // namespace spread::support
