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
    Partial& partial = partials_.emplace_back();
    partial.sender = sender;
    return partial;
}

protocol::Message DeliveryCursor::Partial::finish() {
    protocol::Message body;
    body.reserve(pieces.size());
    for (Slice& piece : pieces) {
        body.append(std::move(piece));
    }
    give_up();
    return body;
}

bool DeliveryCursor::take(const ReceiveWindow::Slot& slot, const protocol::Entry& entry,
                          Delivery& delivery) {
    Slice piece{slot.datagram.buffer, slot.datagram.offset + entry.offset, entry.length};
    if (entry.first && entry.last) {
        delivery.body.append(std::move(piece));
    } else {
        Partial& partial = partial_of(slot.sender);
        if (entry.first) {
            partial.begin();
        }
        // A continuation without a start follows a packet left out in a transitional configuration.
        if (!partial.active) {
            return false;
        }
        partial.bytes += entry.length;
        partial.pieces.push_back(std::move(piece));
        if (partial.bytes > kMessageBytesMax) {
            partial.give_up();
            return false;
        }
        if (!entry.last) {
            return false;
        }
        delivery.body = partial.finish();
    }
    delivery.ring_id = ring_id_;
    delivery.seq = next_;
    delivery.index = index_++;
    delivery.origin = slot.sender;
    delivery.service = entry.service;
    delivery.kind = entry.kind;
    return true;
}

}  // namespace spread::ordering
