#pragma once

#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {

/// Tells when interfaces or addresses of this host come, go or change (rtnetlink(7)). What they are
/// then, local_addresses() says: the kernel's messages are only a reason to look.
class InterfaceWatch {
  public:
    /// Without permission or support there is nothing to watch, and fd() is negative.
    InterfaceWatch();

    /// Readable when something changed. Non-blocking.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Whether something changed since the last call. Empties the socket.
    [[nodiscard]] bool changed();

  private:
    UniqueFd fd_;
};

}  // namespace spread::daemon
