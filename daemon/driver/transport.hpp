#pragma once

#include <span>

#include "membership/engine_output.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"

namespace spread::driver {

class RingDriver;

/// Where a transport puts what it received. Not virtual: a batch costs one virtual call, a datagram
/// none.
class Inbox {
  public:
    /// One datagram, as received. Its bytes must not change while slices of it are kept.
    void take(membership::Arrival arrival, const protocol::Slice& datagram);
    /// The kernel of `peer` said that nobody listens there.
    void note_unreachable(protocol::DaemonId peer);
    /// Our own kernel refuses to send to `peer`.
    void note_refused(protocol::DaemonId peer);
    /// Blocks for datagrams that are copied out of the transport's own memory.
    [[nodiscard]] protocol::BufferPool& pool() const;

  private:
    friend class RingDriver;
    explicit Inbox(RingDriver& driver) : driver_(driver) {}

    RingDriver& driver_;
};

/// Carries datagrams between the daemons. Never blocks, and loses what it cannot carry: the ring
/// repairs that.
class Transport {
  public:
    virtual ~Transport() = default;

    /// Sends in this order.
    virtual void send(std::span<const membership::OutboundPacket> packets) = 0;
    /// The same for what sealing layers say to each other to prove themselves. It also goes where
    /// a daemon was heard that has not proven to be there.
    virtual void greet(std::span<const membership::OutboundPacket> packets) { send(packets); }
    /// Whom a datagram for all is sent to by itself as well from now on, because the group address
    /// does not reach it; in place of those named before.
    virtual void send_one_by_one(const protocol::MemberList& daemons) = 0;
    /// Puts one batch of what has arrived at `channel` into `inbox`, in the order of arrival.
    /// False: there is nothing.
    [[nodiscard]] virtual bool receive(membership::Channel channel, Inbox& inbox) = 0;
    /// Asks the sockets themselves whether something is left to receive, whatever was known.
    [[nodiscard]] virtual bool has_unread() = 0;
    /// Puts the peers that it has learned are unreachable, or may not be sent to, into `inbox`.
    virtual void read_errors(Inbox& inbox) = 0;
};

}  // namespace spread::driver
