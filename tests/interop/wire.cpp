#include "tests/interop/wire.hpp"

#include <algorithm>
#include <ostream>
#include <sstream>
#include <stdexcept>

namespace spread::interop {
namespace {

std::uint32_t read_word(std::span<const std::byte> bytes, bool little) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8U | std::to_integer<std::uint32_t>(bytes[little ? 3 - i : i]);
    }
    return value;
}

std::int32_t read_signed(std::span<const std::byte> bytes, bool little) {
    return static_cast<std::int32_t>(read_word(bytes, little));
}

std::string name_in(std::span<const std::byte> field) {
    const std::string text = text_of(field);
    return text.substr(0, text.find('\0'));
}

[[noreturn]] void malformed(const std::string& what, const Frame& frame) {
    throw std::runtime_error(what + ": " + support::hex_of(frame.raw));
}

}  // namespace

Bytes bytes_of(std::string_view text) {
    Bytes bytes(text.size());
    std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

std::string text_of(std::span<const std::byte> bytes) {
    std::string text(bytes.size(), '\0');
    std::ranges::transform(bytes, text.begin(), [](std::byte b) { return static_cast<char>(b); });
    return text;
}

Bytes word(std::uint32_t value, Order order) {
    Bytes bytes;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes.push_back(static_cast<std::byte>(value >> shift & 0xffU));
    }
    if (order == Order::kBig) {
        std::ranges::reverse(bytes);
    }
    return bytes;
}

Bytes name_field(std::string_view text) {
    Bytes field = bytes_of(text.substr(0, kNameBytes));
    field.resize(kNameBytes);
    return field;
}

void append(Bytes& to, std::span<const std::byte> more) {
    to.insert(to.end(), more.begin(), more.end());
}

Bytes filling(std::size_t size, std::size_t seed) {
    Bytes bytes(size);
    std::uint64_t state = seed * 2 + 1;
    for (std::byte& b : bytes) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        b = static_cast<std::byte>(state >> 56U);
    }
    return bytes;
}

Bytes opening(std::string_view name, Version version, unsigned flags, std::optional<int> length) {
    Bytes bytes{static_cast<std::byte>(version.major), static_cast<std::byte>(version.minor)};
    if (version.has_patch()) {
        bytes.push_back(static_cast<std::byte>(version.patch));
    }
    bytes.push_back(static_cast<std::byte>(flags));
    bytes.push_back(static_cast<std::byte>(length.value_or(static_cast<int>(name.size()))));
    append(bytes, bytes_of(name));
    return bytes;
}

Bytes choice(const std::vector<std::string>& methods) {
    Bytes bytes;
    for (const std::string& method : methods) {
        Bytes field = bytes_of(std::string_view(method).substr(0, 30));
        field.resize(30);
        append(bytes, field);
    }
    bytes.resize(kChoiceBytes);
    return bytes;
}

Bytes hint_of(int mess_type, Order order) {
    std::uint32_t hint = (static_cast<std::uint32_t>(mess_type) << 8U) & 0x00ffff00U;
    if (order == Order::kLittle) {
        hint |= kEndian;
    }
    return word(hint, order);
}

Bytes encode(const Request& request) {
    const bool little = request.order == Order::kLittle;
    const auto number = [&](std::int64_t value) {
        return word(static_cast<std::uint32_t>(value), request.order);
    };
    Bytes bytes =
        word(request.type_word.value_or(request.type | (little ? kEndian : 0)), request.order);
    append(bytes, name_field(request.sender));
    append(bytes,
           number(request.num_groups.value_or(static_cast<std::int32_t>(request.groups.size()))));
    append(bytes, request.hint.empty() ? hint_of(0, request.order) : request.hint);
    append(bytes,
           number(request.data_len.value_or(static_cast<std::int32_t>(request.body.size()))));
    for (const std::string& group : request.groups) {
        append(bytes, name_field(group));
    }
    append(bytes, request.body);
    return bytes;
}

std::string Frame::name() const {
    return name_in(name_bytes);
}

Frame decode_header(const Bytes& header) {
    const std::span bytes(header);
    Frame frame;
    frame.raw = header;
    const std::uint32_t bits = read_word(bytes.first(4), true) & kEndian;
    if (bits != 0 && bits != kEndian) {
        malformed("a type with one endian bit", frame);
    }
    frame.is_little = bits == kEndian;
    frame.type = read_word(bytes.first(4), frame.is_little) & ~kEndian;
    frame.name_bytes.assign(header.begin() + 4, header.begin() + 36);
    frame.num_groups = read_signed(bytes.subspan(36, 4), frame.is_little);
    frame.hint.assign(header.begin() + 40, header.begin() + 44);
    frame.data_len = read_signed(bytes.subspan(44, 4), frame.is_little);
    if (frame.num_groups < 0 || frame.data_len < 0) {
        malformed("negative lengths", frame);
    }
    return frame;
}

std::string describe(const Frame& frame) {
    std::ostringstream text;
    text << std::hex << "type " << frame.type << std::dec << " of " << frame.name() << " to";
    for (const std::string& group : frame.groups) {
        text << ' ' << group;
    }
    text << ", " << frame.body.size() << " bytes: " << frame.text().substr(0, 60);
    return text.str();
}

void PrintTo(const GroupId& id, std::ostream* out) {
    *out << '(' << id.proc_id << ", " << id.time << ", " << id.index << ')';
}

std::string View::changed() const {
    if (sets.size() != 1 || sets.front().size() != 1) {
        throw std::runtime_error("a view of " + group + " without a single changed member");
    }
    return sets.front().front();
}

View view_of(const Frame& frame) {
    if (!frame.is_view() || (frame.type & ~(kRegular | 0xf00U)) != 0) {
        malformed("no regular membership", frame);
    }
    View view;
    view.group = frame.name();
    view.cause = frame.type & ~kRegular;
    view.members = frame.groups;
    const std::span body(frame.body);
    if (body.size() < 20) {
        malformed("a membership body that is too short", frame);
    }
    const auto number = [&](std::size_t at) { return read_word(body.subspan(at, 4), true); };
    view.id = {static_cast<std::int32_t>(number(0)), static_cast<std::int32_t>(number(4)),
               static_cast<std::int32_t>(number(8))};
    const std::size_t sets = number(12);
    view.offset = number(16);
    view.own_set = sets;
    std::size_t at = 20;
    for (std::size_t i = 0; i < sets; ++i) {
        if (at - 20 == view.offset) {
            view.own_set = i;
        }
        if (body.size() < at + 4 || body.size() < at + 4 + number(at) * kNameBytes) {
            malformed("a vs-set that does not fit its body", frame);
        }
        const std::size_t count = number(at);
        at += 4;
        Names names;
        for (std::size_t j = 0; j < count; ++j, at += kNameBytes) {
            names.push_back(name_in(body.subspan(at, kNameBytes)));
        }
        view.sets.push_back(std::move(names));
    }
    if (at != body.size() || view.own_set == sets) {
        malformed("a membership body whose counts do not add up", frame);
    }
    return view;
}

GroupId signal_id(const Frame& frame) {
    if (frame.type != kTransition || frame.num_groups != 0 || frame.body.size() != 12) {
        malformed("no transitional signal", frame);
    }
    const std::span body(frame.body);
    return {read_signed(body.first(4), true), read_signed(body.subspan(4, 4), true),
            read_signed(body.subspan(8, 4), true)};
}

}  // namespace spread::interop
