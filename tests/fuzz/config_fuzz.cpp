// Any bytes as a configuration file: parsing ends, stays within its bounds, gives the same answer
// twice, and what it accepts keeps the limits the rest of the daemon relies on.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.hpp"
#include "config/host.hpp"
#include "config/identity.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config/parse.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using spread::config::Configuration;
using spread::config::IpAddress;
using spread::config::Severity;
using spread::fuzz::require;

/// Knows names that start with a lower-case letter.
class LetterResolver final : public spread::config::Resolver {
  public:
    std::optional<IpAddress> resolve(std::string_view name, std::optional<IpAddress::Family> family,
                                     std::string& error) override {
        require(!name.empty() && name.size() <= 19);
        if (name.front() < 'a' || name.front() > 'z') {
            error = "unknown";
            return std::nullopt;
        }
        IpAddress address;
        address.family = family.value_or(IpAddress::Family::kV4);
        address.bytes = {10, static_cast<std::uint8_t>(name.front()),
                         static_cast<std::uint8_t>(name.back()),
                         static_cast<std::uint8_t>(name.size())};
        return address;
    }
};

/// Some of the known methods, each once, in the order in which clients are told of them.
void check_methods(const std::vector<std::string>& methods) {
    constexpr std::array<std::string_view, 3> kKnown = {"NULL", "IP", "PWORD"};
    const auto* next = kKnown.begin();
    for (const std::string& method : methods) {
        next = std::find(next, kKnown.end(), method);
        require(next != kKnown.end());
        ++next;
    }
}

void check(const Configuration& configuration) {
    require(!configuration.segments.empty() && configuration.segments.size() <= 20);
    require(!configuration.daemons.empty() && configuration.daemons.size() <= 128);
    std::set<std::string> names;
    std::set<std::uint32_t> ids;
    std::size_t listed = 0;
    for (const auto& segment : configuration.segments) {
        require(segment.addresses.size() <= 5);
        require(segment.addresses_at.size() == segment.addresses.size());
        require(segment.port >= 1 && segment.port <= 65534 && !segment.daemons.empty());
        listed += segment.daemons.size();
    }
    require(listed == configuration.daemons.size());
    const auto family = configuration.daemons.front().address.family;
    for (const auto& daemon : configuration.daemons) {
        require(!daemon.name.empty() && daemon.name.size() <= 19 && daemon.id != 0);
        require(daemon.name.find_first_of(std::string_view("# \t\n\0", 5)) == std::string::npos);
        require(names.insert(daemon.name).second && ids.insert(daemon.id).second);
        require(daemon.address.family == family && !daemon.address.is_multicast());
        require(daemon.interfaces.size() <= 10);
        const auto text = daemon.address.to_string();
        require(spread::config::parse_ip(text) == daemon.address);
    }
    require(configuration.window.value_or(160) >= configuration.personal_window.value_or(20));
    require(spread::config::hash_text(configuration).size() <= 100000);
    require(configuration.max_sessions >= 1 && configuration.max_sessions <= 1000000);
    require(configuration.max_session_groups >= 1 && configuration.max_session_groups <= 1000000);
    require(configuration.max_session_bytes >= 262144);
    require(configuration.slow_reader_timeout >= std::chrono::milliseconds(1));
    require(configuration.access_control_policy == "PERMIT" ||
            configuration.access_control_policy == "RULES");
    check_methods(configuration.allowed_auth_methods);
    check_methods(configuration.required_auth_methods);

    for (const auto& spec : spread::config::all_options()) {
        // What is set can be written down, and what is written down has a place.
        const auto text = value_text(spec, configuration);
        require(!configuration.position_of(spec.name) || text || !spec.takes_auto());
    }

    const auto self = find_self(configuration, configuration.daemons.back().name, "host",
                                {configuration.daemons.back().address});
    require(self.daemon == configuration.daemons.size() - 1);
    (void)check_host(configuration, *self.daemon, {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    LetterResolver resolver;
    const auto result = spread::config::parse(text, "fuzz", resolver);
    const auto errors =
        std::count_if(result.diagnostics.begin(), result.diagnostics.end(),
                      [](const auto& one) { return one.severity == Severity::kError; });
    require(result.configuration.has_value() == (errors == 0));
    require(result.diagnostics.size() <=
            spread::config::kMaxErrors + spread::config::kMaxWarnings + 2);
    for (const auto& diagnostic : result.diagnostics) {
        require(diagnostic.at.line >= 1 && diagnostic.at.column >= 1);
        require(diagnostic.at.line <= size + 1 && diagnostic.at.column <= size + 1);
        const auto line = format(diagnostic, "fuzz");
        require(line.size() < 600 && line.find_first_of("\r\n\x1b") == std::string::npos);
    }
    if (result.configuration) {
        check(*result.configuration);
        const auto again = spread::config::parse(text, "fuzz", resolver);
        require(again.configuration && spread::config::hash_text(*again.configuration) ==
                                           spread::config::hash_text(*result.configuration));
    }
    return 0;
}
