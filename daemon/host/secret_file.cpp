#include "daemon/host/secret_file.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/read_file.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {
namespace {

/// Bits that would let others in: the group may read, no more.
constexpr ::mode_t kForbiddenMode = 027;

bool may_own(::uid_t owner, const std::string& user) {
    if (owner == 0 || owner == ::geteuid()) {
        return true;
    }
    const passwd* known = user.empty() ? nullptr : ::getpwnam(user.c_str());
    return known != nullptr && known->pw_uid == owner;
}

/// Why the file must not be used; empty: it may.
std::string objection_to(const std::string& path, const struct stat& info, const std::string& user,
                         const SecretFile& kind) {
    if (!S_ISREG(info.st_mode)) {
        return fmt::format("{}: is not a regular file; {}", path, kind.when_strange);
    }
    if (!may_own(info.st_uid, user)) {
        return fmt::format("{}: belongs to user {}, who could change {}: chown root {}", path,
                           info.st_uid, kind.what, path);
    }
    if ((info.st_mode & kForbiddenMode) != 0) {
        return fmt::format("{}: mode {:04o} lets others read or write {}: chmod {} {}", path,
                           info.st_mode & 07777U, kind.what,
                           (info.st_mode & 040U) != 0 ? "0640" : "0600", path);
    }
    return {};
}

}  // namespace

protocol::Result<std::string, std::string> read_secret(const std::string& path,
                                                       const std::string& user,
                                                       const SecretFile& kind) {
    // Without O_NONBLOCK a pipe would hold up the daemon.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
        const int error = errno;
        return tl::unexpected(
            fmt::format("{}: cannot be opened: {}; {}", path, std::strerror(error),
                        error == ENOENT ? kind.when_missing
                                        : std::string_view("the daemon's user must be able to "
                                                           "read it")));
    }
    if (std::string objection = objection_to(path, info, user, kind); !objection.empty()) {
        return tl::unexpected(std::move(objection));
    }
    auto text = read_file(fd.get(), kind.bytes_max);
    if (!text) {
        return tl::unexpected(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
    }
    if (text->size() > kind.bytes_max) {
        return tl::unexpected(fmt::format("{}: is larger than {} bytes, which no {} is", path,
                                          kind.bytes_max, kind.too_large));
    }
    return std::move(*text);
}

}  // namespace spread::daemon
