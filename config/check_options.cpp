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

#include "config/options.hpp"
#include "config/text.hpp"

namespace spread::config {

namespace {

constexpr std::uint32_t kDefaultWindow = 160;
constexpr std::uint32_t kDefaultPersonalWindow = 20;
constexpr std::uint32_t kDefaultAcceleratedWindow = 15;
/// A shorter timeout is less than the scheduling jitter of a loaded host.
constexpr std::uint32_t kSensibleTimeoutMs = 10;
/// In the order in which stock registers them and names them to clients (operations 5).
constexpr std::array<std::string_view, 3> kMethods = {"NULL", "IP", "PWORD"};

class OptionChecker {
  public:
    OptionChecker(const std::vector<OptionTerm>& options, Configuration& configuration,
                  Diagnostics& diagnostics)
        : options_(options), result_(configuration), diagnostics_(diagnostics) {}

    void run();

  private:
    void error(Position at, std::string message) { diagnostics_.error(at, std::move(message)); }
    void warning(Position at, std::string message) { diagnostics_.warning(at, std::move(message)); }

    void apply(const OptionTerm& option);
    void read_timeouts();
    void read_time_stamp();
    void read_auth_methods();
    std::vector<std::string> methods_of(OptionId id);
    void check_windows();
    void check_dependent_options();
    void warn_idle(OptionId id, bool is_in_use, std::string_view remedy);
    [[nodiscard]] bool is_method(std::string_view name) const;
    [[nodiscard]] const OptionTerm* last(OptionId id) const;
    [[nodiscard]] Position value_at(OptionId id) const;

