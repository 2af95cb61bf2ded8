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

#include "daemon/host/unique_fd.hpp"

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

bool usable(const std::string& directory) {
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0) {
        // One level only: parents are the administrator's business.
        if (::mkdir(directory.c_str(), 0755) != 0) {
            return false;
        }
    } else if (!S_ISDIR(info.st_mode)) {
        return false;
    }
    return ::access(directory.c_str(), W_OK | X_OK) == 0;
}

std::vector<std::string> candidates() {
    std::vector<std::string> out = {"/var/lib/spreadd"};
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

DaemonState next_state(const std::optional<DaemonState>& stored, std::uint64_t wall_milliseconds) {
    DaemonState state{wall_milliseconds, wall_milliseconds / protocol::kRingCounterMs};
    if (stored) {
        state.incarnation = std::max(state.incarnation, stored->incarnation + 1);
        state.ring_counter = std::max(state.ring_counter, stored->ring_counter + 1);
    }
    return state;
}

StateFile::StateFile(const std::string& directory, protocol::DaemonId self) {
    const auto file = fmt::format("/daemon-{}.state", self.value);
    if (!directory.empty()) {
        if (usable(directory)) {
            path_ = directory + file;
        } else {
            problem_ = fmt::format("{} is not a writable directory", directory);
        }
        return;
    }
    for (const std::string& candidate : candidates()) {
        if (usable(candidate)) {
            path_ = candidate + file;
            return;
        }
    }
    problem_ = "neither /var/lib/spreadd nor a user state directory is writable";
}

std::optional<DaemonState> StateFile::load() const {
    if (path_.empty()) {
        return std::nullopt;
    }
    const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return std::nullopt;
    }
    std::array<char, 256> text{};
    const ssize_t count = ::read(fd.get(), text.data(), text.size());
    return count <= 0 ? std::nullopt
                      : parse_state(std::string_view(text.data(), static_cast<std::size_t>(count)));
}

bool StateFile::store(const DaemonState& state) {
    if (path_.empty()) {
        return false;
    }
    const std::string temporary = path_ + ".new";
    const std::string text = format_state(state);
    UniqueFd fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    const bool written =
        fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    fd.reset();
    if (!written || ::rename(temporary.c_str(), path_.c_str()) != 0) {
        problem_ = fmt::format("cannot write {}: {}", path_, std::strerror(errno));
        return false;
    }
    return true;
}

}  // namespace spread::daemon
