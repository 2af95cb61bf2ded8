#pragma once

#include <cstdint>

#include "client/codec/error.hpp"
#include "client/socket.hpp"

namespace spread::client {

/// One descriptor for everything a session may wait for, whatever sockets it goes through in its
/// life: an epoll of the wake-up, the current socket and a timer. A second one for room to send
/// alone.
class Readiness {
  public:
    /// Watches a wake-up for good.
    [[nodiscard]] static Result<Readiness> create(int wakeup);

    /// A socket to be read. It leaves by being closed.
    void watch(int socket, bool wants_write);
    void set_wants_write(int socket, bool wants_write);
    /// Readable at that time as well; the epoch: never.
    void arm(Deadline deadline);

    [[nodiscard]] int descriptor() const { return epoll_.get(); }
    [[nodiscard]] int room_descriptor() const { return room_.get(); }

  private:
    void control_both(int operation, int socket, bool wants_write);

    FileDescriptor epoll_;
    FileDescriptor room_;
    FileDescriptor timer_;
    Deadline armed_{};
};

}  // namespace spread::client
