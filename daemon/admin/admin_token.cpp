#include "daemon/admin/admin_token.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "daemon/host/read_file.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"
#include "protocol/names.hpp"

namespace spread::admin {

using daemon::StartupError;

AdminToken AdminToken::load(const config::Configuration& configuration) {
    AdminToken out;
    if (!configuration.admin_write || !configuration.admin_token_file) {
        return out;
    }
    const std::string& path = *configuration.admin_token_file;
    const std::string name = protocol::escaped(path);
    const daemon::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
        throw StartupError(
            fmt::format("AdminTokenFile {} cannot be opened: {}; make one: openssl "
                        "rand -hex 32 > {}",
                        name, std::strerror(errno), name));
    }
    if (!S_ISREG(info.st_mode) || (info.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) {
        throw StartupError(fmt::format(
            "AdminTokenFile {} must be a file that others can neither read nor write: chmod 640 {}",
            name, name));
    }
    const auto text = daemon::read_file(fd.get(), kBytesMax);
    if (!text) {
        throw StartupError(
            fmt::format("AdminTokenFile {} cannot be read: {}", name, std::strerror(errno)));
    }
    out.token_ = text->substr(0, text->find('\n'));
    const auto is_token = [](char c) { return c > ' ' && c < '\x7f'; };
    if (out.token_.size() < kBytesMin || out.token_.size() > kBytesMax ||
        !std::all_of(out.token_.begin(), out.token_.end(), is_token)) {
        throw StartupError(
            fmt::format("the first line of AdminTokenFile {} must have {} to {} "
                        "printable characters without blanks; make one: openssl rand "
                        "-hex 32",
                        name, kBytesMin, kBytesMax));
    }
    return out;
}

bool AdminToken::is_shown_by(std::string_view authorization) const {
    constexpr std::string_view kScheme = "Bearer ";
    if (token_.empty() || !authorization.starts_with(kScheme)) {
        return false;
    }
    authorization.remove_prefix(kScheme.size());
    unsigned difference = authorization.size() == token_.size() ? 0 : 1;
    for (std::size_t i = 0; i < authorization.size(); ++i) {
        difference |= static_cast<unsigned char>(authorization[i]) ^
                      static_cast<unsigned char>(token_[i % token_.size()]);
    }
    return difference == 0;
}

}  // namespace spread::admin
