#include "tests/bench/samples.hpp"

#include <algorithm>

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"
#include "tests/unit/session/client_bytes.hpp"

namespace spread::bench {

using protocol::Message;

protocol::PacketHeader packet_header(protocol::PacketKind kind) {
    return {kind, 7, protocol::DaemonId{1}, kRing};
}

std::string daemon_name(std::size_t index) {
    return "d" + std::to_string(index + 1);
}

std::string private_group(std::size_t number, std::size_t daemon) {
    return protocol::make_private_group("u" + std::to_string(number), daemon_name(daemon));
}

std::vector<std::byte> multicast_frame(const std::string& group, std::size_t payload,
                                       std::string_view sender) {
    return session::multicast_bytes({group}, std::string(payload, 'x'), protocol::kAgreedMess,
                                    sender);
}

Message frame_of(std::size_t payload) {
    return protocol::make_message(multicast_frame("room", payload, private_group(1)));
}

ordering::Submission submission_of(const Message& frame) {
    ordering::Submission submission;
    submission.body = frame;
    return submission;
}

protocol::Slice data_packet(protocol::BufferPool& pool, std::uint64_t seq, std::size_t bytes) {
    protocol::DataBuilder builder(pool.acquire_or_heap(), kDatagramBytes);
    const auto entry = builder.add_entry(bytes, true, true, protocol::Service::kAgreed,
                                         protocol::MessageKind::kClientFrame);
    std::fill(entry.begin(), entry.end(), std::byte{0x55});
    return builder.finish(packet_header(protocol::PacketKind::kData), protocol::Seq{seq},
                          protocol::TokenSeq{1});
}

}  // namespace spread::bench
