#include "daemon/config_json.hpp"

#include <optional>
#include <string>

#include "config/option_value.hpp"
#include "config/options.hpp"

namespace spread::daemon {

using nlohmann::ordered_json;

namespace {

ordered_json text_or_null(const std::optional<std::string>& text) {
    return text ? ordered_json(*text) : ordered_json();
}

}  // namespace

ordered_json daemons_json(const config::Configuration& configuration) {
    ordered_json out = ordered_json::array();
    for (const config::Daemon& daemon : configuration.daemons) {
        out.push_back({{"name", daemon.name},
                       {"id", daemon.id},
                       {"address", daemon.place()},
                       {"port", configuration.segments[daemon.segment].port},
                       {"segment", daemon.segment}});
    }
    return out;
}

ordered_json options_json(const config::Configuration& configuration) {
    ordered_json out = ordered_json::array();
    for (const config::OptionSpec& spec : config::all_options()) {
        const auto at = configuration.position_of(spec.name);
        out.push_back({{"name", spec.name},
                       {"value", text_or_null(value_text(spec, configuration))},
                       {"default", text_or_null(value_text(spec, config::Configuration{}))},
                       {"origin", at ? "file" : "default"},
                       {"line", at ? ordered_json(at->line) : ordered_json()},
                       {"same_on_all_daemons", spec.scope == config::Scope::kRing},
                       {"change", spec.change == config::Change::kReload ? "reload" : "restart"}});
    }
    return out;
}

}  // namespace spread::daemon
