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

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end > 0) {
            out.push_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    std::ranges::sort(out);
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
