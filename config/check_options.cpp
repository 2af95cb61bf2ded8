#include "config/check_options.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "config/listen_address.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config/text.hpp"

namespace spread::config {

namespace {

// What stock takes, and what checks take, where an option is not set.
constexpr std::uint32_t kDefaultWindow = 160;
constexpr std::uint32_t kDefaultPersonalWindow = 20;
constexpr std::uint32_t kDefaultAcceleratedWindow = 15;
/// A shorter timeout is less than the scheduling jitter of a loaded host.
constexpr std::uint32_t kSensibleTimeoutMs = 10;
/// In the order in which stock registers them and names them to clients.
constexpr std::array<std::string_view, 3> kMethodNames = {"NULL", "IP", "PWORD"};

using Timeout = std::optional<std::chrono::milliseconds> StockTimeouts::*;

class OptionChecker {
  public:
    OptionChecker(const std::vector<OptionTerm>& options, Configuration& configuration,
                  Diagnostics& diagnostics)
        : options_(options), result_(configuration), diagnostics_(diagnostics) {}

    void run();

  private:
    void error(Position at, std::string message) { diagnostics_.error(at, std::move(message)); }
    void warning(Position at, std::string message) { diagnostics_.warning(at, std::move(message)); }

    void check_timeouts();
    void read_time_stamp();
    void read_auth_methods();
    std::vector<std::string> methods_of(const OptionTarget& target);
    void check_windows();
    void check_admin();
    void check_dependent_options();
    void check_tls();
    void warn_idle(const OptionTarget& target, bool is_in_use, std::string_view remedy);
    [[nodiscard]] bool is_method(std::string_view name) const;
    [[nodiscard]] const OptionTerm* last(const OptionTarget& target) const;
    [[nodiscard]] Position value_at(const OptionTarget& target) const;

