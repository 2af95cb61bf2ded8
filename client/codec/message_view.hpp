#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/codec/error.hpp"
#include "protocol/session_wire.hpp"
#include "spread/group_id.hpp"

namespace spread::client {

/// No daemon sends longer messages: a membership of a million members ends here.
inline constexpr std::size_t kFrameBytesMax = std::size_t{64} << 20U;

/// A reject carries the refused request's type between header and groups, outside all counts
/// (CP 7.5).
inline constexpr std::size_t kOldTypeBytes = 4;

/// Bytes of a message from the daemon behind its header; nothing for counts no daemon sends, after
/// which the stream is lost.
[[nodiscard]] std::optional<std::size_t> bytes_behind(const protocol::SessionHeader& header);

/// What the libraries report as the type of a reject, from the four bytes behind its header.
[[nodiscard]] std::uint32_t reject_type(protocol::ByteOrder order,
                                        std::span<const std::byte, kOldTypeBytes> old_type);

/// One message from the daemon, where it stands in the receive buffer. Nothing is copied but the
/// header; `groups` and `body` die with the next read.
struct MessageView {
    protocol::SessionHeader header;
    /// header.type; for a reject the refused request's type | REJECT, as the libraries report it
    /// (CP 7.5).
    std::uint32_t type = 0;
    std::span<const std::byte> groups;  ///< num_groups x 32 bytes
    std::span<const std::byte> body;

    [[nodiscard]] bool is_reject() const { return (header.type & protocol::kRejectMess) != 0; }
    [[nodiscard]] bool is_regular() const {
        return (header.type & protocol::kRegularMess) != 0 && !is_reject();
    }
    [[nodiscard]] bool is_membership() const {
        return (header.type & protocol::kMembershipMess) != 0 && !is_reject();
    }
    [[nodiscard]] bool is_regular_membership() const {
        return is_membership() && (header.type & protocol::kRegMembMess) != 0;
    }
    [[nodiscard]] bool is_transitional() const {
        return is_membership() && (header.type & protocol::kTransitionMess) != 0;
    }
    [[nodiscard]] bool is_self_leave() const {
        return (header.type & protocol::kMembershipMess) == protocol::kCausedByLeave &&
               !is_reject();
    }
    /// Sender of a regular message, group of a membership message. Valid as long as this view.
    [[nodiscard]] std::string_view sender() const { return header.private_group_name.view(); }
    [[nodiscard]] std::size_t group_count() const {
        return groups.size() / protocol::kNameFieldBytes;
    }
    [[nodiscard]] protocol::NameField group(std::size_t index) const {
        return protocol::NameField(
            groups.subspan(index * protocol::kNameFieldBytes).first<protocol::kNameFieldBytes>());
    }
    /// The application's message type, and the byte order of whoever sent it.
    [[nodiscard]] protocol::HintValue hint() const { return protocol::decode_hint(header.hint); }
};

using spread::GroupId;

/// A regular membership or a transitional signal, taken apart (CP 7.2, 7.3).
struct Membership {
    std::string group;
    std::uint32_t cause = 0;  ///< one kCausedBy... bit; 0 for a transitional signal
    GroupId id;
    std::vector<std::string> members;
    std::vector<std::vector<std::string>> vs_sets;
    /// Index into vs_sets of the receiver's own set. For join, leave and disconnect the only set
    /// holds who joined or went.
    std::size_t own_vs_set = 0;

    /// Who joined, left or disconnected; empty for network changes and signals.
    [[nodiscard]] std::string changed_member() const;
};

/// kIllegalMessage unless `message` is a regular membership or a transitional signal whose body
/// keeps to the layout.
[[nodiscard]] Result<Membership> decode_membership(const MessageView& message);

}  // namespace spread::client
