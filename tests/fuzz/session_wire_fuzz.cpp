// Any bytes as any part of the session wire: what decodes is within limits and can be said again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "protocol/session_wire.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace spread::protocol;
using Stream = std::span<const std::byte>;
using spread::fuzz::require;

bool starts_with(Stream stream, Stream prefix) {
    return stream.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), stream.begin());
}

void header(std::span<const std::byte, kSessionHeaderBytes> bytes) {
    const SessionHeader decoded = decode_session_header(bytes);
    std::array<std::byte, kSessionHeaderBytes> again;
    encode_session_header(decoded, again);
    const NameField own("#tst#d1");
    const auto kind = check_request(decoded, own);
    require(kind || !to_string(kind.error()).empty());
    require((decoded.type & kEndianBits) == 0);
    if (((bytes[0] ^ bytes[3]) & std::byte{0x80}) == std::byte{0}) {  // both endian bits or none
        require(std::equal(again.begin(), again.end(), bytes.begin()));
    }
    if (!kind) {
        return;
    }
    require(decoded.private_group_name == own);
    require(frame_bytes(decoded) <= kSessionFrameMax);
    normalise_session_header(decoded, again);
    SessionHeader normalised = decode_session_header(again);
    require(normalised.order == ByteOrder::kLittle);
    normalised.order = decoded.order;
    require(normalised == decoded);
    const HintValue hint = decode_hint(decoded.hint);
    require(decode_hint(make_hint(hint.mess_type, hint.order)) == hint);
}

void connect(Stream stream) {
    const auto decoded = decode_connect(stream);
    if (!decoded) {
        require(decoded.error() == RejectCode::kVersion ||
                decoded.error() == RejectCode::kIllegalName);
        return;
    }
    if (!*decoded) {
        require(stream.size() < kConnectBytesMax);
        return;
    }
    require((*decoded)->bytes_used <= kConnectBytesMax);
    const auto again = encode_connect((*decoded)->request);
    require(again.size() == (*decoded)->bytes_used && starts_with(stream, again));
    for (std::size_t size = 0; size < again.size(); ++size) {
        const auto shorter = decode_connect(stream.first(size));
        require(shorter && !*shorter);
    }
}

void auth(Stream stream) {
    if (const auto decoded = decode_auth_list(stream); decoded && *decoded) {
        require((*decoded)->bytes_used <= stream.size());
        std::size_t bytes = 0;
        for (const auto& method : (*decoded)->methods) {
            bytes += method.size() + 1;
        }
        if (bytes <= kAuthChoiceBytes) {
            const auto again = decode_auth_list(encode_auth_list((*decoded)->methods));
            require(again && *again && (*again)->methods == (*decoded)->methods);
        }
    }
    if (stream.size() >= kAuthChoiceBytes) {
        const auto chosen = decode_auth_choice(stream.first<kAuthChoiceBytes>());
        if (chosen && std::all_of(chosen->begin(), chosen->end(), [](const auto& method) {
                return method.size() < kAuthNameBytes;
            })) {
            require(decode_auth_choice(encode_auth_choice(*chosen)) == chosen);
        }
    }
}

void accept(Stream stream) {
    for (const SpreadVersion client : {SpreadVersion{5, 0, 1}, SpreadVersion{3, 13, 0}}) {
        const auto decoded = decode_accept(client, stream);
        if (decoded && *decoded) {
            const auto again = encode_accept(client, (*decoded)->private_group, (*decoded)->daemon);
            require(again.size() == (*decoded)->bytes_used && starts_with(stream, again));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto stream = std::as_bytes(std::span(data, size));
    if (size >= kSessionHeaderBytes) {
        header(stream.first<kSessionHeaderBytes>());
    }
    connect(stream);
    auth(stream);
    accept(stream);
    return 0;
}
