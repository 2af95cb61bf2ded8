#include "client/c/membership_body.hpp"

#include <array>

namespace spread::c_api {

namespace {

using protocol::ByteOrder;
using protocol::kNameFieldBytes;
using protocol::kOurOrder;

/// Reads the integer at `offset` and leaves it there in our order.
std::optional<std::uint32_t> normalise_u32(const Pieces& body, std::size_t offset,
                                           ByteOrder order) {
    auto value = read_u32(body, offset);
    if (value && order != kOurOrder) {
        value = __builtin_bswap32(*value);
        if (!body.copy_in(offset, std::as_bytes(std::span(&*value, 1)))) {
            return std::nullopt;
        }
    }
    return value;
}

}  // namespace

std::optional<std::uint32_t> read_u32(const Pieces& body, std::size_t offset) {
    std::uint32_t value = 0;
    if (!body.copy_out(offset, std::as_writable_bytes(std::span(&value, 1)))) {
        return std::nullopt;
    }
    return value;
}

bool normalise_membership(const Pieces& body, std::uint32_t type, ByteOrder order) {
    for (std::size_t offset = 0; offset < kGroupIdBytes; offset += kCountBytes) {
        if (!normalise_u32(body, offset, order)) {
            return false;
        }
    }
    if ((type & protocol::kRegMembMess) == 0) {
        return true;  // a transitional signal is no more than a group id
    }
    const auto set_count = normalise_u32(body, kSetCountOffset, order);
    const auto own_set = normalise_u32(body, kOwnSetOffset, order);
    if (!set_count || !own_set) {
        return false;
    }
    std::size_t offset = kSetsOffset;
    bool is_own_found = false;
    bool has_changed_member = false;
    for (std::uint32_t i = 0; i < *set_count; ++i) {
        is_own_found |= offset - kSetsOffset == *own_set;
        const auto names = normalise_u32(body, offset, order);
        offset += kCountBytes;
        if (!names || *names > (body.bytes() - offset) / kNameFieldBytes) {
            return false;
        }
        has_changed_member |= i == 0 && *names > 0;
        offset += *names * kNameFieldBytes;
    }
    constexpr std::uint32_t kByOne =
        protocol::kCausedByJoin | protocol::kCausedByLeave | protocol::kCausedByDisconnect;
    return is_own_found && (has_changed_member || (type & kByOne) == 0);
}

}  // namespace spread::c_api
