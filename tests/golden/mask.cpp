#include "tests/golden/mask.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "protocol/byte_reader.hpp"
#include "protocol/session_wire.hpp"

namespace spread::golden {
namespace {

using protocol::kNameFieldBytes;
using protocol::kSessionHeaderBytes;

constexpr std::size_t kViewIdBytes = 8;  // proc_id and time; the index after them is compared

/// The vs-set area of a NETWORK membership, in a form that does not depend on the order of sets.
struct VsSets {
    std::multiset<std::string> sets;  // each the hex of its names, in order
    std::string own;                  // the one the offset points to
    bool own_has_receiver = false;
};

std::optional<VsSets> parse_vs_sets(std::span<const std::byte> body, const std::string& receiver) {
    protocol::ByteReader reader(body);
    reader.skip(12);
    const auto count = reader.read_le<std::uint32_t>();
    const auto own_offset = reader.read_le<std::uint32_t>();
    VsSets result;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto offset = reader.position() - 20;
        const auto members = reader.read_le<std::uint32_t>();
        if (!reader.ok() || members > reader.remaining() / kNameFieldBytes) {
            return std::nullopt;
        }
        const auto names = reader.read_bytes(members * kNameFieldBytes);
        const std::string set = support::hex_of(names);
        result.sets.insert(set);
        if (offset == own_offset) {
            result.own = set;
            for (std::size_t m = 0; m < members; ++m) {
                const protocol::NameField name(
                    names.subspan(m * kNameFieldBytes).first<kNameFieldBytes>());
                result.own_has_receiver |= name.view() == receiver;
            }
        }
    }
    if (!reader.ok() || reader.remaining() != 0) {
        return std::nullopt;
    }
    return result;
}

std::string both(const std::string& what, std::span<const std::byte> recorded,
                 std::span<const std::byte> received) {
    return what + "\n  recorded " + support::hex_of(recorded) + "\n  received " +
           support::hex_of(received);
}

}  // namespace

bool Mask::same_view(const ViewId& recorded, const ViewId& received) {
    const auto known = real_.find(recorded);
    const auto known_back = recorded_.find(received);
    if (known == real_.end() && known_back == recorded_.end()) {
        real_[recorded] = received;
        recorded_[received] = recorded;
        return true;
    }
    return known != real_.end() && known->second == received && known_back != recorded_.end();
}

std::optional<std::string> Mask::difference(std::span<const std::byte> recorded,
                                            std::span<const std::byte> received,
                                            const std::string& receiver) {
    if (recorded.size() != received.size()) {
        return both("sizes differ", recorded, received);
    }
    if (recorded.size() < kSessionHeaderBytes) {
        return both("no message", recorded, received);
    }
    const auto header = protocol::decode_session_header(recorded.first<kSessionHeaderBytes>());
    const bool has_view_id =
        (header.type & (protocol::kRegMembMess | protocol::kTransitionMess)) != 0 &&
        (header.type & protocol::kRegularMess) == 0;
    if (!has_view_id) {
        if (!std::ranges::equal(recorded, received)) {
            return both("messages differ", recorded, received);
        }
        return std::nullopt;
    }
    const std::size_t body =
        kSessionHeaderBytes + kNameFieldBytes * static_cast<std::size_t>(header.num_groups);
    if (!std::ranges::equal(recorded.first(body), received.first(body))) {
        return both("header or members differ", recorded, received);
    }
    const auto recorded_body = recorded.subspan(body);
    const auto received_body = received.subspan(body);
    if (!same_view(support::hex_of(recorded_body.first(kViewIdBytes)),
                   support::hex_of(received_body.first(kViewIdBytes)))) {
        return both("group ids are not equal where the recorded ones are", recorded, received);
    }
    const auto recorded_rest = recorded_body.subspan(kViewIdBytes);
    const auto received_rest = received_body.subspan(kViewIdBytes);
    if ((header.type & protocol::kCausedByNetwork) == 0) {
        if (!std::ranges::equal(recorded_rest, received_rest)) {
            return both("group id index or vs-set differ", recorded, received);
        }
        return std::nullopt;
    }
    if (!std::ranges::equal(recorded_rest.first(8), received_rest.first(8))) {
        return both("group id index or number of vs-sets differ", recorded, received);
    }
    const auto expected = parse_vs_sets(recorded_body, receiver);
    const auto actual = parse_vs_sets(received_body, receiver);
    if (!expected || !actual) {
        return both("malformed vs-sets", recorded, received);
    }
    if (expected->sets != actual->sets || expected->own != actual->own) {
        return both("vs-sets differ", recorded, received);
    }
    if (!actual->own_has_receiver) {
        return both("the offset does not point to a set that contains " + receiver, recorded,
                    received);
    }
    return std::nullopt;
}

}  // namespace spread::golden
