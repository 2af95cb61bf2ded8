#include "daemon/ring/ring_keys.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/read_file.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"
#include "protocol/assert.hpp"
#include "sealing/key_file.hpp"

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
std::string objection_to(const std::string& path, const struct stat& info,
                         const std::string& user) {
    if (!S_ISREG(info.st_mode)) {
        return fmt::format(
            "{}: is not a regular file; RingKeyFile names a file that `spreadctl key "
            "new` has written",
            path);
    }
    if (!may_own(info.st_uid, user)) {
        return fmt::format("{}: belongs to user {}, who could change the ring's key: chown root {}",
                           path, info.st_uid, path);
    }
    if ((info.st_mode & kForbiddenMode) != 0) {
        return fmt::format("{}: mode {:04o} lets others read or write the ring's key: chmod {} {}",
                           path, info.st_mode & 07777U,
                           (info.st_mode & 040U) != 0 ? "0640" : "0600", path);
    }
    return {};
}

}  // namespace

protocol::Result<sealing::KeyRing, std::string> read_keys(const std::string& path,
                                                          const std::string& user) {
    // Without O_NONBLOCK a pipe would hold up the daemon.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
        const int error = errno;
        return tl::unexpected(fmt::format(
            "{}: cannot be opened: {}; {}", path, std::strerror(error),
            error == ENOENT ? "`spreadctl key new` makes one, the same for all daemons of the ring"
                            : "the daemon's user must be able to read it"));
    }
    if (std::string objection = objection_to(path, info, user); !objection.empty()) {
        return tl::unexpected(std::move(objection));
    }
    auto text = read_file(fd.get(), sealing::kKeyFileBytesMax);
    if (!text) {
        return tl::unexpected(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
    }
    if (text->size() > sealing::kKeyFileBytesMax) {
        return tl::unexpected(fmt::format("{}: is larger than {} bytes, which no key file is", path,
                                          sealing::kKeyFileBytesMax));
    }
    auto keys = sealing::parse_keys(*text);
    sealing::wipe(std::as_writable_bytes(std::span(*text)));
    if (!keys) {
        return tl::unexpected(fmt::format("{}:{}:{}: {}", path, keys.error().line,
                                          keys.error().column, keys.error().message));
    }
    return std::move(*keys);
}

protocol::Result<sealing::KeyRing, std::string> read_keys(
    const config::Configuration& configuration) {
    return read_keys(*configuration.ring_key_file, configuration.daemon_user.value_or(""));
}

sealing::Mode sealing_mode_of(const config::Configuration& configuration) {
    const std::string mode = configuration.ring_sealing.value_or("require");
    return mode == "accept" ? sealing::Mode::kAccept
           : mode == "send" ? sealing::Mode::kSend
                            : sealing::Mode::kRequire;
}

std::string_view word_of(sealing::Mode mode) {
    switch (mode) {
        case sealing::Mode::kAccept: return "accept";
        case sealing::Mode::kSend: return "send";
        case sealing::Mode::kRequire: break;
    }
    return "require";
}

sealing::RingSeal::Setup seal_setup_of(const config::Configuration& configuration,
                                       std::size_t self) {
    auto keys = read_keys(configuration);
    if (!keys) {
        throw StartupError(keys.error());
    }
    sealing::RingSeal::Setup setup;
    for (const config::Daemon& daemon : configuration.daemons) {
        setup.daemons.push_back(protocol::DaemonId{daemon.id});
    }
    setup.self = setup.daemons[self];
    setup.keys = std::move(*keys);
    setup.mode = sealing_mode_of(configuration);
    setup.suite = sealing::best_suite();
    setup.backend = sealing::best_backend();
    if (!sealing::self_test(setup.backend)) {
        throw StartupError(
            fmt::format("the encryption of {} does not do what its standards say on this host; "
                        "install its package again",
                        sealing::to_string(setup.backend)));
    }
    return setup;
}

bool is_open_ring(const config::Configuration& configuration) {
    return !configuration.ring_key_file && configuration.daemons.size() > 1 &&
           std::any_of(configuration.daemons.begin(), configuration.daemons.end(),
                       [](const config::Daemon& daemon) { return !daemon.address.is_loopback(); });
}

void KernelEntropy::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        SPREAD_ASSERT(got > 0 || errno == EINTR);
        out = out.subspan(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
}

}  // namespace spread::daemon
