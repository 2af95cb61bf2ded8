#include "client/address.hpp"

#include <sys/un.h>

#include <charconv>
#include <optional>

#include "protocol/names.hpp"

namespace spread::client {

namespace {

constexpr std::string_view kNamespacePrefix = "ns:";
constexpr std::string_view kForms =
    "expected PORT (Unix socket /tmp/PORT), PORT@HOST (TCP) or a path starting with /";
constexpr std::size_t kHostBytesMax = 255;

tl::unexpected<Error> illegal(std::string_view text, std::string_view why) {
    return fail(ErrorCode::kIllegalAddress,
                "\"" + protocol::escaped(text) + "\" is no daemon address: " + std::string(why));
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
    std::uint16_t port = 0;
    const char* end = digits.data() + digits.size();
    const auto [rest, failure] = std::from_chars(digits.data(), end, port);
    if (failure != std::errc{} || rest != end || port == 0) {
        return std::nullopt;
    }
    return port;
}

std::string_view without_brackets(std::string_view host) {
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    return bracketed ? host.substr(1, host.size() - 2) : host;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
    Address address;
    address.text = protocol::escaped(text);
    std::string_view rest = text;

    if (rest.starts_with(kNamespacePrefix)) {
        rest.remove_prefix(kNamespacePrefix.size());
        const auto colon = rest.find(':');
        if (colon == std::string_view::npos || colon == 0) {
            return illegal(text, "a network namespace is written ns:NAME:ADDRESS");
        }
        address.network_namespace = rest.substr(0, colon);
        // The name becomes a path under /run/netns and must stay there.
        if (address.network_namespace.find('/') != std::string::npos ||
            address.network_namespace.find('\0') != std::string::npos) {
            return illegal(text, "the name of a network namespace has no '/'");
        }
        rest.remove_prefix(colon + 1);
    }

    if (rest.empty()) {
        address.unix_path = "/tmp/" + std::to_string(kDefaultPort);
        return address;
    }
    if (rest.find('\0') != std::string_view::npos) {
        return illegal(text, "it contains a zero byte");
    }
    if (rest.front() == '/') {
        if (rest.size() >= sizeof(sockaddr_un::sun_path)) {
            return illegal(text, "paths of Unix sockets have at most " +
                                     std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
        }
        address.unix_path = rest;
        return address;
    }
    if (!is_digit(rest.front())) {
        const bool looks_like_host = rest.find('@') == std::string_view::npos;
        return illegal(text, looks_like_host ? "the port is missing; did you mean " +
                                                   std::to_string(kDefaultPort) + "@" +
                                                   protocol::escaped(rest) + "?"
                                             : std::string(kForms));
    }

    const auto at = rest.find('@');
    const auto port = parse_port(rest.substr(0, at));
    if (!port) {
        const auto digits = rest.substr(0, at);
        const bool only_digits = digits.find_first_not_of("0123456789") == std::string_view::npos;
        if (only_digits) {
            return illegal(text, "a port is a number from 1 to 65535");
        }
        return illegal(text, "the port comes first: PORT@HOST, as in " +
                                 std::to_string(kDefaultPort) + "@" + protocol::escaped(digits));
    }
    address.port = *port;
    if (at == std::string_view::npos) {
        address.unix_path = "/tmp/" + std::to_string(*port);
        return address;
    }
    const auto host = without_brackets(rest.substr(at + 1));
    if (host.empty()) {
        return illegal(text,
                       "the host is missing after '@'; leave the '@' out for the Unix socket");
    }
    if (host.size() > kHostBytesMax || host.find_first_of(" \t\r\n@") != std::string_view::npos) {
        return illegal(text, "the part after '@' is no host name");
    }
    address.host = host;
    return address;
}

}  // namespace spread::client
