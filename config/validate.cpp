#include "config/validate.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/check_options.hpp"
#include "config/identity.hpp"
#include "config/options.hpp"
#include "config/text.hpp"

namespace spread::config {

namespace {

constexpr std::uint16_t kDefaultPort = 4803;
constexpr std::uint32_t kLastPort = 65534;
constexpr std::size_t kNameBytesMax = 19;
constexpr std::size_t kPortTextBytes = 4;
constexpr std::size_t kHostBytesMax = 253;

std::string_view family_name(IpAddress::Family family) {
    return family == IpAddress::Family::kV4 ? "IPv4" : "IPv6";
}

bool is_limited_broadcast(const IpAddress& address) {
    return address.family == IpAddress::Family::kV4 &&
           std::all_of(address.bytes.begin(), address.bytes.begin() + 4,
                       [](std::uint8_t byte) { return byte == 0xFF; });
}

/// Text of an address without its scope: equal exactly for equal addresses.
std::string key_of(IpAddress address) {
    address.scope.clear();
    return address.to_string();
}

class Builder {
  public:
    Builder(const SyntaxTree& tree, Resolver& resolver, Diagnostics& diagnostics)
        : tree_(tree), resolver_(resolver), diagnostics_(diagnostics) {}

    Configuration build(std::string_view file_name);

  private:
    void error(Position at, std::string message) { diagnostics_.error(at, std::move(message)); }
    void warning(Position at, std::string message) { diagnostics_.warning(at, std::move(message)); }

    void settle_family();
    [[nodiscard]] std::string family_reason() const;
    void check_family(const AddressTerm& address, std::string_view whose);
    void add_segment(const SegmentTerm& term);
    std::uint16_t port_of(const SegmentTerm& term);
    void check_segment_address(const SegmentTerm& term, std::size_t index);
    void add_daemons(const DaemonTerm& term, const SegmentTerm& segment_term);
    void add_daemon(const DaemonTerm& term, const SegmentTerm& segment_term);
    [[nodiscard]] bool check_count(const DaemonTerm& term);
    void check_host(const DaemonTerm& term, const SegmentTerm& segment_term);
    void check_name(const DaemonTerm& term);
    void check_daemon_port(const DaemonTerm& term, const SegmentTerm& segment_term);
    bool resolve(const DaemonTerm& term, Daemon& daemon);
    void check_daemon_address(const Daemon& daemon);
    void add_interfaces(const DaemonTerm& term, Daemon& daemon, bool has_address);
    void check_unique(const Daemon& daemon, const DaemonTerm& term, bool has_address);
    void check_unicast_segments();
    void check_loopback_segments();
    void check_loopback_daemons();

