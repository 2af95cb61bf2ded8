#include "daemon/clients/unix_listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace spread::daemon {
namespace {

UniqueFd stream_socket() {
    return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// A name in the current directory. Binds or connects by `call`.
template <typename Call>
int with_address(const std::string& name, Call call) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
    return call(reinterpret_cast<const sockaddr*>(&address), socklen_t{sizeof address});
}

/// The current directory is `directory` as long as this lives: a socket has no bindat(2).
class InDirectory {
  public:
    explicit InDirectory(const UniqueFd& directory)
        : before_(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)),
          entered_(before_ && ::fchdir(directory.get()) == 0) {}
    ~InDirectory() {
        if (entered_ && ::fchdir(before_.get()) != 0) {
            std::abort();  // it was the current directory a moment ago
        }
    }
    InDirectory(const InDirectory&) = delete;
    InDirectory& operator=(const InDirectory&) = delete;
    explicit operator bool() const { return entered_; }

  private:
    UniqueFd before_;
    bool entered_;
};

std::string owner_of(const UniqueFd& connection) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return "another process";
    }
    return fmt::format("process {} of user {}", peer.pid, peer.uid);
}

}  // namespace

UnixListener::UnixListener(std::string directory, std::string name, mode_t mode)
    : path_(directory + "/" + name), name_(std::move(name)), mode_(mode) {
    // Clients have no more room for the path either.
    if (path_.size() >= sizeof(sockaddr_un::sun_path)) {
        problem_ = fmt::format("{} is longer than a socket's name may be", path_);
        return;
    }
    directory_ = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory_) {
        problem_ = fmt::format("cannot create {}: {}", path_, std::strerror(errno));
        return;
    }
    open();
}

UnixListener::~UnixListener() {
    unlink_own();
}

UnixListener::Look UnixListener::look() {
    if (!directory_ || is_own()) {
        return Look::kUnchanged;
    }
    const std::string before = std::exchange(problem_, {});
    fd_.reset();
    inode_ = 0;
    open();
    if (fd_) {
        return Look::kMadeAgain;
    }
    return problem_ == before ? Look::kUnchanged : Look::kLost;
}

/// Made under another name and then moved, so that no client meets a socket that refuses it.
void UnixListener::open() {
    taken_ = false;
    const InDirectory inside(directory_);
    if (!inside) {
        problem_ = fmt::format("cannot create {}: {}", path_, std::strerror(errno));
        return;
    }
    if (!make_way()) {
        return;
    }
    const std::string hidden = fmt::format(".{}.{}", name_, ::getpid());
    ::unlink(hidden.c_str());
    fd_ = stream_socket();
    const auto bind_it = [this](const sockaddr* address, socklen_t size) {
        return ::bind(fd_.get(), address, size);
    };
    struct stat info {};
    if (!fd_ || with_address(hidden, bind_it) != 0) {
        problem_ = fmt::format("cannot create {}: {}", path_, std::strerror(errno));
        fd_.reset();
        return;
    }
    if (::chmod(hidden.c_str(), mode_) != 0 || ::listen(fd_.get(), SOMAXCONN) != 0 ||
        ::lstat(hidden.c_str(), &info) != 0 || ::rename(hidden.c_str(), name_.c_str()) != 0) {
        problem_ = fmt::format("cannot open {}: {}", path_, std::strerror(errno));
        ::unlink(hidden.c_str());
        fd_.reset();
        return;
    }
    device_ = info.st_dev;
    inode_ = info.st_ino;
}

/// Removes a socket that nobody listens on. False: what is there has to stay.
bool UnixListener::make_way() {
    struct stat info {};
    if (::lstat(name_.c_str(), &info) != 0) {
        return true;
    }
    if (!S_ISSOCK(info.st_mode)) {
        taken_ = true;
        problem_ = fmt::format("{} exists and is no socket", path_);
        return false;
    }
    const UniqueFd probe = stream_socket();
    const int connected = with_address(name_, [&probe](const sockaddr* address, socklen_t size) {
        return ::connect(probe.get(), address, size);
    });
    if (connected == 0 || errno == EAGAIN) {  // EAGAIN: its backlog is full
        taken_ = true;
        problem_ = connected == 0 ? fmt::format("{} answers on {}", owner_of(probe), path_)
                                  : fmt::format("another process answers on {}", path_);
        return false;
    }
    if (errno != ECONNREFUSED) {
        problem_ = fmt::format("cannot tell who owns {}: {}", path_, std::strerror(errno));
        return false;
    }
    if (::unlink(name_.c_str()) != 0) {
        problem_ = fmt::format("cannot remove the stale {}: {}", path_, std::strerror(errno));
        return false;
    }
    return true;
}

int UnixListener::give_to_group(gid_t group) {
    constexpr uid_t kUnchanged = ~uid_t{0};
    return ::fchownat(directory_.get(), name_.c_str(), kUnchanged, group, AT_SYMLINK_NOFOLLOW) == 0
               ? 0
               : errno;
}

bool UnixListener::is_own() const {
    struct stat info {};
    return inode_ != 0 &&
           ::fstatat(directory_.get(), name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           info.st_dev == device_ && info.st_ino == inode_;
}

void UnixListener::unlink_own() {
    if (is_own()) {
        ::unlinkat(directory_.get(), name_.c_str(), 0);
    }
    inode_ = 0;
}

}  // namespace spread::daemon
