#include "config/listen_address.hpp"

#include <charconv>

namespace spread::config {

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::uint16_t port = 0;
    const std::string_view digits = text.substr(colon + 1);
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, port);
    std::string_view host = text.substr(0, colon);
    const bool has_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (has_brackets) {
        host = host.substr(1, host.size() - 2);
    }
    const auto address = parse_ip(host);
    if (error != std::errc() || end != last || port == 0 || !address ||
        (address->family == IpAddress::Family::kV6) != has_brackets) {
        return std::nullopt;
    }
    return ListenAddress{*address, port};
}

}  // namespace spread::config
