#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace spread::chaos {

/// What a host does to its daemon, in a file that both map: host_harm_library.cpp obeys it inside
/// the daemon. All zero: nothing.
struct HostHarm {
    std::atomic<std::int64_t> clock_ns;    ///< how far the wall clock is ahead of the real one
    std::atomic<std::int32_t> disk_errno;  ///< what writing to a file fails with
    std::atomic<std::uint32_t> refused;    ///< writes that have failed so
};

/// Names the file, to the daemon.
inline constexpr const char* kHostHarmVariable = "SPREAD_CHAOS_HOST_HARM";

/// Such a file, made new.
class HostHarmFile {
  public:
    explicit HostHarmFile(const std::filesystem::path& path);
    ~HostHarmFile();
    HostHarmFile(const HostHarmFile&) = delete;
    HostHarmFile& operator=(const HostHarmFile&) = delete;

    [[nodiscard]] HostHarm& operator*() const { return *harm_; }
    [[nodiscard]] HostHarm* operator->() const { return harm_; }

  private:
    HostHarm* harm_;
};

}  // namespace spread::chaos
