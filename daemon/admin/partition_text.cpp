#include "daemon/admin/partition_text.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "protocol/names.hpp"

namespace spread::admin {

tl::expected<std::vector<std::int16_t>, std::string> parse_partition(
    std::string_view text, const protocol::Roster& roster) {
    std::string spaced;
    for (const char c : text) {
        spaced += c == '/' ? std::string(" / ") : std::string(1, c);
    }
    constexpr std::int16_t kUnnamed = -1;
    std::vector<std::int16_t> components(roster.size(), kUnnamed);
    std::int16_t component = 0;
    std::istringstream words(spaced);
    for (std::string word; words >> word;) {
        if (word == "/") {
            ++component;
            continue;
        }
        protocol::DaemonIndex place = 0;
        while (place < roster.size() && roster.describe(roster.id(place)) != word) {
            ++place;
        }
        if (place == roster.size()) {
            return tl::unexpected(
                fmt::format("no daemon {} is configured", protocol::escaped(word)));
        }
        if (components[place] != kUnnamed) {
            return tl::unexpected(fmt::format("{} is named twice", word));
        }
        components[place] = component;
    }
    std::ranges::replace(components, kUnnamed, static_cast<std::int16_t>(component + 1));
    if (is_whole(components)) {
        return tl::unexpected(std::string(
            "that is no partition; write components as \"n1 n2 / n3\", or heal to end one"));
    }
    return components;
}

std::string describe_partition(const std::vector<std::int16_t>& components,
                               const protocol::Roster& roster) {
    std::map<std::int16_t, std::string> parts;
    for (protocol::DaemonIndex place = 0; place < components.size(); ++place) {
        std::string& part = parts[components[place]];
        part += (part.empty() ? "" : " ") + roster.describe(roster.id(place));
    }
    std::string out;
    for (const auto& [number, names] : parts) {
        out += (out.empty() ? "" : " / ") + names;
    }
    return out;
}

bool is_whole(const std::vector<std::int16_t>& components) {
    return std::ranges::adjacent_find(components, std::not_equal_to<>()) == components.end();
}

}  // namespace spread::admin
