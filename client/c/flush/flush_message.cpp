#include "client/c/flush/flush_message.hpp"

#include <algorithm>
#include <span>

namespace spread::c_api {

namespace {

std::array<char, 32> field_of(const std::string& name) {
    std::array<char, 32> field{};
    std::copy_n(name.begin(), std::min(name.size(), field.size() - 1), field.begin());
    return field;
}

}  // namespace

void FlushMessage::add_group(const std::string& name) {
    groups.push_back(field_of(name));
}

std::string FlushMessage::group(std::size_t index) const {
    const auto& field = groups[index];
    return {field.begin(), std::find(field.begin(), field.end(), '\0')};
}

void FlushMessage::append_u32(std::uint32_t value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    body.insert(body.end(), bytes.begin(), bytes.end());
}

void FlushMessage::append_name(const std::string& name) {
    const auto field = field_of(name);
    const auto bytes = std::as_bytes(std::span(field));
    body.insert(body.end(), bytes.begin(), bytes.end());
}

}  // namespace spread::c_api
