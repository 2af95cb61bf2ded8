#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spread::interop {

/// Sees the TCP segments that a daemon on this network namespace's loopback sends, as the receiving
/// side gets them: how it cuts its replies into writes, which a reading client cannot tell for
/// sure.
class SegmentSniffer {
  public:
    /// Segments from `port`. Throws where raw sockets are not allowed.
    explicit SegmentSniffer(std::uint16_t port);
    ~SegmentSniffer();
    SegmentSniffer(const SegmentSniffer&) = delete;
    SegmentSniffer& operator=(const SegmentSniffer&) = delete;

    /// Payload sizes of all segments with payload since the last call, in order. What a client has
    /// received is among them.
    [[nodiscard]] std::vector<std::size_t> take();

  private:
    std::uint16_t port_;
    int fd_;
};

}  // namespace spread::interop
