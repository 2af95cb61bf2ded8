#include "protocol/names.hpp"

#include <algorithm>
#include <cstring>

#include "protocol/assert.hpp"

namespace spread::protocol {
namespace {

bool is_name(std::string_view name, std::size_t bytes_max) {
    return !name.empty() && name.size() <= bytes_max &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_name_byte(c); });
}

}  // namespace

bool is_private_name(std::string_view name) {
    return is_name(name, kPrivateNameMax);
}

bool is_daemon_name(std::string_view name) {
    return is_name(name, kDaemonNameMax);
}

bool is_portable_group_name(std::string_view name) {
    return is_name(name, kGroupNameMax);
}

NameField::NameField(std::string_view name) {
    SPREAD_ASSERT(name.size() <= kGroupNameMax);
    SPREAD_ASSERT(name.find('\0') == std::string_view::npos);
    std::copy(name.begin(), name.end(), chars_.begin());
}

NameField::NameField(std::span<const std::byte, kNameFieldBytes> field) {
    std::memcpy(chars_.data(), field.data(), field.size());
}

std::string_view NameField::view() const {
    const void* end = std::memchr(chars_.data(), '\0', chars_.size());
    const auto size = end == nullptr
                          ? chars_.size()
                          : static_cast<std::size_t>(static_cast<const char*>(end) - chars_.data());
    return {chars_.data(), size};
}

std::optional<PrivateGroup> parse_private_group(std::string_view name) {
    if (name.empty() || name.front() != '#') {
        return std::nullopt;
    }
    const std::size_t second = name.find('#', 1);
    if (second == std::string_view::npos) {
        return std::nullopt;
    }
    const PrivateGroup group{name.substr(1, second - 1), name.substr(second + 1)};
    if (!is_private_name(group.user) || !is_daemon_name(group.daemon)) {
        return std::nullopt;
    }
    return group;
}

std::string make_private_group(std::string_view user, std::string_view daemon) {
    SPREAD_ASSERT(is_private_name(user));
    SPREAD_ASSERT(is_daemon_name(daemon));
    std::string name;
    name.reserve(user.size() + daemon.size() + 2);
    name.append("#").append(user).append("#").append(daemon);
    return name;
}

std::string escaped(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c >= ' ' && c <= '~' && c != '\\' && c != '"') {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out.append("\\x");
        out.push_back(kDigits[byte >> 4U]);
        out.push_back(kDigits[byte & 0xfU]);
    }
    return out;
}

}  // namespace spread::protocol