    const SyntaxTree& tree_;
    Resolver& resolver_;
    Diagnostics& diagnostics_;
    Configuration result_;
    std::optional<IpAddress::Family> family_;
    std::string family_origin_;
    bool may_resolve_ = false;
    std::deque<std::string> numbered_;  ///< names with their number in place of '*'
    std::map<std::string, Position, std::less<>> names_;
    std::map<std::string, std::size_t, std::less<>> endpoints_;  ///< "address port" to daemon
    std::map<std::uint32_t, std::size_t> ids_;
};

Configuration Builder::build(std::string_view file_name) {
    may_resolve_ = diagnostics_.error_count() == 0;
    result_.file_name = file_name;
    check_options(tree_.options, result_, diagnostics_);
    settle_family();
    for (const SegmentTerm& segment : tree_.segments) {
        add_segment(segment);
    }
    check_unicast_segments();
    check_loopback_segments();
    check_loopback_daemons();
    if (tree_.segments.empty() && diagnostics_.error_count() == 0) {
        error(Position{1, 1},
              "the file has no segment; add one: Spread_Segment address:port { name address }");
    }
    return std::move(result_);
}

/// All addresses are of one family: that of ActiveIPVersion when it stands before the daemons, else
/// that of the first daemon.
void Builder::settle_family() {
    const OptionTerm* option = nullptr;
    for (const OptionTerm& candidate : tree_.options) {
        if (candidate.spec->kind == ValueKind::kIpVersion && candidate.is_valid &&
            std::holds_alternative<IpAddress::Family>(candidate.value)) {
            option = &candidate;
            break;
        }
    }
    const AddressTerm* first = nullptr;
    for (const SegmentTerm& segment : tree_.segments) {
        for (const DaemonTerm& daemon : segment.daemons) {
            if (first == nullptr && daemon.address) {
                first = &*daemon.address;
            }
        }
    }
    if (first == nullptr) {
        for (const SegmentTerm& segment : tree_.segments) {
            if (first == nullptr && !segment.addresses.empty()) {
                first = &segment.addresses.front();
            }
        }
    }
    if (option != nullptr && (first == nullptr || option->at < first->at)) {
        family_ = std::get<IpAddress::Family>(option->value);
        family_origin_ = "ActiveIPVersion at " + to_text(option->at);
        return;
    }
    if (first == nullptr) {
        // What names stand for must not decide: the hosts have to agree.
        for (const SegmentTerm& segment : tree_.segments) {
            for (const DaemonTerm& daemon : segment.daemons) {
                if (daemon.host && !family_) {
                    family_ = IpAddress::Family::kV4;
                    family_origin_ = "the Host at " + to_text(daemon.host_at) +
                                     " without ActiveIPVersion = IPv6";
                }
            }
        }
        return;
    }
    family_ = first->address.family;
    family_origin_ = in_quotes(first->text) + " at " + to_text(first->at);
    if (option != nullptr && std::get<IpAddress::Family>(option->value) != *family_) {
        error(option->at, "ActiveIPVersion contradicts the address " + family_origin_ +
                              "; correct it or the addresses");
    }
}

std::string Builder::family_reason() const {
    return ", but the file is " + std::string(family_name(*family_)) + " because of " +
           family_origin_ + "; all addresses must be of one family";
}

void Builder::check_family(const AddressTerm& address, std::string_view whose) {
    if (family_ && address.address.family != *family_) {
        error(address.at, std::string(whose) + " is " +
                              std::string(family_name(address.address.family)) + family_reason());
    }
}

void Builder::add_segment(const SegmentTerm& term) {
    Segment segment;
    segment.at = term.at;
    segment.port = port_of(term);
    for (std::size_t i = 0; i < term.addresses.size(); ++i) {
        check_segment_address(term, i);
        segment.addresses.push_back(term.addresses[i].address);
        segment.addresses_at.push_back(term.addresses[i].at);
    }
    if (term.daemons.empty() && !term.is_broken) {
        error(term.at, "this segment has no daemons; list them in the braces as name address");
    }
    result_.segments.push_back(std::move(segment));
    for (const DaemonTerm& daemon : term.daemons) {
        add_daemons(daemon, term);
    }
}

std::uint16_t Builder::port_of(const SegmentTerm& term) {
    std::optional<std::uint32_t> port = term.unicast_port;
    Position at = term.unicast_at;
    if (!term.addresses.empty()) {
        port = term.addresses.front().port;
        at = term.addresses.front().at;
    }
    if (!port) {
        return kDefaultPort;
    }
    if (*port == 0) {
        warning(at, "port 0 stands for the default port; write " + std::to_string(kDefaultPort) +
                        " to say what you mean");
        return kDefaultPort;
    }
    if (*port > kLastPort) {
        error(at, "port " + std::to_string(*port) +
                      " leaves no room for the token port, which is one higher; write 1 "
                      "to " +
                      std::to_string(kLastPort));
        return kDefaultPort;
    }
    return static_cast<std::uint16_t>(*port);
}

void Builder::check_segment_address(const SegmentTerm& term, std::size_t index) {
    const AddressTerm& address = term.addresses[index];
    const IpAddress& ip = address.address;
    check_family(address, "segment address " + in_quotes(address.text));
    if (ip.is_unspecified()) {
        error(address.at, "a segment needs a multicast or broadcast address; " +
                              in_quotes(address.text) + " is the unspecified one");
    } else if (ip.family == IpAddress::Family::kV6 && !ip.is_multicast()) {
        warning(address.at, "the IPv6 segment address " + in_quotes(address.text) +
                                " is not multicast (ff00::/8); messages are sent to each daemon of "
                                "the segment one by one, which unicast:PORT in its place says "
                                "without this warning");
    }
    const std::size_t last_colon = address.text.rfind(':');
    if (ip.family == IpAddress::Family::kV6 && !address.is_bracketed &&
        last_colon != std::string_view::npos) {
        const std::string_view head = address.text.substr(0, last_colon);
        const std::string_view tail = address.text.substr(last_colon + 1);
        if (parse_ip(head) && tail.size() == kPortTextBytes &&
            std::all_of(tail.begin(), tail.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            warning(address.at, in_quotes(tail) +
                                    " is taken as part of the address; if it is the port, "
                                    "write [" +
                                    std::string(head) + "]:" + std::string(tail));
        }
    }
    for (std::size_t i = 0; i < index; ++i) {
        if (term.addresses[i].address == ip) {
            warning(address.at, "segment address " + in_quotes(address.text) +
                                    " is listed twice (first at " + to_text(term.addresses[i].at) +
                                    "); remove one");
            break;
        }
    }
}

/// One daemon, or those that Count makes of one term.
void Builder::add_daemons(const DaemonTerm& term, const SegmentTerm& segment_term) {
    if (!term.count) {
        add_daemon(term, segment_term);
        return;
    }
    if (!check_count(term)) {
        return;
    }
    const auto numbered = [this](std::string_view pattern, std::uint32_t number) {
        std::string& text = numbered_.emplace_back();
        for (const char c : pattern) {
            text += c == '*' ? std::to_string(number) : std::string(1, c);
        }
        return std::string_view(text);
    };
    const std::size_t errors_before = diagnostics_.error_count();
    for (std::uint32_t i = 0; i < *term.count; ++i) {
        DaemonTerm one = term;
        one.name = numbered(term.name, i);
        one.host = numbered(*term.host, i);
        add_daemon(one, segment_term);
        if (diagnostics_.error_count() != errors_before) {
            return;  // the others would say the same
        }
    }
}

bool Builder::check_count(const DaemonTerm& term) {
    const auto has_place = [](std::string_view text) {
        return text.find('*') != std::string_view::npos;
    };
    std::string fault;
    if (!term.host) {
        fault = "Count needs Host = \"name\" with a '*' for the number of the daemon";
    } else if (term.virtual_id) {
        fault = "Count makes several daemons, which cannot all have this VirtualID; remove it";
    } else if (!has_place(term.name)) {
        fault = "Count needs a '*' in the name " + in_quotes(term.name) +
                " for the number of the daemon";
    } else if (!has_place(*term.host)) {
        fault = "Count needs a '*' in the Host " + in_quotes(*term.host) +
                " for the number of the daemon";
    }
    if (!fault.empty() && !term.is_broken) {
        error(term.count_at, fault);
    }
    return fault.empty();
}

/// `term` has a Host.
void Builder::check_host(const DaemonTerm& term, const SegmentTerm& segment_term) {
    const std::string_view host = *term.host;
    const auto bad = std::find_if(host.begin(), host.end(), [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.' || c == '_');
    });
    if (host.empty() || host.size() > kHostBytesMax) {
        error(term.host_at, "the name of a host has 1 to " + std::to_string(kHostBytesMax) +
                                " bytes, this one has " + std::to_string(host.size()));
    } else if (bad != host.end()) {
        const auto index = static_cast<std::size_t>(bad - host.begin());
        error(term.host_at, "host name " + in_quotes(host) + " contains " +
                                in_quotes(host.substr(index, 1)) +
                                "; it has letters, digits, '-', '_' and '.'" +
                                (*bad == '*' ? ", and '*' only with Count = number" : ""));
    } else if (!segment_term.is_unicast && !segment_term.is_broken) {
        error(term.host_at,
              "a daemon with Host needs a segment that is sent to daemon by daemon; "
              "write unicast:PORT in place of the address at " +
                  to_text(segment_term.addresses.empty() ? segment_term.at
                                                         : segment_term.addresses.front().at));
    }
}

void Builder::add_daemon(const DaemonTerm& term, const SegmentTerm& segment_term) {
    Daemon daemon;
    daemon.name = term.name;
    daemon.at = term.at;
    daemon.address_at = term.address ? term.address->at : term.at;
    daemon.segment = result_.segments.size() - 1;
    daemon.id_explicit = term.virtual_id.has_value();
    daemon.id = term.virtual_id.value_or(daemon_id_of_name(term.name));

    check_name(term);
    bool has_address = false;
    if (term.address) {
        daemon.address = term.address->address;
        has_address = true;
        check_family(*term.address, "address " + in_quotes(term.address->text) + " of daemon " +
                                        in_quotes(term.name));
        check_daemon_port(term, segment_term);
    } else if (term.host) {
        if (!term.is_broken) {
            check_host(term, segment_term);
        }
        daemon.host = *term.host;
        daemon.address.family = family_.value_or(IpAddress::Family::kV4);
        daemon.address_at = term.host_at;
    } else if (!term.is_broken && may_resolve_ && term.name.size() <= kNameBytesMax &&
               !term.name.empty()) {
        has_address = resolve(term, daemon);
    }
    if (has_address) {
        check_daemon_address(daemon);
    }
    add_interfaces(term, daemon, has_address);
    check_unique(daemon, term, has_address);

    result_.segments.back().daemons.push_back(result_.daemons.size());
    result_.daemons.push_back(std::move(daemon));
}

void Builder::check_name(const DaemonTerm& term) {
    const std::string_view name = term.name;
    if (term.is_broken && !term.is_name_quoted) {
        return;
    }
    if (name.empty()) {
        error(term.at, "a daemon's name must not be empty");
        return;
    }
    if (name.size() > kNameBytesMax) {
        std::string advice;
        if (term.is_name_an_address) {
            advice = "; an address alone is also the name, so put a shorter name before it";
        } else if (!term.address) {
            advice = "; write a shorter name and the address after it";
        }
        error(term.at, "daemon name " + in_quotes(name) +
                           " is too long: " + std::to_string(name.size()) + " bytes, at most " +
                           std::to_string(kNameBytesMax) + " are allowed" + advice);
        return;
    }
    const auto bad = std::find_if(name.begin(), name.end(), [](char c) {
        return c == '#' || (c >= 0 && c <= ' ') || c == '\x7F';
    });
    if (bad != name.end()) {
        const auto index = static_cast<std::size_t>(bad - name.begin());
        error(term.at, "daemon name " + in_quotes(name) + " contains " +
                           in_quotes(name.substr(index, 1)) +
                           "; blanks, '#' and control characters are not allowed in names");
        return;
    }
    if (!term.is_name_quoted && name.ends_with(';')) {
        warning(term.at, "the ';' belongs to the daemon name " + in_quotes(name) +
                             "; put a blank before it if it is to separate daemons");
    }
}

void Builder::check_daemon_port(const DaemonTerm& term, const SegmentTerm& segment_term) {
    const AddressTerm& address = *term.address;
    if (!address.port) {
        return;
    }
    const std::uint16_t port = result_.segments.back().port;
    const std::string advice = "; write it without ':" + std::to_string(*address.port) + "'";
    if (*address.port == port || *address.port == 0) {
        warning(address.at, "a daemon has no port of its own, the segment's is used" + advice);
    } else {
        error(address.at, "a daemon has no port of its own and the segment at " +
                              to_text(segment_term.at) + " uses " + std::to_string(port) + advice);
    }
}

bool Builder::resolve(const DaemonTerm& term, Daemon& daemon) {
    std::string reason;
    const auto address = resolver_.resolve(term.name, family_, reason);
    if (!address) {
        error(term.at, "cannot find the address of host " + in_quotes(term.name) +
                           (reason.empty() ? "" : ": " + reason) +
                           "; write the address after the name");
        return false;
    }
    daemon.address = *address;
    if (family_ && address->family != *family_) {
        error(term.at, "host " + in_quotes(term.name) + " has the " +
                           std::string(family_name(address->family)) + " address " +
                           address->to_string() + family_reason());
        return false;
    }
    return true;
}

void Builder::check_daemon_address(const Daemon& daemon) {
    const std::string text = in_quotes(daemon.address.to_string());
    std::string_view fault;
    if (daemon.address.is_unspecified()) {
        fault = "the unspecified address";
    } else if (daemon.address.is_multicast()) {
        fault = "a multicast address";
    } else if (is_limited_broadcast(daemon.address)) {
        fault = "the broadcast address";
    }
    if (!fault.empty()) {
        error(daemon.address_at, "the address of daemon " + in_quotes(daemon.name) + ", " + text +
                                     ", is " + std::string(fault) +
                                     "; it must be one address of its host");
    }
}

void Builder::add_interfaces(const DaemonTerm& term, Daemon& daemon, bool has_address) {
    bool has_daemon_entry = false;
    for (const InterfaceTerm& entry : term.interfaces) {
        const bool any_letter = entry.daemon || entry.client || entry.monitor;
        Interface interface;
        interface.address = entry.address.address;
        interface.at = entry.address.at;
        interface.daemon = entry.daemon || !any_letter;
        interface.client = entry.client || !any_letter;
        interface.monitor = entry.monitor || !any_letter;
        check_family(entry.address, "interface " + in_quotes(entry.address.text));
        if (interface.address.is_multicast() || is_limited_broadcast(interface.address)) {
            error(interface.at, "interface " + in_quotes(entry.address.text) +
                                    " is no address of a host; it is multicast or broadcast");
        }
        has_daemon_entry =
            has_daemon_entry ||
            (interface.daemon && (!daemon.host.empty() || interface.address == daemon.address ||
                                  interface.address.is_unspecified()));
        daemon.interfaces.push_back(std::move(interface));
    }
    if (term.stanza_at && (has_address || term.host) && !has_daemon_entry && !term.is_broken) {
        error(*term.stanza_at,
              "none of these interfaces carries the daemon's traffic: one must be "
              "for daemons (D or no letter)" +
                  (term.host ? "" : " and equal its address " + daemon.address.to_string()));
    }
}

void Builder::check_unique(const Daemon& daemon, const DaemonTerm& term, bool has_address) {
    const auto cite = [&](std::size_t index) {
        const Daemon& other = result_.daemons[index];
        return "daemon " + in_quotes(other.name) + " at " + to_text(other.at);
    };
    const auto [name, is_name_new] = names_.emplace(daemon.name, daemon.at);
    if (!is_name_new) {
        error(daemon.at, "daemon name " + in_quotes(daemon.name) + " is already used at " +
                             to_text(name->second) + "; names must be unique");
    }
    if (has_address) {
        const std::uint16_t port = result_.segments.back().port;
        const auto [endpoint, is_new] = endpoints_.emplace(
            key_of(daemon.address) + " " + std::to_string(port), result_.daemons.size());
        if (!is_new) {
            error(daemon.address_at, "address " + in_quotes(daemon.address.to_string()) +
                                         " with port " + std::to_string(port) +
                                         " is already used by " + cite(endpoint->second));
        }
    }
    const auto [id, is_id_new] = ids_.emplace(daemon.id, result_.daemons.size());
    if (!is_id_new && is_name_new) {
        error(daemon.id_explicit ? term.virtual_id_at : daemon.at,
              std::string(daemon.id_explicit ? "VirtualID " : "the generated VirtualID ") +
                  std::to_string(daemon.id) + " of daemon " + in_quotes(daemon.name) +
                  " is already used by " + cite(id->second) +
                  "; give one of them another VirtualID");
    }
}

/// A segment address is where packets for several daemons are sent once; the address of a single
/// host cannot do that.
void Builder::check_unicast_segments() {
    for (const Segment& segment : result_.segments) {
        if (segment.daemons.size() < 2) {
            continue;
        }
        for (std::size_t i = 0; i < segment.addresses.size(); ++i) {
            for (const std::size_t index : segment.daemons) {
                const Daemon& daemon = result_.daemons[index];
                if (daemon.address == segment.addresses[i]) {
                    warning(segment.addresses_at[i],
                            "the segment address is that of a single host, daemon " +
                                in_quotes(daemon.name) + " at " + to_text(daemon.at) +
                                "; messages are sent to each daemon of the segment one by one, "
                                "which unicast:PORT in its place says without this warning");
                }
            }
        }
    }
}

void Builder::check_loopback_segments() {
    const auto is_loopback = [](const Segment& segment) {
        return !segment.addresses.empty() && segment.addresses.front().is_loopback();
    };
    const auto count = std::count_if(result_.segments.begin(), result_.segments.end(), is_loopback);
    if (count == 0 || static_cast<std::size_t>(count) == result_.segments.size()) {
        return;
    }
    for (const Segment& segment : result_.segments) {
        if (is_loopback(segment)) {
            warning(segment.addresses_at.front(),
                    "a loopback segment cannot be reached from the hosts of the other segments");
        }
    }
}

/// A daemon at a loopback address is out of reach for those of other hosts. That is what Debian's
/// line "127.0.1.1 HOST" in /etc/hosts makes of a name without an address.
void Builder::check_loopback_daemons() {
    const auto far =
        std::find_if(result_.daemons.begin(), result_.daemons.end(), [](const Daemon& daemon) {
            return !daemon.address.is_unspecified() && !daemon.address.is_loopback();
        });
    if (far == result_.daemons.end() || diagnostics_.error_count() > 0) {
        return;
    }
    for (const Daemon& daemon : result_.daemons) {
        const Segment& segment = result_.segments[daemon.segment];
        const bool is_in_loopback_segment =
            !segment.addresses.empty() && segment.addresses.front().is_loopback();
        if (!daemon.address.is_loopback() || is_in_loopback_segment) {
            continue;  // a loopback segment has had its warning
        }
        const std::string reach = ", which the other daemons, such as " + in_quotes(far->name) +
                                  " at " + far->address.to_string() + ", cannot reach; write ";
        if (daemon.address_at == daemon.at && daemon.name != "localhost" &&
            !parse_ip(daemon.name)) {
            error(daemon.at, "host " + in_quotes(daemon.name) +
                                 " stands for the loopback address " + daemon.address.to_string() +
                                 reach + "its address on their network after the name");
        } else {
            warning(daemon.address_at, "daemon " + in_quotes(daemon.name) +
                                           " has the loopback address " +
                                           daemon.address.to_string() + reach +
                                           "its address on their network, or remove it");
        }
    }
}

}  // namespace

std::optional<Configuration> build_configuration(const SyntaxTree& tree, std::string_view file_name,
                                                 Resolver& resolver, Diagnostics& diagnostics) {
    Configuration configuration = Builder(tree, resolver, diagnostics).build(file_name);
    if (diagnostics.error_count() > 0) {
        return std::nullopt;
    }
    return configuration;
}

}  // namespace spread::config