    const std::vector<OptionTerm>& options_;
    Configuration& result_;
    Diagnostics& diagnostics_;
};

const OptionTerm* OptionChecker::last(const OptionTarget& target) const {
    const auto found =
        std::find_if(options_.rbegin(), options_.rend(),
                     [&](const OptionTerm& option) { return option.spec->target == target; });
    return found == options_.rend() ? nullptr : &*found;
}

Position OptionChecker::value_at(const OptionTarget& target) const {
    const OptionTerm* const option = last(target);
    return option == nullptr ? Position{1, 1} : option->value_at;
}

void OptionChecker::run() {
    struct Repeated {
        const OptionTerm* before;
        const OptionTerm* last;
    };
    std::map<const OptionSpec*, const OptionTerm*> previous;
    std::map<const OptionSpec*, Repeated> repeated;
    for (const OptionTerm& option : options_) {
        const OptionTerm*& before = previous[option.spec];
        if (before != nullptr && option.spec->kind != ValueKind::kMethods) {
            repeated[option.spec] = {before, &option};
        }
        before = &option;
        if (option.is_valid) {
            store_value(*option.spec, option.value, result_);
        }
    }
    for (const auto& [spec, option] : previous) {
        result_.given.push_back(GivenOption{spec->name, option->at});
    }
    std::sort(result_.given.begin(), result_.given.end(),
              [](const GivenOption& a, const GivenOption& b) { return a.name < b.name; });
    for (const auto& [spec, pair] : repeated) {
        const auto [before, option] = pair;
        if (spec->kind == ValueKind::kIpVersion && before->is_valid && option->is_valid &&
            before->value != option->value) {
            error(option->at, std::string(spec->name) + " contradicts the one at " +
                                  to_text(before->at) + "; keep one of them");
            continue;
        }
        warning(option->at, std::string(spec->name) + " is given more than once (before at " +
                                to_text(before->at) + "); the last one counts");
    }
    read_time_stamp();
    check_timeouts();
    read_auth_methods();
    check_windows();
    check_admin();
    check_dependent_options();
}

void OptionChecker::read_time_stamp() {
    std::optional<std::string>& format = result_.event_time_stamp;
    if (format && format->empty()) {
        format.reset();
    }
    if (!result_.event_precise_time_stamp) {
        return;
    }
    if (!format) {
        format = kDefaultTimeStamp;
    }
    if (!format->ends_with("%s") && !format->ends_with("%S")) {
        *format += " %s";
    }
}

/// All nine, none, or TokenTimeout alone. `auto` counts as not given.
void OptionChecker::check_timeouts() {
    const OptionTerm* first = nullptr;
    std::size_t given = 0;
    std::string missing;
    for (const OptionSpec& spec : all_options()) {
        if (!std::holds_alternative<Timeout>(spec.target)) {
            continue;
        }
        const OptionTerm* const option = last(spec.target);
        if (option == nullptr || std::holds_alternative<TriState>(option->value)) {
            missing += (missing.empty() ? "" : ", ") + std::string(spec.name);
            continue;
        }
        ++given;
        if (first == nullptr || option->at < first->at) {
            first = option;
        }
        const auto* const value = std::get_if<std::uint32_t>(&option->value);
        if (option->is_valid && value != nullptr && *value < kSensibleTimeoutMs) {
            warning(option->value_at, std::string(spec.name) + " of " + std::to_string(*value) +
                                          " ms is too short for a stable ring; use at least " +
                                          std::to_string(kSensibleTimeoutMs));
        }
    }
    const bool is_token_alone =
        given == 1 && first->spec->target == OptionTarget(&StockTimeouts::token);
    if (given > 0 && !missing.empty() && !is_token_alone) {
        error(first->at,
              "some of the nine membership timeouts are given, then all must be, or TokenTimeout "
              "alone, which scales the others; missing: " +
                  missing);
    }
}

/// The names in all lists of one option, each once, in the order of kMethodNames.
std::vector<std::string> OptionChecker::methods_of(const OptionTarget& target) {
    std::array<bool, kMethodNames.size()> is_named{};
    for (const OptionTerm& option : options_) {
        if (option.spec->target != target || !option.is_valid) {
            continue;
        }
        std::string_view rest = std::get<std::string>(option.value);
        while (true) {
            const std::size_t start = rest.find_first_not_of(" \t");
            if (start == std::string_view::npos) {
                break;
            }
            rest.remove_prefix(start);
            const std::string_view name = rest.substr(0, rest.find_first_of(" \t"));
            rest.remove_prefix(name.size());
            const auto* const known = std::find(kMethodNames.begin(), kMethodNames.end(), name);
            if (known == kMethodNames.end()) {
                error(option.value_at, "unknown authentication method " + in_quotes(name) + " in " +
                                           std::string(option.spec->name) +
                                           "; the methods are NULL, IP and PWORD");
            } else {
                is_named[static_cast<std::size_t>(known - kMethodNames.begin())] = true;
            }
        }
    }
    std::vector<std::string> methods;
    for (std::size_t i = 0; i < kMethodNames.size(); ++i) {
        if (is_named[i]) {
            methods.emplace_back(kMethodNames[i]);
        }
    }
    return methods;
}

void OptionChecker::read_auth_methods() {
    result_.required_auth_methods = methods_of(&Configuration::required_auth_methods);
    const bool is_allowed_given = last(&Configuration::allowed_auth_methods) != nullptr;
    // As soon as a list names a method, NULL is no longer allowed by default.
    if (!is_allowed_given && result_.required_auth_methods.empty()) {
        return;
    }
    result_.allowed_auth_methods = methods_of(&Configuration::allowed_auth_methods);
    if (result_.allowed_auth_methods.empty() && diagnostics_.error_count() == 0) {
        warning(value_at(is_allowed_given ? &Configuration::allowed_auth_methods
                                          : &Configuration::required_auth_methods),
                "no authentication method is allowed, so every client will be refused; set "
                "AllowedAuthMethods = \"NULL\", \"IP\" or \"PWORD\"");
    }
}

void OptionChecker::check_windows() {
    const auto cite = [&](const OptionTarget& target, std::uint32_t value) {
        const OptionTerm* const option = last(target);
        return std::to_string(value) + (option == nullptr
                                            ? " (not set; stock's value counts)"
                                            : " (at " + to_text(option->value_at) + ")");
    };
    const std::uint32_t window = result_.window.value_or(kDefaultWindow);
    if (!result_.personal_window && window < kDefaultPersonalWindow) {
        result_.personal_window = window;
        warning(value_at(&Configuration::window),
                "PersonalWindow is not set; " + std::to_string(window) +
                    " is used instead of stock's " + std::to_string(kDefaultPersonalWindow) +
                    ", because it cannot be above Window");
    }
    const std::uint32_t personal = result_.personal_window.value_or(kDefaultPersonalWindow);
    if (personal > window) {
        error(value_at(&Configuration::personal_window),
              "PersonalWindow = " + std::to_string(personal) + " is above Window = " +
                  cite(&Configuration::window, window) + "; lower it or raise Window");
    }
    const bool is_accelerated = result_.accelerated_ring.value_or(false);
    if (!result_.accelerated_window) {
        if (is_accelerated && personal < kDefaultAcceleratedWindow) {
            result_.accelerated_window = personal;
            warning(value_at(&Configuration::accelerated_ring),
                    "AcceleratedWindow is not set; " + std::to_string(personal) +
                        " is used instead of stock's " + std::to_string(kDefaultAcceleratedWindow) +
                        ", because it cannot be above PersonalWindow");
        }
        return;
    }
    if (*result_.accelerated_window > personal) {
        const std::string text =
            "AcceleratedWindow = " + std::to_string(*result_.accelerated_window) +
            " is above PersonalWindow = " + cite(&Configuration::personal_window, personal);
        if (is_accelerated) {
            error(value_at(&Configuration::accelerated_window),
                  text + "; lower it or raise PersonalWindow");
        } else {
            warning(value_at(&Configuration::accelerated_window),
                    text + "; this will be an error once AcceleratedRing = yes");
        }
    }
}

void OptionChecker::check_admin() {
    if (result_.admin_listen && !parse_listen_address(*result_.admin_listen)) {
        error(value_at(&Configuration::admin_listen),
              "AdminListen must be an address and a port, such as 127.0.0.1:4805 or [::1]:4805, "
              "found " +
                  in_quotes(*result_.admin_listen));
    }
    if (result_.admin_write && (!result_.admin_listen || !result_.admin_token_file)) {
        error(value_at(&Configuration::admin_write),
              std::string("AdminWrite = yes needs ") +
                  (result_.admin_listen ? "AdminTokenFile, the file of a secret to show"
                                        : "AdminListen, where changes would come in"));
    }
    if (const auto& path = result_.control_socket;
        path && *path != "off" && (path->front() != '/' || path->back() == '/')) {
        error(value_at(&Configuration::control_socket),
              "ControlSocket must be off or the full path of a file, such as "
              "/run/spread/4803.ctl, found " +
                  in_quotes(*path));
    }
}

bool OptionChecker::is_method(std::string_view name) const {
    const auto names = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    return names(result_.allowed_auth_methods) || names(result_.required_auth_methods);
}

void OptionChecker::warn_idle(const OptionTarget& target, bool is_in_use, std::string_view remedy) {
    const OptionTerm* const option = last(target);
    if (option != nullptr && !is_in_use) {
        warning(option->at, std::string(option->spec->name) + " has no effect; " +
                                std::string(remedy) + ", or remove it");
    }
}

void OptionChecker::check_tls() {
    if (result_.client_tls != "off" && !(result_.tls_certificate_file && result_.tls_key_file)) {
        error(value_at(&Configuration::client_tls),
              "ClientTLS needs TLSCertificateFile and TLSKeyFile, the daemon's certificate and the "
              "key to it");
    }
    for (const OptionTarget& target : {OptionTarget(&Configuration::tls_certificate_file),
                                       OptionTarget(&Configuration::tls_key_file),
                                       OptionTarget(&Configuration::tls_client_ca_file)}) {
        warn_idle(target, result_.client_tls != "off", "set ClientTLS = allow or require");
    }
}

/// Options that mean something only beside another one.
void OptionChecker::check_dependent_options() {
    if (diagnostics_.error_count() > 0) {
        return;  // the other option may be the one that is wrong
    }
    warn_idle(&Configuration::slow_reader_timeout,
              result_.slow_reader_policy == SlowReaderPolicy::kBlock,
              "set SlowReaderPolicy = block");
    warn_idle(&Configuration::access_ip_file, is_method("IP"),
              "name IP in AllowedAuthMethods or RequiredAuthMethods");
    warn_idle(&Configuration::access_password_file, is_method("PWORD"),
              "name PWORD in AllowedAuthMethods or RequiredAuthMethods");
    warn_idle(&Configuration::access_rules_file, result_.access_control_policy == "RULES",
              "set AccessControlPolicy = RULES");
    if (result_.dangerous_monitor && result_.ring_key_file) {
        warning(
            value_at(&Configuration::dangerous_monitor),
            "DangerousMonitor has no effect on a ring with a RingKeyFile: monitors speak in plain "
            "text");
    }
    if (result_.ring_sealing && !result_.ring_key_file) {
        error(value_at(&Configuration::ring_sealing),
              "RingSealing needs RingKeyFile, the file with the ring's key; `spreadctl key new` "
              "makes one");
    }
    check_tls();
    const auto& allowed = result_.allowed_auth_methods;
    const auto& required = result_.required_auth_methods;
    if (!allowed.empty() &&
        std::find(required.begin(), required.end(), "PWORD") != required.end() &&
        std::find(allowed.begin(), allowed.end(), "PWORD") == allowed.end()) {
        warning(value_at(&Configuration::required_auth_methods),
                "clients are not told of a required method, so none will send a password; name "
                "PWORD in AllowedAuthMethods as well");
    }
}

}  // namespace

void check_options(const std::vector<OptionTerm>& options, Configuration& configuration,
                   Diagnostics& diagnostics) {
    OptionChecker(options, configuration, diagnostics).run();
}

}  // namespace spread::config
