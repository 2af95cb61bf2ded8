#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/session_wire.hpp"

namespace spread::session {

/// What clients have sent and got since the start, by the service that the sender asked for. Plain
/// numbers of the session thread.
struct Traffic {
    static constexpr std::array<std::string_view, 6> kServices = {"unreliable", "reliable", "fifo",
                                                                  "causal",     "agreed",   "safe"};
    struct Amount {
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;  ///< of their bodies
    };
    using ByService = std::array<Amount, kServices.size()>;

    ByService sent{};       ///< taken from clients here
    ByService delivered{};  ///< queued for clients here; a message for several counts for each

    /// `type` is the word of the session wire's header; other words than those of multicasts do not
    /// count.
    static void add(ByService& to, std::uint32_t type, std::size_t body_bytes) {
        if (const std::uint32_t service = type & protocol::kRegularMess; service != 0) {
            Amount& amount = to[static_cast<std::size_t>(std::countr_zero(service))];
            ++amount.messages;
            amount.bytes += body_bytes;
        }
    }
};

static_assert(protocol::kRegularMess == (1U << Traffic::kServices.size()) - 1 &&
              protocol::kSafeMess == 1U << (Traffic::kServices.size() - 1));

}  // namespace spread::session
