#pragma once

#include <sys/socket.h>

#include <map>
#include <optional>

#include "daemon/host/endpoint.hpp"
#include "daemon/host/logging.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// Names what the kernel refuses to send, at most one line in ten seconds for each kind of error.
class SendErrors {
  public:
    /// `error` is errno of a send of `message`, which is lost. Returns whom the kernel refuses to
    /// send to; nobody when it merely has no room.
    std::optional<Endpoint> note(int error, const msghdr& message, protocol::Instant now);

  private:
    std::map<int, RateLimit> limits_;  // by errno, of which there are few
};

}  // namespace spread::daemon
