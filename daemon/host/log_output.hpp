#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// Where log lines go: a file, a fifo, or stderr. A line is written whole or counted as lost. Used
/// by one thread, but for stop().
class LogOutput {
  public:
    /// An empty `path` is stderr. Throws StartupError when the file cannot be opened. A fifo that
    /// nobody reads is opened once somebody does; lines are lost until then.
    explicit LogOutput(std::string path);

    /// Writes `line`, which ends in a newline, with one system call if the kernel takes it at once.
    /// Waits for a slow reader of a pipe or terminal. False: the line is lost, and counted.
    bool write(std::string_view line);

    /// Opens the path anew, in the directory where it was first opened, also after chroot(2).
    /// Returns 0, or errno, and the old file stays. Does nothing for stderr.
    [[nodiscard]] int reopen();

    /// Makes `user` and `group` the owners of a regular file that is root's. Returns 0 or errno.
    [[nodiscard]] int give_to(uid_t user, gid_t group);

    struct Lost {
        std::uint64_t lines = 0;
        int error = 0;  ///< errno of the last one
    };
    /// Since the last forget_lost().
    [[nodiscard]] const Lost& lost() const { return lost_; }
    void forget_lost() { lost_ = {}; }
    /// After the report of `lost` was lost itself.
    void restore_lost(const Lost& lost) { lost_ = lost; }

    /// Since the start of the process. From any thread.
    [[nodiscard]] static std::uint64_t lines_lost();

    [[nodiscard]] const std::string& path() const { return path_; }

    /// From any thread: a reader that takes nothing is waited for one more second, over all lines.
    static void stop();
    /// Undoes stop().
    static void start();

  private:
    [[nodiscard]] int open_file(UniqueFd& to) const;
    bool lose(int error);
    void cut(std::size_t written);

    std::string path_;
    std::string name_;    // the last part of path_
    UniqueFd directory_;  // of path_
    UniqueFd file_;
    bool torn_ = false;  // a part of a line stands at the end and could not be cut off
    Lost lost_;
};

}  // namespace spread::daemon
