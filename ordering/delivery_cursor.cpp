#include "ordering/delivery_cursor.hpp"

#include <utility>

namespace spread::ordering {

using protocol::Slice;

DeliveryCursor::Partial& DeliveryCursor::partial_of(protocol::DaemonId sender) {
    for (Partial& partial : partials_) {
        if (partial.sender == sender) {
            return partial;
        }
    }
    return partials_.emplace_back(Partial{sender, false, {}});
}

bool DeliveryCursor::take(const ReceiveWindow::Slot& slot, const protocol::Entry& entry,
                          Delivery& delivery) {
    Slice piece{slot.datagram.buffer, slot.datagram.offset + entry.offset, entry.length};
    protocol::Message body;
    if (entry.first && entry.last) {
        body = protocol::Message(std::move(piece));
    } else {
        Partial& partial = partial_of(slot.sender);
        if (entry.first) {
            partial.body.clear();
            partial.active = true;
        }
        // A continuation without a start follows a packet left out in a transitional configuration.
        if (!partial.active) {
            return false;
        }
        partial.body.append(std::move(piece));
        if (partial.body.size() > kMessageBytesMax) {
            partial.active = false;
            partial.body.clear();
            return false;
        }
        if (!entry.last) {
            return false;
        }
        body = std::move(partial.body);
        partial.body = {};
        partial.active = false;
    }
    delivery.ring_id = ring_id_;
    delivery.seq = next_;
    delivery.index = index_++;
    delivery.origin = slot.sender;
    delivery.service = entry.service;
    delivery.kind = entry.kind;
    delivery.body = std::move(body);
    return true;
}

}  // namespace spread::ordering
