#include "daemon/ring/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <fmt/format.h>

namespace spread::daemon {
namespace {

std::optional<std::uint64_t> take_line(std::string_view& text, std::string_view name) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.substr(0, name.size()) != name || line.size() <= name.size() ||
        line[name.size()] != ' ') {
        return std::nullopt;
    }
    line.remove_prefix(name.size() + 1);
    std::uint64_t value = 0;
    const auto result = std::from_chars(line.data(), line.data() + line.size(), value);
    if (result.ec != std::errc{} || result.ptr != line.data() + line.size()) {
        return std::nullopt;
    }
    return value;
}

constexpr std::string_view kDefaultDirectory = "/var/lib/spreadd";

std::vector<std::string> candidates() {
    std::vector<std::string> out = {std::string(kDefaultDirectory)};
    if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg != nullptr && xdg[0] == '/') {
        out.push_back(std::string(xdg) + "/spreadd");
    } else if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') {
        out.push_back(std::string(home) + "/.local/state/spreadd");
    }
    return out;
}

}  // namespace

std::string format_state(const DaemonState& state) {
    return fmt::format("incarnation {}\nring_counter {}\n", state.incarnation, state.ring_counter);
}

std::optional<DaemonState> parse_state(std::string_view text) {
    const auto incarnation = take_line(text, "incarnation");
    if (!incarnation) {
        return std::nullopt;
    }
    const auto ring_counter = take_line(text, "ring_counter");
    if (!ring_counter || !text.empty()) {
        return std::nullopt;
    }
    return DaemonState{*incarnation, *ring_counter};
}

StateFile::StateFile(const std::string& directory, protocol::DaemonId self)
    : name_(fmt::format("daemon-{}.state", self.value)) {
    if (!directory.empty()) {
        if (!use(directory)) {
            problem_ = fmt::format("{} is not a writable directory", directory);
        }
    } else {
        const auto usable = candidates();
        if (std::none_of(usable.begin(), usable.end(),
                         [this](const std::string& candidate) { return use(candidate); })) {
            problem_ = "neither /var/lib/spreadd nor a user state directory is writable";
        }
    }
    struct stat info {};
    if (directory_ && ::fstat(directory_.get(), &info) == 0) {
        identity_ = fmt::format("{}-{}-{}", info.st_dev, info.st_ino, self.value);
    }
}

bool StateFile::use(const std::string& directory) {
    // One level only: parents are the administrator's business.
    const bool made = ::mkdir(directory.c_str(), 0755) == 0;
    UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || ::faccessat(opened.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
        return false;
    }
    directory_ = std::move(opened);
    path_ = directory + "/" + name_;
    own_directory_ = made || directory == kDefaultDirectory;
    return true;
}

std::optional<DaemonState> StateFile::load() const {
    const UniqueFd fd(directory_ ? ::openat(directory_.get(), name_.c_str(), O_RDONLY | O_CLOEXEC)
                                 : -1);
    if (!fd) {
        return std::nullopt;
    }
    std::array<char, 256> text{};
    const ssize_t count = ::read(fd.get(), text.data(), text.size());
    return count <= 0 ? std::nullopt
                      : parse_state(std::string_view(text.data(), static_cast<std::size_t>(count)));
}

bool StateFile::store(const DaemonState& state) {
    if (!directory_) {
        return false;
    }
    const std::string temporary = name_ + ".new";
    const std::string text = format_state(state);
    const UniqueFd fd(::openat(directory_.get(), temporary.c_str(),
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    errno = fd ? 0 : errno;
    const bool written =
        fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(fd.get()) == 0 &&
        ::renameat(directory_.get(), temporary.c_str(), directory_.get(), name_.c_str()) == 0 &&
        ::fsync(directory_.get()) == 0;
    if (!written) {
        problem_ = fmt::format("cannot write {}: {}", path_,
                               errno == 0 ? "the disk is full" : std::strerror(errno));
        return false;
    }
    problem_.clear();
    return true;
}

int StateFile::give_to(uid_t user, gid_t group) {
    return !own_directory_ || ::fchown(directory_.get(), user, group) == 0 ? 0 : errno;
}

}  // namespace spread::daemon
