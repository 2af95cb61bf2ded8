#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/host_facts.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// A listening TCP socket, non-blocking.
struct TcpListener {
    UniqueFd fd;
    Endpoint at;
};

/// Opens what clients connect to over TCP (client protocol 2.1): each C address of the daemon's
/// interface stanza; without one the any-address, as stock does. Where that is taken, or another
/// configured daemon lives on this host with the same port, only the daemon's own address.
/// SO_REUSEADDR is always set, unless SocketPortReuse is off, so that a restart does not trip over
/// connections of the last life. Throws StartupError.
[[nodiscard]] std::vector<TcpListener> open_tcp_listeners(
    const config::Configuration& configuration, std::size_t self,
    const std::vector<LocalAddress>& locals);

/// The Unix socket DIR/PORT. Removes its file when it goes, if the file is still its own.
class UnixListener {
  public:
    /// Without a socket: some daemon already answers there, or the file cannot be made. The reason
    /// is in problem(); the daemon serves TCP all the same.
    UnixListener(const std::string& directory, std::uint16_t port);
    ~UnixListener();
    UnixListener(const UnixListener&) = delete;
    UnixListener& operator=(const UnixListener&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Empty when the socket listens.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    /// Removes the file now; also safe from a dying process.
    void unlink_own();

  private:
    std::string path_;
    std::string name_;
    std::string problem_;
    UniqueFd directory_;  // still leads to the file after a chroot
    UniqueFd fd_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace spread::daemon
