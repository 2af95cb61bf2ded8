#pragma once

#include "client/socket.hpp"

namespace spread::client {

/// Wakes threads that wait in poll() or epoll. Stays readable until clear().
class Wakeup {
  public:
    Wakeup();

    void notify() const;
    void clear() const;
    [[nodiscard]] int descriptor() const { return event_.get(); }

  private:
    FileDescriptor event_;
};

}  // namespace spread::client
