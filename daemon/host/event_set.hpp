#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "daemon/host/unique_fd.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// The descriptors a loop waits for: epoll, with waits as exact as the kernel can.
class EventSet {
  public:
    /// Throws std::system_error when the kernel gives no epoll descriptor.
    EventSet();

    /// `mark` comes back in the events' data.u64. False, and errno, when the kernel refuses.
    [[nodiscard]] bool add(int fd, std::uint32_t events, std::uint64_t mark);
    /// For a descriptor that was added.
    void change(int fd, std::uint32_t events, std::uint64_t mark);
    void remove(int fd);

    /// Waits for at most `timeout`, without one for as long as it takes; zero only looks. Fills
    /// `events` from the front and returns that part.
    [[nodiscard]] std::span<const epoll_event> wait(std::span<epoll_event> events,
                                                    std::optional<protocol::Duration> timeout);

  private:
    UniqueFd epoll_;
};

}  // namespace spread::daemon
