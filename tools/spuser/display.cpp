#include "tools/spuser/display.hpp"

#include <algorithm>

#include <spdlog/fmt/fmt.h>

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::spuser {

namespace {

using protocol::escaped;

constexpr std::string_view kIndent = "    ";

std::string_view service_name(Service service) {
    switch (service) {
        case Service::kUnreliable: return "unreliable";
        case Service::kReliable: return "reliable";
        case Service::kFifo: return "fifo";
        case Service::kCausal: return "causal";
        case Service::kAgreed: return "agreed";
        case Service::kSafe: return "safe";
    }
    return "unknown service";
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

std::string cause_text(const Membership& membership) {
    const std::string who = escaped(membership.changed_member());
    switch (membership.cause) {
        case Cause::kJoin: return who + " joined";
        case Cause::kLeave: return who + " left";
        case Cause::kDisconnect: return who + " disconnected";
        case Cause::kNetwork: break;
    }
    return "the network changed";
}

std::string id_text(const GroupId& id) {
    return fmt::format("{} {} {}", id.proc_id, id.time, id.index);
}

/// One text for each kind of event.
struct Describe {
    std::string_view self;

    std::string operator()(const Message& message) const {
        return fmt::format("[{}] {} -> {}: type {}{}, {}\n{}{}\n", service_name(message.service),
                           escaped(message.sender), joined(message.groups), message.mess_type,
                           message.endian_mismatch ? ", other byte order" : "",
                           counted(message.body.size(), "byte"), kIndent,
                           printable(message.text()));
    }
    std::string operator()(const Membership& membership) const {
        const auto own = std::find(membership.members.begin(), membership.members.end(), self);
        const std::string position =
            own == membership.members.end()
                ? "we are not among them"
                : fmt::format("we are number {}", own - membership.members.begin());
        std::string out =
            fmt::format("[membership] {}: {}; {}, {}; view {}\n", escaped(membership.group),
                        cause_text(membership), counted(membership.members.size(), "member"),
                        position, id_text(membership.id));
        for (const auto& member : membership.members) {
            out += fmt::format("{}{}\n", kIndent, escaped(member));
        }
        if (membership.cause == Cause::kNetwork) {
            for (std::size_t i = 0; i < membership.vs_sets.size(); ++i) {
                out += fmt::format("{}{}: {}\n", kIndent,
                                   i == membership.own_vs_set ? "came with us" : "came together",
                                   joined(membership.vs_sets[i]));
            }
        }
        return out;
    }
    std::string operator()(const Transition& transition) const {
        return fmt::format(
            "[transitional] {}: the view {} is ending; what follows may have been missed by "
            "others\n",
            escaped(transition.group), id_text(transition.id));
    }
    std::string operator()(const SelfLeave& leave) const {
        return fmt::format("[left] {}: we are no longer a member\n", escaped(leave.group));
    }
    std::string operator()(const Rejected& rejected) const {
        return fmt::format("[rejected] the daemon refused our request {:#x} for {}\n",
                           rejected.type & ~protocol::kRejectMess, joined(rejected.groups));
    }
    std::string operator()(const Disconnected& disconnected) const {
        return fmt::format("[disconnected] {}{}\n", disconnected.error.text,
                           disconnected.will_reconnect ? "; looking for a daemon" : "");
    }
    std::string operator()(const Reconnected& reconnected) const {
        return fmt::format("[reconnected] to {} as {}; joining again: {}\n", reconnected.address,
                           escaped(reconnected.private_group), joined(reconnected.rejoining));
    }
};

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

}  // namespace

std::string describe(const Event& event, std::string_view self) {
    return std::visit(Describe{self}, event);
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
