#include "daemon/ring/ring_keys.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/secret_file.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"
#include "protocol/assert.hpp"
#include "sealing/key_file.hpp"

namespace spread::daemon {
namespace {

constexpr SecretFile kKeyFile = {
    .what = "the ring's key",
    .when_missing = "`spreadctl key new` makes one, the same for all daemons of the ring",
    .when_strange = "RingKeyFile names a file that `spreadctl key new` has written",
    .bytes_max = sealing::kKeyFileBytesMax,
    .too_large = "key file"};

std::string failure_of(const std::string& path) {
    return fmt::format("{}: cannot be written: {}", path, std::strerror(errno));
}

/// errno says why not.
bool write_keys(int fd, const sealing::KeyRing& keys) {
    std::string text = sealing::format_keys(keys);
    std::string_view left = text;
    bool is_good = true;
    while (is_good && !left.empty()) {
        const ssize_t count = ::write(fd, left.data(), left.size());
        is_good = count >= 0 || errno == EINTR;
        left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    sealing::wipe(std::as_writable_bytes(std::span(text)));
    return is_good && ::fsync(fd) == 0;
}

void sync_directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    if (const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); fd) {
        ::fsync(fd.get());
    }
}

/// Owner, group and mode of what is at `path` go to `fd`. False: not allowed.
bool copy_owner(const std::string& path, int fd) {
    struct stat before {};
    return ::stat(path.c_str(), &before) == 0 && ::fchown(fd, before.st_uid, before.st_gid) == 0 &&
           ::fchmod(fd, before.st_mode & 07777U) == 0;
}

}  // namespace

std::string save_keys(const std::string& path, const sealing::KeyRing& keys, bool keeps_owner) {
    std::array<char, PATH_MAX> real{};
    if (::realpath(path.c_str(), real.data()) == nullptr) {
        return failure_of(path);
    }
    const std::string target = real.data();
    const std::string made = target + ".new";
    ::unlink(made.c_str());
    const UniqueFd fd(
        ::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        return failure_of(path) +
               "; the key is put into it by hand, or its directory made one "
               "that the daemon may write in";
    }
    const bool is_good = (copy_owner(target, fd.get()) || !keeps_owner) &&
                         write_keys(fd.get(), keys) && ::rename(made.c_str(), target.c_str()) == 0;
    if (!is_good) {
        std::string problem = failure_of(path);
        ::unlink(made.c_str());
        return problem;
    }
    sync_directory_of(target);
    return {};
}

std::string create_keys(const std::string& path, const sealing::KeyRing& keys) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd && errno == EEXIST) {
        return path +
               " is there already; --add adds a key to it, which all its daemons keep "
               "until it is used";
    }
    if (!fd || !write_keys(fd.get(), keys)) {
        std::string problem = failure_of(path);
        if (fd) {
            ::unlink(path.c_str());
        }
        return problem;
    }
    sync_directory_of(path);
    return {};
}

protocol::Result<sealing::KeyRing, std::string> read_keys(const std::string& path,
                                                          const std::string& user) {
    auto text = read_secret(path, user, kKeyFile);
    if (!text) {
        return tl::unexpected(text.error());
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
