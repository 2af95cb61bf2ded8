#include "client/c/spread_name.hpp"

#include <sp.h>

#include <algorithm>
#include <string_view>

namespace spread::c_api {

namespace {

constexpr std::size_t kTextMax = 70;
constexpr std::size_t kLabelMax = 63;
constexpr std::uint32_t kPortMax = 65535;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_host_byte(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%' || static_cast<unsigned char>(c) >= 0x80;
}

/// A name, or an address in the forms of IPv4 and IPv6; the resolver has the last word. A port
/// behind an IPv4 address or name has one colon, an IPv6 address at least two.
bool looks_like_host(std::string_view host) {
    if (host.empty() || !std::all_of(host.begin(), host.end(), is_host_byte) ||
        std::count(host.begin(), host.end(), ':') == 1) {
        return false;
    }
    std::size_t label = 0;
    for (const char c : host) {
        label = c == '.' ? 0 : label + 1;
        if (label > kLabelMax) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::optional<SpreadName> parse_spread_name(const char* text) {
    std::string_view rest = text == nullptr ? std::string_view() : std::string_view(text);
    if (rest.empty()) {
        return SpreadName{.port = DEFAULT_SPREAD_PORT, .host = {}};
    }
    if (rest.size() > kTextMax) {
        return std::nullopt;
    }
    const auto drop_while = [&rest](auto is_wanted) {
        const auto end = std::find_if_not(rest.begin(), rest.end(), is_wanted);
        const std::string_view taken = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
        rest.remove_prefix(taken.size());
        return taken;
    };
    static_cast<void>(drop_while(is_blank));
    if (!rest.empty() && rest.front() == '+') {
        rest.remove_prefix(1);
    }
    const auto digits = drop_while(is_digit);
    if (digits.empty()) {
        return std::nullopt;
    }
    std::uint32_t port = 0;
    for (const char digit : digits) {
        port = port * 10 + static_cast<std::uint32_t>(digit - '0');
        if (port > kPortMax) {
            return std::nullopt;
        }
    }
    static_cast<void>(drop_while(is_blank));
    SpreadName name{.port = static_cast<std::uint16_t>(port), .host = {}};
    if (rest.empty()) {
        return name;
    }
    if (rest.front() != '@') {
        return std::nullopt;
    }
    rest.remove_prefix(1);
    name.host = drop_while([](char c) { return !is_blank(c); });
    return looks_like_host(name.host) ? std::optional(name) : std::nullopt;
}

}  // namespace spread::c_api
