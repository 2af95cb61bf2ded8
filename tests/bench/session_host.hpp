#pragma once

#include <sys/uio.h>

#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/session/session_core.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"

namespace spread::bench {

/// The session layer of daemon "d1", alone on its ring: what it submits is delivered at once, and
/// what it writes counts as sent.
class SessionHost {
  public:
    explicit SessionHost(std::size_t sessions);

    /// Past its handshake, as private_group(number); joins "room".
    protocol::SessionId open(std::size_t number);
    /// From the ring. Returns how many sessions something was written to.
    std::size_t deliver(const protocol::Message& frame);
    /// From a client's socket; what it asks for is not delivered. Returns the number of messages
    /// that went to the ring.
    std::size_t read(protocol::SessionId session, const protocol::Slice& bytes);

  private:
    void event(membership::DeliveryEvent event);
    void write();
    void settle();

    session::SessionCore core_;
    session::SessionOutput out_;
    std::array<iovec, IOV_MAX> slices_;
    std::vector<membership::Submission> ring_;
    std::uint64_t delivered_ = 0;
    std::size_t written_ = 0;
};

}  // namespace spread::bench
