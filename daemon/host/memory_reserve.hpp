#pragma once

namespace spread::daemon {

/// Memory set aside for the moment when the system has no more (a limit of the address space, no
/// overcommitting): the allocation that fails gets the reserve's room, and whoever looks sees that
/// memory is short and has time to let go of some. An allocation that fails even so ends the
/// process with one line instead of an exception that nobody catches.
///
/// One per process, for all threads.
class MemoryReserve {
  public:
    /// Sets the reserve aside, and is asked from then on when an allocation fails.
    static void install();
    /// The reserve has been used up.
    [[nodiscard]] static bool is_used();
    /// Sets it aside again. False when there is still no room for it.
    [[nodiscard]] static bool refill();
};

}  // namespace spread::daemon
