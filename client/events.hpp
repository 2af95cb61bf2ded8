#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "client/codec/error.hpp"
#include "client/codec/message_view.hpp"
#include "spread/event.hpp"
#include "spread/session.hpp"

namespace spread::client {

/// What a message says, with memory of its own; kIllegalMessage for a membership whose body breaks
/// the layout, and for a type no daemon sends.
[[nodiscard]] Result<Event> make_event(const MessageView& view);

/// The same message in place.
[[nodiscard]] MessageRef make_ref(const MessageView& view);

/// The multicasts among frames of our own making; `last` is the number of the last one.
[[nodiscard]] std::vector<Unsent> multicasts_among(std::span<const std::byte> frames,
                                                   std::uint64_t last);

/// A Probe's message, sent by the session to itself.
[[nodiscard]] bool is_ping(const MessageView& view, std::string_view self);

}  // namespace spread::client
