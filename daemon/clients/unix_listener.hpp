#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// A listening Unix socket, such as DIR/PORT for clients (CP 2.1). It has its mode and listens
/// before it can be seen. Removes its file when it goes, if the file is still its own. For one
/// thread, whose current directory it changes for a moment, so that the file can be made again
/// after chroot(2).
class UnixListener {
  public:
    /// If the socket cannot be made, problem() has the reason; the daemon serves TCP all the same.
    UnixListener(std::string directory, std::uint16_t port)
        : UnixListener(std::move(directory), std::to_string(port), kForEverybody) {}
    /// `mode`: who may connect.
    UnixListener(std::string directory, std::string name, mode_t mode);
    ~UnixListener();
    UnixListener(const UnixListener&) = delete;
    UnixListener& operator=(const UnixListener&) = delete;

    enum class Look : std::uint8_t {
        kUnchanged,
        kMadeAgain,  ///< fd() is another socket now
        kLost        ///< gone or somebody else's, and problem() says why it cannot be made again
    };
    /// Looks whether clients still find the socket, and makes it again if not. Returns kLost once
    /// for each problem.
    [[nodiscard]] Look look();

    /// Listening and non-blocking; negative when there is a problem.
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Empty when the socket listens.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    /// Another process answers there, or what is there is no socket: somebody has put it in our
    /// place, on purpose or not.
    [[nodiscard]] bool is_taken() const { return taken_; }
    /// Lets the members of `group` use it as its mode says. Returns 0 or errno.
    [[nodiscard]] int give_to_group(gid_t group);
    /// Removes the file now; also safe from a dying process.
    void unlink_own();

  private:
    static constexpr mode_t kForEverybody = 0666;

    void open();
    [[nodiscard]] bool make_way();
    [[nodiscard]] bool is_own() const;

    std::string path_;
    std::string name_;
    mode_t mode_;
    std::string problem_;
    bool taken_ = false;
    UniqueFd directory_;  // still leads to the file after a chroot
    UniqueFd fd_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace spread::daemon
