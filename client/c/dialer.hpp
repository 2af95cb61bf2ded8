#pragma once

#include "client/c/spread_name.hpp"
#include "client/c/stream.hpp"

namespace spread::c_api {

/// A descriptor that is closed unless released.
class OwnedDescriptor {
  public:
    explicit OwnedDescriptor(int descriptor = -1) : descriptor_(descriptor) {}
    OwnedDescriptor(OwnedDescriptor&& other) noexcept : descriptor_(other.release()) {}
    OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept;
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
    ~OwnedDescriptor() { reset(); }

    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] int release();
    void reset();

  private:
    int descriptor_;
};

struct Dialed {
    int code = 0;  ///< 0, or a code of sp.h
    OwnedDescriptor socket;
};

/// Connects to a daemon's socket, trying all addresses of a host within the time limit, each for
/// its share of it. The socket is non-blocking and close-on-exec. ILLEGAL_SPREAD for a host that
/// does not exist, COULD_NOT_CONNECT, CONNECTION_CLOSED when the time is over.
[[nodiscard]] Dialed dial(const SpreadName& name, const Deadline& deadline);

}  // namespace spread::c_api
