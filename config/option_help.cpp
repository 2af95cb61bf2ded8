#include "config/option_help.hpp"

namespace spread::config {

std::string_view title_of(Section section) {
    switch (section) {
        case Section::kLog: return "Log";
        case Section::kClients: return "Clients";
        case Section::kOperation: return "Operation";
        case Section::kNetwork: return "Network";
        case Section::kRing: return "Ring";
    }
    return {};
}

std::string help_of(const OptionSpec& spec) {
    std::string help(spec.help);
    if (spec.scope == Scope::kRing) {
        help += " The same on all daemons.";
    }
    if (spec.change == Change::kReload) {
        help += " SIGHUP makes the daemon read it again.";
    }
    if (!spec.is_stock) {
        help += " Not in Spread 5.";
    }
    return help;
}

}  // namespace spread::config
