#include "tools/spreadctl/ring_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "daemon/host/host_facts.hpp"
#include "daemon/host/unique_fd.hpp"
#include "daemon/ring/ring_keys.hpp"
#include "sealing/key_file.hpp"

namespace spread::spreadctl {
namespace {

constexpr std::size_t kPassphraseBytesMin = 20;
/// So that every host can make the same key of the same words; N = 2^17 of scrypt.
constexpr std::string_view kPassphraseSalt = "spreadd ring passphrase 1";
constexpr std::uint64_t kPassphraseCost = 1U << 17U;

int fail(const std::string& problem) {
    std::fprintf(stderr, "spreadctl: %s\n", problem.c_str());
    return 1;
}

std::optional<sealing::Secret> key_of_passphrase() {
    std::string words;
    std::getline(std::cin, words);
    if (words.size() < kPassphraseBytesMin) {
        return std::nullopt;
    }
    std::optional<sealing::Secret> key(std::in_place);
    const bool done = sealing::stretch(words, std::as_bytes(std::span(kPassphraseSalt)),
                                       kPassphraseCost, key->bytes());
    sealing::wipe(std::as_writable_bytes(std::span(words)));
    return done ? key : std::nullopt;
}

sealing::Secret random_key() {
    sealing::Secret key;
    daemon::KernelEntropy().fill(key.bytes());
    return key;
}

/// Empty, or what went wrong.
std::string write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno != EINTR) {
            return std::strerror(errno);
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    return ::fsync(fd) == 0 ? std::string() : std::strerror(errno);
}

/// Into a new file beside `file`, which then takes its place. A new one must not be there yet.
int write_keys(const std::string& file, const sealing::KeyRing& keys, bool is_new) {
    const std::string path = is_new ? file : file + ".new";
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_EXCL;
    if (!is_new) {
        ::unlink(path.c_str());
    }
    const daemon::UniqueFd fd(::open(path.c_str(), flags, 0600));
    if (!fd) {
        return fail(errno == EEXIST
                        ? fmt::format("{} is there already; --add adds a key to it, which all its "
                                      "daemons keep until it is used",
                                      file)
                        : fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
    }
    struct stat before {};
    if (!is_new && ::stat(file.c_str(), &before) == 0 &&
        (::fchown(fd.get(), before.st_uid, before.st_gid) != 0 ||
         ::fchmod(fd.get(), before.st_mode & 07777U) != 0)) {
        ::unlink(path.c_str());
        return fail(fmt::format("{}: cannot be given the owner and mode of {}: {}", path, file,
                                std::strerror(errno)));
    }
    std::string text = sealing::format_keys(keys);
    std::string problem = write_all(fd.get(), text);
    sealing::wipe(std::as_writable_bytes(std::span(text)));
    if (problem.empty() && !is_new && ::rename(path.c_str(), file.c_str()) != 0) {
        problem = std::strerror(errno);
    }
    if (!problem.empty()) {
        ::unlink(path.c_str());
        return fail(fmt::format("{}: cannot be written: {}", path, problem));
    }
    return 0;
}

}  // namespace

int key_new(const KeyNewSettings& settings) {
    std::vector<sealing::RingKey> keys;
    if (settings.add) {
        auto old = daemon::read_keys(settings.file, "");
        if (!old) {
            return fail(old.error());
        }
        keys = old->keys();
        if (keys.size() == sealing::KeyRing::kKeysMax) {
            return fail(
                fmt::format("{} has {} keys, and more are not allowed; remove those that "
                            "nobody uses any more",
                            settings.file, keys.size()));
        }
    }
    const auto secret = settings.passphrase ? key_of_passphrase() : random_key();
    if (!secret) {
        return fail(fmt::format("a passphrase has {} characters at least", kPassphraseBytesMin));
    }
    const auto role = settings.add ? sealing::KeyRole::kKeep : sealing::KeyRole::kUse;
    const std::string note =
        fmt::format("{:%Y-%m-%d} {}", fmt::gmtime(std::time(nullptr)), daemon::host_name());
    const sealing::RingKey key = sealing::RingKey::of(*secret, role, note);
    for (const sealing::RingKey& other : keys) {
        if (other.id == key.id) {
            return fail(fmt::format("{} has key {} already", settings.file, to_string(key.id)));
        }
    }
    keys.push_back(key);
    const int status = write_keys(settings.file, sealing::KeyRing(std::move(keys)), !settings.add);
    if (status == 0) {
        std::printf("%s  %s\n", to_string(key.id).c_str(),
                    std::string(to_string(key.role)).c_str());
    }
    return status;
}

int key_list(const std::string& file) {
    const auto keys = daemon::read_keys(file, "");
    if (!keys) {
        return fail(keys.error());
    }
    for (const sealing::RingKey& key : keys->keys()) {
        std::printf("%s  %-5s  %s\n", to_string(key.id).c_str(),
                    std::string(to_string(key.role)).c_str(), key.note.c_str());
    }
    return 0;
}

}  // namespace spread::spreadctl