    const std::vector<OptionTerm>& options_;
    Configuration& result_;
    Diagnostics& diagnostics_;
};

const OptionTerm* OptionChecker::last(OptionId id) const {
    const auto found =
        std::find_if(options_.rbegin(), options_.rend(),
                     [&](const OptionTerm& option) { return option.spec->id == id; });
    return found == options_.rend() ? nullptr : &*found;
}

Position OptionChecker::value_at(OptionId id) const {
    const OptionTerm* const option = last(id);
    return option == nullptr ? Position{1, 1} : option->value_at;
}

void OptionChecker::run() {
    std::map<OptionId, const OptionTerm*> previous;
    std::map<OptionId, std::pair<const OptionTerm*, const OptionTerm*>> repeated;
    for (const OptionTerm& option : options_) {
        const OptionId id = option.spec->id;
        result_.option_at.insert_or_assign(std::string(option.spec->name), option.at);
        const OptionTerm*& before = previous[id];
        if (before != nullptr && id != OptionId::kRequiredAuthMethods &&
            id != OptionId::kAllowedAuthMethods) {
            repeated[id] = {before, &option};
        }
        before = &option;
        if (option.is_valid) {
            apply(option);
        }
    }
    for (const auto& [id, pair] : repeated) {
        const auto [before, option] = pair;
        if (id == OptionId::kActiveIPVersion && before->is_valid && option->is_valid &&
            before->value != option->value) {
            error(option->at, "ActiveIPVersion contradicts the one at " + to_text(before->at) +
                                  "; keep one of them");
            continue;
        }
        warning(option->at, std::string(option->spec->name) +
                                " is given more than once (before at " + to_text(before->at) +
                                "); the last one counts");
    }
    read_time_stamp();
    read_timeouts();
    read_auth_methods();
    check_windows();
    check_dependent_options();
}

void OptionChecker::apply(const OptionTerm& option) {
    const auto boolean = [&] { return std::get<bool>(option.value); };
    const auto number = [&] { return std::get<std::uint32_t>(option.value); };
    const auto text = [&] { return std::get<std::string>(option.value); };
    switch (option.spec->id) {
        case OptionId::kDebugFlags: result_.debug_flags = number(); break;
        case OptionId::kEventPriority:
            result_.event_priority = std::get<LogPriority>(option.value);
            break;
        case OptionId::kEventLogFile: result_.event_log_file = text(); break;
        case OptionId::kEventTimeStamp: result_.event_time_stamp = text(); break;
        case OptionId::kEventPreciseTimeStamp: result_.event_precise_time_stamp = true; break;
        case OptionId::kDangerousMonitor: result_.dangerous_monitor = boolean(); break;
        case OptionId::kSocketPortReuse:
            result_.socket_port_reuse = std::get<TriState>(option.value);
            break;
        case OptionId::kRuntimeDir: result_.runtime_dir = text(); break;
        case OptionId::kDaemonUser: result_.daemon_user = text(); break;
        case OptionId::kDaemonGroup: result_.daemon_group = text(); break;
        case OptionId::kAccessControlPolicy:
            result_.access_control_policy = text();
            if (text() != "PERMIT" && text() != "RULES") {
                error(option.value_at, "unknown AccessControlPolicy " + in_quotes(text()) +
                                           "; the policies are PERMIT and RULES");
            }
            break;
        case OptionId::kAccessIPFile: result_.access_ip_file = text(); break;
        case OptionId::kAccessPasswordFile: result_.access_password_file = text(); break;
        case OptionId::kAccessRulesFile: result_.access_rules_file = text(); break;
        case OptionId::kMaxSessions: result_.max_sessions = number(); break;
        case OptionId::kMaxSessionMessages: result_.max_session_messages = number(); break;
        case OptionId::kMaxSessionBytes: result_.max_session_bytes = number(); break;
        case OptionId::kMaxSessionGroups: result_.max_session_groups = number(); break;
        case OptionId::kSlowReaderPolicy:
            if (text() != "disconnect" && text() != "block") {
                error(option.value_at, "unknown SlowReaderPolicy " + in_quotes(text()) +
                                           "; the policies are disconnect and block");
            }
            result_.slow_reader_policy =
                text() == "block" ? SlowReaderPolicy::kBlock : SlowReaderPolicy::kDisconnect;
            break;
        case OptionId::kSlowReaderTimeout:
            result_.slow_reader_timeout = std::chrono::milliseconds(number());
            break;
        case OptionId::kOldClientLayout: result_.old_client_layout = boolean(); break;
        case OptionId::kWindow: result_.window = number(); break;
        case OptionId::kPersonalWindow: result_.personal_window = number(); break;
        case OptionId::kAcceleratedRing: result_.accelerated_ring = boolean(); break;
        case OptionId::kAcceleratedWindow: result_.accelerated_window = number(); break;
        case OptionId::kWideAreaNetwork: result_.wide_area_network = boolean(); break;
        case OptionId::kExcludeSegAddrsFromHash:
            result_.exclude_seg_addrs_from_hash = boolean();
            break;
        case OptionId::kIgnoreMulticastJoinErrors:
            result_.ignore_multicast_join_errors = boolean();
            break;
        // Read as a whole, not one by one.
        case OptionId::kRequiredAuthMethods:
        case OptionId::kAllowedAuthMethods:
        case OptionId::kActiveIPVersion:
        case OptionId::kTokenTimeout:
        case OptionId::kHurryTimeout:
        case OptionId::kAliveTimeout:
        case OptionId::kJoinTimeout:
        case OptionId::kRepTimeout:
        case OptionId::kSegTimeout:
        case OptionId::kGatherTimeout:
        case OptionId::kFormTimeout:
        case OptionId::kLookupTimeout: break;
    }
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

void OptionChecker::read_timeouts() {
    struct Field {
        OptionId id;
        std::chrono::milliseconds StockTimeouts::*member;
    };
    static constexpr std::array<Field, 9> kFields = {{
        {OptionId::kTokenTimeout, &StockTimeouts::token},
        {OptionId::kHurryTimeout, &StockTimeouts::hurry},
        {OptionId::kAliveTimeout, &StockTimeouts::alive},
        {OptionId::kJoinTimeout, &StockTimeouts::join},
        {OptionId::kRepTimeout, &StockTimeouts::rep},
        {OptionId::kSegTimeout, &StockTimeouts::seg},
        {OptionId::kGatherTimeout, &StockTimeouts::gather},
        {OptionId::kFormTimeout, &StockTimeouts::form},
        {OptionId::kLookupTimeout, &StockTimeouts::lookup},
    }};
    StockTimeouts timeouts{};
    const OptionTerm* first = nullptr;
    std::string missing;
    for (const Field& field : kFields) {
        const OptionTerm* const option = last(field.id);
        if (option == nullptr) {
            const auto specs = all_options();
            const auto spec = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec& one) {
                return one.id == field.id;
            });
            missing += (missing.empty() ? "" : ", ") + std::string(spec->name);
            continue;
        }
        if (first == nullptr || option->at < first->at) {
            first = option;
        }
        if (option->is_valid) {
            const std::uint32_t value = std::get<std::uint32_t>(option->value);
            timeouts.*field.member = std::chrono::milliseconds(value);
            if (value < kSensibleTimeoutMs) {
                warning(option->value_at, std::string(option->spec->name) + " of " +
                                              std::to_string(value) +
                                              " ms is too short for a stable ring; use at least " +
                                              std::to_string(kSensibleTimeoutMs));
            }
        }
    }
    if (first == nullptr) {
        return;
    }
    if (!missing.empty()) {
        error(first->at,
              "some of the nine membership timeouts are given, then all must be; missing: " +
                  missing);
        return;
    }
    result_.timeouts = timeouts;
}

/// The names in all lists of one option, each once, in the order of kMethods.
std::vector<std::string> OptionChecker::methods_of(OptionId id) {
    std::array<bool, kMethods.size()> is_named{};
    for (const OptionTerm& option : options_) {
        if (option.spec->id != id || !option.is_valid) {
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
            const auto* const known = std::find(kMethods.begin(), kMethods.end(), name);
            if (known == kMethods.end()) {
                error(option.value_at, "unknown authentication method " + in_quotes(name) + " in " +
                                           std::string(option.spec->name) +
                                           "; the methods are NULL, IP and PWORD");
            } else {
                is_named[static_cast<std::size_t>(known - kMethods.begin())] = true;
            }
        }
    }
    std::vector<std::string> methods;
    for (std::size_t i = 0; i < kMethods.size(); ++i) {
        if (is_named[i]) {
            methods.emplace_back(kMethods[i]);
        }
    }
    return methods;
}

void OptionChecker::read_auth_methods() {
    result_.required_auth_methods = methods_of(OptionId::kRequiredAuthMethods);
    const bool is_allowed_given = last(OptionId::kAllowedAuthMethods) != nullptr;
    // As soon as a list names a method, NULL is no longer allowed by default.
    if (!is_allowed_given && result_.required_auth_methods.empty()) {
        return;
    }
    result_.allowed_auth_methods = methods_of(OptionId::kAllowedAuthMethods);
    if (result_.allowed_auth_methods.empty() && diagnostics_.error_count() == 0) {
        warning(value_at(is_allowed_given ? OptionId::kAllowedAuthMethods
                                          : OptionId::kRequiredAuthMethods),
                "no authentication method is allowed, so every client will be refused; set "
                "AllowedAuthMethods = \"NULL\", \"IP\" or \"PWORD\"");
    }
}

void OptionChecker::check_windows() {
    const auto cite = [&](OptionId id, std::uint32_t value) {
        const OptionTerm* const option = last(id);
        return std::to_string(value) +
               (option == nullptr ? " (its default)" : " (at " + to_text(option->value_at) + ")");
    };
    const std::uint32_t window = result_.window.value_or(kDefaultWindow);
    if (!result_.personal_window && window < kDefaultPersonalWindow) {
        result_.personal_window = window;
        warning(value_at(OptionId::kWindow),
                "PersonalWindow is not set; " + std::to_string(window) +
                    " is used instead of its default " + std::to_string(kDefaultPersonalWindow) +
                    ", because it cannot be above Window");
    }
    const std::uint32_t personal = result_.personal_window.value_or(kDefaultPersonalWindow);
    if (personal > window) {
        error(value_at(OptionId::kPersonalWindow),
              "PersonalWindow = " + std::to_string(personal) + " is above Window = " +
                  cite(OptionId::kWindow, window) + "; lower it or raise Window");
    }
    const bool is_accelerated = result_.accelerated_ring.value_or(false);
    if (!result_.accelerated_window) {
        if (is_accelerated && personal < kDefaultAcceleratedWindow) {
            result_.accelerated_window = personal;
            warning(value_at(OptionId::kAcceleratedRing),
                    "AcceleratedWindow is not set; " + std::to_string(personal) +
                        " is used instead of its default " +
                        std::to_string(kDefaultAcceleratedWindow) +
                        ", because it cannot be above PersonalWindow");
        }
        return;
    }
    if (*result_.accelerated_window > personal) {
        const std::string text =
            "AcceleratedWindow = " + std::to_string(*result_.accelerated_window) +
            " is above PersonalWindow = " + cite(OptionId::kPersonalWindow, personal);
        if (is_accelerated) {
            error(value_at(OptionId::kAcceleratedWindow),
                  text + "; lower it or raise PersonalWindow");
        } else {
            warning(value_at(OptionId::kAcceleratedWindow),
                    text + "; this will be an error once AcceleratedRing = yes");
        }
    }
}

bool OptionChecker::is_method(std::string_view name) const {
    const auto names = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), name) != list.end();
    };
    return names(result_.allowed_auth_methods) || names(result_.required_auth_methods);
}

