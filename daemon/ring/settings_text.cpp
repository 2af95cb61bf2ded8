#include "daemon/ring/settings_text.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "protocol/names.hpp"

namespace spread::daemon {
namespace {

constexpr std::size_t kNamed = 5;
/// A line of ours is shorter; what comes from outside may be anything.
constexpr std::size_t kLineBytesMax = 100;

double in_milliseconds(protocol::Duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

std::vector<std::string_view> in_order(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end > 0) {
            out.push_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> out = in_order(text);
    std::ranges::sort(out);
    return out;
}

/// What a line is about: a setting, a daemon, or a segment.
std::string_view name_of(std::string_view line) {
    return line.substr(0, line.find(' '));
}

std::string value_of(std::string_view line) {
    const std::size_t name = std::min(name_of(line).size() + 1, line.size());
    return protocol::escaped(line.substr(name, kLineBytesMax));
}

/// In the order of `text`, those of its lines that `others` lack.
std::vector<std::string_view> only_in(std::string_view text,
                                      const std::vector<std::string_view>& others) {
    std::vector<std::string_view> out;
    for (const std::string_view line : in_order(text)) {
        if (!std::ranges::binary_search(others, line)) {
            out.push_back(line);
        }
    }
    return out;
}

/// The first few lines of `some` that `others` lack.
std::string missing_in(const std::vector<std::string_view>& some,
                       const std::vector<std::string_view>& others) {
    std::vector<std::string_view> lines;
    std::ranges::set_difference(some, others, std::back_inserter(lines));
    std::string out;
    for (std::size_t i = 0; i < std::min(lines.size(), kNamed); ++i) {
        out += fmt::format("{}'{}'", i == 0 ? "" : ", ",
                           protocol::escaped(lines[i].substr(0, kLineBytesMax)));
    }
    if (lines.size() > kNamed) {
        out += fmt::format(" and {} more", lines.size() - kNamed);
    }
    return out;
}

}  // namespace

std::string settings_text(const config::Configuration& configuration,
                          const membership::RingConfig& ring) {
    std::string out;
    for (const config::Segment& segment : configuration.segments) {
        std::string addresses;
        for (const config::IpAddress& address : segment.addresses) {
            addresses += (addresses.empty() ? "" : " ") + address.to_string();
        }
        const std::string name = addresses.empty() ? "unicast" : addresses;
        out += fmt::format("Spread_Segment {} port {}\n", name, segment.port);
        for (const std::size_t index : segment.daemons) {
            const config::Daemon& daemon = configuration.daemons[index];
            out += fmt::format("{} {} port {} id {}\n", daemon.name, daemon.place(), segment.port,
                               daemon.id);
        }
    }
    const auto add = [&out](std::string_view name, protocol::Duration time) {
        out += fmt::format("{} {} ms\n", name, in_milliseconds(time));
    };
    add("TokenTimeout", ring.token_loss_timeout);
    add("TokenTimeoutMax", ring.token_loss_timeout_max);
    add("HurryTimeout", ring.token_retransmit_timeout);
    add("JoinTimeout", ring.join_timeout);
    add("GatherTimeout", ring.consensus_timeout);
    add("LookupTimeout", ring.merge_detect_timeout);
    const auto& accelerated = configuration.accelerated_ring;  // unset is a value of its own (hash)
    out += fmt::format("AcceleratedRing {}\nWindow {}\nPersonalWindow {}\n",
                       !accelerated   ? "auto"
                       : *accelerated ? "true"
                                      : "false",
                       ring.window, ring.personal_window);
    return out;
}

std::string summarize_difference(std::string_view ours, std::string_view theirs) {
    const std::vector<std::string_view> here = only_in(ours, lines_of(theirs));
    const std::vector<std::string_view> there = only_in(theirs, lines_of(ours));
    const auto same_name = [](const std::vector<std::string_view>& lines, std::string_view line) {
        return std::ranges::find(lines, name_of(line), name_of);
    };
    std::string out;
    std::vector<std::string> more;
    const auto add = [&](std::string_view line, std::string text) {
        if (out.empty()) {
            out = std::move(text);
        } else {
            more.push_back(protocol::escaped(name_of(line).substr(0, kLineBytesMax)));
        }
    };
    for (const std::string_view line : here) {
        const auto other = same_name(there, line);
        add(line, other == there.end()
                      ? fmt::format("'{}' is only here", protocol::escaped(line))
                      : fmt::format("{} is {} there, {} here", protocol::escaped(name_of(line)),
                                    value_of(*other), value_of(line)));
    }
    for (const std::string_view line : there) {
        if (same_name(here, line) == here.end()) {
            add(line, fmt::format("'{}' is only there",
                                  protocol::escaped(line.substr(0, kLineBytesMax))));
        }
    }
    for (std::size_t i = 0; i < std::min(more.size(), kNamed); ++i) {
        out += fmt::format("{}{}", i == 0 ? "; also " : ", ", more[i]);
    }
    return out + (more.size() > kNamed ? fmt::format(" and {} more", more.size() - kNamed) : "");
}

std::string describe_difference(std::string_view ours, std::string_view theirs) {
    const auto here = lines_of(ours);
    const auto there = lines_of(theirs);
    const std::string only_there = missing_in(there, here);
    const std::string only_here = missing_in(here, there);
    if (only_there.empty() && only_here.empty()) {
        return "";
    }
    return fmt::format("{} there, {} here", only_there.empty() ? "nothing" : only_there,
                       only_here.empty() ? "nothing" : only_here);
}

}  // namespace spread::daemon
