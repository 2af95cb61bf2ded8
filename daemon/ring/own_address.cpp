#include "daemon/ring/own_address.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace spread::daemon {

std::optional<OwnAddress::Change> OwnAddress::look(const std::vector<LocalAddress>& locals) {
    const LocalAddress* found = find_local(locals, at_.address);
    if (found == nullptr) {
        if (!present_) {
            return std::nullopt;
        }
        present_ = false;
        return Change{Event::kLost, text_of_loss(locals)};
    }
    const bool was_present = present_;
    const bool moved = found->interface_index != at_.interface_index;
    const bool relinked = found->link != at_.link;
    if (was_present && !moved && !relinked) {
        return std::nullopt;
    }
    const config::IpAddress address = at_.address;  // find_local() may name another of 127.0.0.0/8
    at_ = *found;
    at_.address = address;
    present_ = true;
    if (was_present && !moved) {
        return Change{at_.link ? Event::kLinkBack : Event::kLinkLost,
                      at_.link
                          ? fmt::format("interface {} has a link again", at_.interface)
                          : fmt::format("interface {} of own address {} has no link; daemons of "
                                        "other hosts are out of reach until it has one",
                                        at_.interface, at_.address.to_string())};
    }
    return Change{
        was_present ? Event::kMoved : Event::kReturned,
        fmt::format("own address {} is {} {}", at_.address.to_string(),
                    was_present ? "now on another interface," : "back on", at_.interface)};
}

std::string OwnAddress::text_of_loss(const std::vector<LocalAddress>& locals) const {
    std::string others;
    for (const LocalAddress& local : locals) {
        if (local.interface == at_.interface && local.address.family == at_.address.family) {
            others += (others.empty() ? "" : ", ") + local.address.to_string();
        }
    }
    const bool interface_is_there =
        std::any_of(locals.begin(), locals.end(),
                    [this](const LocalAddress& local) { return local.interface == at_.interface; });
    const std::string has = !others.empty() ? fmt::format("it has {} on {}", others, at_.interface)
                            : interface_is_there
                                ? fmt::format("{} has no such address", at_.interface)
                                : fmt::format("{} is gone or down", at_.interface);
    return fmt::format(
        "own address {} is gone from this host ({}); other daemons do not reach this one until it "
        "is back",
        at_.address.to_string(), has);
}

}  // namespace spread::daemon