void OptionChecker::warn_idle(OptionId id, bool is_in_use, std::string_view remedy) {
    const OptionTerm* const option = last(id);
    if (option != nullptr && !is_in_use) {
        warning(option->at, std::string(option->spec->name) + " has no effect; " +
                                std::string(remedy) + ", or remove it");
    }
}

/// Options that mean something only beside another one.
void OptionChecker::check_dependent_options() {
    if (diagnostics_.error_count() > 0) {
        return;  // the other option may be the one that is wrong
    }
    warn_idle(OptionId::kSlowReaderTimeout, result_.slow_reader_policy == SlowReaderPolicy::kBlock,
              "set SlowReaderPolicy = block");
    warn_idle(OptionId::kAccessIPFile, is_method("IP"),
              "name IP in AllowedAuthMethods or RequiredAuthMethods");
    warn_idle(OptionId::kAccessPasswordFile, is_method("PWORD"),
              "name PWORD in AllowedAuthMethods or RequiredAuthMethods");
    warn_idle(OptionId::kAccessRulesFile, result_.access_control_policy == "RULES",
              "set AccessControlPolicy = RULES");
    const auto& allowed = result_.allowed_auth_methods;
    const auto& required = result_.required_auth_methods;
    if (!allowed.empty() &&
        std::find(required.begin(), required.end(), "PWORD") != required.end() &&
        std::find(allowed.begin(), allowed.end(), "PWORD") == allowed.end()) {
        warning(value_at(OptionId::kRequiredAuthMethods),
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
