#include "ordering/packer.hpp"

#include <algorithm>

namespace spread::ordering {

void fill_packet(SendQueue& queue, protocol::DataBuilder& packet) {
    while (const Submission* message = queue.current()) {
        const std::size_t offset = queue.offset();
        const std::size_t left = message->body.size() - offset;
        const std::size_t room = packet.room();
        const bool fits = left <= room && (room > 0 || packet.empty());
        if (!fits && room == 0) {
            return;
        }
        const std::size_t length = std::min(left, room);
        const auto piece =
            packet.add_entry(length, offset == 0, fits, message->service, message->kind);
        message->body.copy_to(piece, offset);
        queue.advance(length);
        if (!fits) {
            return;
        }
    }
}

}  // namespace spread::ordering
