#include "sealing/key_wire.hpp"

#include <algorithm>
#include <string_view>

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/roster.hpp"

namespace spread::sealing {
namespace {

using protocol::ByteReader;
using protocol::ByteWriter;
using protocol::DecodeError;
using Body = std::vector<std::byte>;

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSaved = 1;
constexpr std::size_t kTextBytesMax = 255;
constexpr std::size_t kHeadBytes = 2;
constexpr std::size_t kIdBytes = 4;

static_assert(protocol::kDaemonsMax <= 255, "their number is one byte");

bool is_printable(char character) {
    return character >= ' ' && character <= '~';
}

/// `bytes` beyond the head, which is of `what`.
Body body_of(std::uint8_t what, std::size_t bytes) {
    Body body(kHeadBytes + bytes);
    body[0] = static_cast<std::byte>(kVersion);
    body[1] = static_cast<std::byte>(what);
    return body;
}

ByteWriter writer_of(Body& body) {
    return ByteWriter(std::span(body).subspan(kHeadBytes));
}

Body encode(const KeyReport& report) {
    std::string text = report.problem.substr(0, kTextBytesMax);
    std::replace_if(
        text.begin(), text.end(), [](char each) { return !is_printable(each); }, '?');
    Body body = body_of(1, 3 + report.keys.size() * (kIdBytes + 1) + text.size());
    ByteWriter writer = writer_of(body);
    writer.write_le(report.is_saved ? kSaved : std::uint8_t{0});
    writer.write_le(static_cast<std::uint8_t>(report.keys.size()));
    for (const KeyReport::Key& key : report.keys) {
        writer.write_le(key.id.value);
        writer.write_le(static_cast<std::uint8_t>(key.role));
    }
    writer.write_le(static_cast<std::uint8_t>(text.size()));
    writer.write_bytes(std::as_bytes(std::span(text)));
    return body;
}

Body encode(const KeyInstall& install) {
    Body body = body_of(2, 2 * kIdBytes + kWrappedBytes);
    ByteWriter writer = writer_of(body);
    writer.write_le(install.key.value);
    writer.write_le(install.under.value);
    writer.write_bytes(install.wrapped);
    return body;
}

Body encode(const KeyUse& use) {
    Body body = body_of(3, kIdBytes);
    writer_of(body).write_le(use.key.value);
    return body;
}

Body encode(const KeyRemove& remove) {
    Body body = body_of(4, kIdBytes + 1 + kIdBytes * remove.dropped.size());
    ByteWriter writer = writer_of(body);
    writer.write_le(remove.key.value);
    writer.write_le(static_cast<std::uint8_t>(remove.dropped.size()));
    for (const protocol::DaemonId daemon : remove.dropped) {
        writer.write_le(daemon.value);
    }
    return body;
}

protocol::Decoded<KeyMessage> decode_report(ByteReader& reader) {
    KeyReport report;
    report.is_saved = (reader.read_le<std::uint8_t>() & kSaved) != 0;
    const auto count = reader.read_le<std::uint8_t>();
    if (count > KeyRing::kKeysMax) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    for (std::uint8_t i = 0; i < count; ++i) {
        const KeyId id{reader.read_le<std::uint32_t>()};
        const auto role = reader.read_le<std::uint8_t>();
        if (role > static_cast<std::uint8_t>(KeyRole::kOffer)) {
            return tl::unexpected(DecodeError::kBadValue);
        }
        report.keys.push_back({id, static_cast<KeyRole>(role)});
    }
    const auto text = reader.read_bytes(reader.read_le<std::uint8_t>());
    for (const std::byte byte : text) {
        report.problem += static_cast<char>(byte);
    }
    if (!std::all_of(report.problem.begin(), report.problem.end(), is_printable)) {
        return tl::unexpected(DecodeError::kBadValue);
    }
    return report;
}

KeyMessage decode_install(ByteReader& reader) {
    KeyInstall install;
    install.key = KeyId{reader.read_le<std::uint32_t>()};
    install.under = KeyId{reader.read_le<std::uint32_t>()};
    const auto wrapped = reader.read_bytes(kWrappedBytes);
    std::copy(wrapped.begin(), wrapped.end(), install.wrapped.begin());
    return install;
}

protocol::Decoded<KeyMessage> decode_remove(ByteReader& reader) {
    KeyRemove remove;
    remove.key = KeyId{reader.read_le<std::uint32_t>()};
    const auto count = reader.read_le<std::uint8_t>();
    if (count > protocol::kDaemonsMax) {
        return tl::unexpected(DecodeError::kBadLength);
    }
    for (std::uint8_t i = 0; i < count; ++i) {
        remove.dropped.push_back(protocol::DaemonId{reader.read_le<std::uint32_t>()});
    }
    return remove;
}

}  // namespace

const KeyReport::Key* KeyReport::find(KeyId id) const {
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.id == id; });
    return found == keys.end() ? nullptr : &*found;
}

const KeyReport::Key* KeyReport::in_use() const {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [](const Key& key) { return key.role == KeyRole::kUse; });
    return found == keys.end() ? nullptr : &*found;
}

std::vector<std::byte> encode_key_message(const KeyMessage& message) {
    return std::visit([](const auto& each) { return encode(each); }, message);
}

protocol::Decoded<KeyMessage> decode_key_message(std::span<const std::byte> body) {
    ByteReader reader(body);
    const auto version = reader.read_le<std::uint8_t>();
    const auto what = reader.read_le<std::uint8_t>();
    if (!reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    if (version != kVersion) {
        return tl::unexpected(DecodeError::kBadVersion);
    }
    protocol::Decoded<KeyMessage> message = tl::unexpected(DecodeError::kBadKind);
    switch (what) {
        case 1: message = decode_report(reader); break;
        case 2: message = decode_install(reader); break;
        case 3: message = KeyUse{KeyId{reader.read_le<std::uint32_t>()}}; break;
        case 4: message = decode_remove(reader); break;
        default: break;
    }
    if (message && !reader.ok()) {
        return tl::unexpected(DecodeError::kTruncated);
    }
    return message;
}

}  // namespace spread::sealing
