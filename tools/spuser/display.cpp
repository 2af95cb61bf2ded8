#include "tools/spuser/display.hpp"

#include <algorithm>

#include <spdlog/fmt/fmt.h>

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::spuser {

namespace {

using client::Message;
using protocol::escaped;

constexpr std::string_view kIndent = "    ";

std::string_view service_name(std::uint32_t type) {
    switch (type & protocol::kRegularMess) {
        case protocol::kUnreliableMess: return "unreliable";
        case protocol::kReliableMess: return "reliable";
        case protocol::kFifoMess: return "fifo";
        case protocol::kCausalMess: return "causal";
        case protocol::kAgreedMess: return "agreed";
        case protocol::kSafeMess: return "safe";
        default: return "unknown service";
    }
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) {
        out += (out.empty() ? "" : " ") + escaped(name);
    }
    return out;
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string describe_regular(const Message& message) {
    return fmt::format("[{}] {} -> {}: type {}{}, {}\n{}{}\n", service_name(message.type),
                       escaped(message.sender), joined(message.groups), message.mess_type,
                       message.endian_mismatch ? ", other byte order" : "",
                       counted(message.body.size(), "byte"), kIndent, printable(message.text()));
}

std::string cause_text(const client::Membership& membership) {
    switch (membership.cause) {
        case protocol::kCausedByJoin: return escaped(membership.changed_member()) + " joined";
        case protocol::kCausedByLeave: return escaped(membership.changed_member()) + " left";
        case protocol::kCausedByDisconnect:
            return escaped(membership.changed_member()) + " disconnected";
        case protocol::kCausedByNetwork: return "the network changed";
        default: return fmt::format("unknown cause {:#x}", membership.cause);
    }
}

std::string id_text(const client::GroupId& id) {
    return fmt::format("{} {} {}", id.proc_id, id.time, id.index);
}

std::string describe_membership(const Message& message, std::string_view self) {
    const client::Membership& membership = *message.membership;
    const auto own = std::find(membership.members.begin(), membership.members.end(), self);
    const std::string position =
        own == membership.members.end()
            ? "we are not among them"
            : fmt::format("we are number {}", own - membership.members.begin());
    std::string out = fmt::format(
        "[membership] {}: {}; {}, {}; view {}\n", escaped(membership.group), cause_text(membership),
        counted(membership.members.size(), "member"), position, id_text(membership.id));
    for (const auto& member : membership.members) {
        out += fmt::format("{}{}\n", kIndent, escaped(member));
    }
    if (membership.cause == protocol::kCausedByNetwork) {
        for (std::size_t i = 0; i < membership.vs_sets.size(); ++i) {
            out += fmt::format("{}{}: {}\n", kIndent,
                               i == membership.own_vs_set ? "came with us" : "came together",
                               joined(membership.vs_sets[i]));
        }
    }
    return out;
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

}  // namespace

std::string describe(const Message& message, std::string_view self) {
    if (message.is_reject()) {
        return fmt::format("[rejected] the daemon refused our request {:#x} for {}\n",
                           message.type & ~protocol::kRejectMess, joined(message.groups));
    }
    if (message.is_regular()) {
        return describe_regular(message);
    }
    if (message.is_regular_membership() && message.membership) {
        return describe_membership(message, self);
    }
    if (message.is_transitional() && message.membership) {
        return fmt::format(
            "[transitional] {}: the view {} is ending; what follows may have been missed by "
            "others\n",
            escaped(message.sender), id_text(message.membership->id));
    }
    if (message.is_self_leave()) {
        return fmt::format("[left] {}: we are no longer a member\n", escaped(message.sender));
    }
    return fmt::format("[unknown] a message of type {:#x} from \"{}\", {} bytes\n", message.type,
                       escaped(message.sender), message.body.size());
}

std::string printable(std::string_view text) {
    std::string out;
    const std::size_t shown = std::min(text.size(), kShownBytesMax);
    // A line end at the very end would only add an empty line.
    const std::size_t end =
        shown == text.size() && shown > 0 && text.back() == '\n' ? shown - 1 : shown;
    for (std::size_t i = 0; i < end; ++i) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);
        // The control characters U+0080 to U+009F hide behind 0xc2 in UTF-8.
        const bool is_wide_control = byte == 0xc2 && i + 1 < end &&
                                     static_cast<unsigned char>(text[i + 1]) < 0xa0 &&
                                     is_continuation(text[i + 1]);
        if (c == '\n') {
            out += '\n';
            out += kIndent;
        } else if ((byte < 0x20 && c != '\t') || byte == 0x7f || is_wide_control) {
            out += fmt::format("\\x{:02x}", byte);
            if (is_wide_control) {
                ++i;
                out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
            }
        } else {
            out += c;
        }
    }
    if (shown < text.size()) {
        out += fmt::format("... and {} bytes more", text.size() - shown);
    }
    return out;
}

}  // namespace spread::spuser
