#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "ordering/packer.hpp"
#include "ordering/send_queue.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::ordering {

inline const protocol::RingId kRing{protocol::DaemonId{1}, 2, 3};
inline constexpr protocol::DaemonId kMe{1};
inline constexpr protocol::DaemonId kOther{2};

inline Submission message(std::size_t bytes, protocol::Service service = protocol::Service::kAgreed,
                          bool control = false) {
    Submission submission;
    submission.service = service;
    submission.control = control;
    std::vector<std::byte> body(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        body[i] = static_cast<std::byte>(i * 7 + bytes);
    }
    submission.body = protocol::make_message(body);
    return submission;
}

inline std::vector<std::byte> bytes_of(const protocol::Message& body) {
    std::vector<std::byte> out(body.size());
    body.copy_to(out);
    return out;
}

/// Stamps everything in `queue` into packets of `sender`, numbered from `next`.
inline std::vector<protocol::Slice> stamp(SendQueue& queue, protocol::BufferPool& pool,
                                          protocol::DaemonId sender, protocol::Seq& next,
                                          std::size_t bytes_max = 300) {
    std::vector<protocol::Slice> packets;
    while (queue.current() != nullptr) {
        protocol::DataBuilder builder(pool.acquire(), bytes_max);
        fill_packet(queue, builder);
        packets.push_back(builder.finish({protocol::PacketKind::kData, 0, sender, kRing}, next,
                                         protocol::TokenSeq{1}));
        ++next;
    }
    return packets;
}

}  // namespace spread::ordering
