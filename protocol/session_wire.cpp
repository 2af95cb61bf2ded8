#include "protocol/session_wire.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "protocol/assert.hpp"
#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"

namespace spread::protocol {
namespace {

constexpr std::size_t kTypeOffset = 0;
constexpr std::size_t kNameOffset = 4;
constexpr std::size_t kNumGroupsOffset = 36;
constexpr std::size_t kHintOffset = 40;
constexpr std::size_t kDataLenOffset = 44;

constexpr std::byte kHintEndByteMask{0x80};

std::uint32_t read_u32(std::span<const std::byte> bytes, ByteOrder order) {
    ByteReader reader(bytes);
    return order == ByteOrder::kLittle ? reader.read_le<std::uint32_t>()
                                       : reader.read_be<std::uint32_t>();
}

void write_u32(std::uint32_t value, ByteOrder order, std::span<std::byte> out) {
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t shift = 8 * (order == ByteOrder::kLittle ? i : 3 - i);
        out[i] = static_cast<std::byte>(value >> shift);
    }
}

std::uint32_t endian_bits(ByteOrder order) {
    return order == ByteOrder::kLittle ? kEndianBits : 0;
}

std::int8_t signed_byte(std::byte b) {
    return static_cast<std::int8_t>(b);
}

std::byte unsigned_byte(std::int8_t value) {
    return static_cast<std::byte>(value);
}

std::string to_text(std::span<const std::byte> bytes) {
    std::string text(bytes.size(), '\0');
    if (!bytes.empty()) {
        std::memcpy(text.data(), bytes.data(), bytes.size());
    }
    return text;
}

void append_text(std::vector<std::byte>& out, std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_version(std::vector<std::byte>& out, const SpreadVersion& version, bool with_patch) {
    out.push_back(unsigned_byte(version.major));
    out.push_back(unsigned_byte(version.minor));
    if (with_patch) {
        out.push_back(unsigned_byte(version.patch));
    }
}

// The private group is compared up to its NUL. Byte 31 of the received field counts as NUL whatever
// it holds (CP 4.2).
std::string_view sender_name(const SessionHeader& header) {
    return header.private_group_name.view().substr(0, kGroupNameMax);
}

RequestFault sender_fault(std::string_view name, std::string_view own) {
    const auto sender = parse_private_group(name);
    if (!sender) {
        return RequestFault::kSenderName;
    }
    const auto self = parse_private_group(own);
    if (self && sender->daemon == self->daemon) {
        return RequestFault::kSenderUser;
    }
    return RequestFault::kSenderDaemon;
}

}  // namespace

SessionHeader decode_session_header(std::span<const std::byte, kSessionHeaderBytes> bytes) {
    SessionHeader header;
    const std::uint32_t word = read_u32(bytes.subspan<kTypeOffset, 4>(), ByteOrder::kLittle);
    header.order = (word & kEndianBits) == kEndianBits ? ByteOrder::kLittle : ByteOrder::kBig;
    header.type = read_u32(bytes.subspan<kTypeOffset, 4>(), header.order) & ~kEndianBits;
    header.private_group_name = NameField(bytes.subspan<kNameOffset, kNameFieldBytes>());
    header.num_groups =
        std::bit_cast<std::int32_t>(read_u32(bytes.subspan<kNumGroupsOffset, 4>(), header.order));
    std::copy_n(bytes.begin() + kHintOffset, header.hint.size(), header.hint.begin());
    header.data_len =
        std::bit_cast<std::int32_t>(read_u32(bytes.subspan<kDataLenOffset, 4>(), header.order));
    return header;
}

void encode_session_header(const SessionHeader& header,
                           std::span<std::byte, kSessionHeaderBytes> out) {
    write_u32((header.type & ~kEndianBits) | endian_bits(header.order), header.order,
              out.subspan<kTypeOffset, 4>());
    const auto name = header.private_group_name.bytes();
    std::copy(name.begin(), name.end(), out.begin() + kNameOffset);
    write_u32(std::bit_cast<std::uint32_t>(header.num_groups), header.order,
              out.subspan<kNumGroupsOffset, 4>());
    std::copy(header.hint.begin(), header.hint.end(), out.begin() + kHintOffset);
    write_u32(std::bit_cast<std::uint32_t>(header.data_len), header.order,
              out.subspan<kDataLenOffset, 4>());
}

void normalise_session_header(const SessionHeader& header,
                              std::span<std::byte, kSessionHeaderBytes> bytes) {
    if (header.order != ByteOrder::kLittle) {
        write_u32(header.type | kEndianBits, ByteOrder::kLittle, bytes.subspan<kTypeOffset, 4>());
        write_u32(std::bit_cast<std::uint32_t>(header.num_groups), ByteOrder::kLittle,
                  bytes.subspan<kNumGroupsOffset, 4>());
        write_u32(std::bit_cast<std::uint32_t>(header.data_len), ByteOrder::kLittle,
                  bytes.subspan<kDataLenOffset, 4>());
    }
    bytes[kNameOffset + kNameFieldBytes - 1] = std::byte{0};
}

Hint make_hint(std::int16_t mess_type, ByteOrder order) {
    const std::uint32_t value = static_cast<std::uint32_t>(static_cast<std::uint16_t>(mess_type))
                                << 8U;
    Hint hint{};
    write_u32(value | endian_bits(order), order, hint);
    return hint;
}

HintValue decode_hint(const Hint& hint) {
    const bool little = (hint.front() & hint.back() & kHintEndByteMask) != std::byte{0};
    const ByteOrder order = little ? ByteOrder::kLittle : ByteOrder::kBig;
    const auto value = static_cast<std::uint16_t>(read_u32(hint, order) >> 8U);
    return {std::bit_cast<std::int16_t>(value), order};
}

bool is_legal_hint(const Hint& hint) {
    return ((hint.front() | hint.back()) & ~kHintEndByteMask) == std::byte{0};
}

std::string_view to_string(RequestFault fault) {
    switch (fault) {
        case RequestFault::kForbiddenBits: return "type has bits no client may set";
        case RequestFault::kService:
            return "type does not ask for exactly one service, join, leave or kill";
        case RequestFault::kSenderName: return "sender is not a private group name";
        case RequestFault::kSenderDaemon: return "sender belongs to another daemon";
        case RequestFault::kSenderUser: return "sender is another session";
        case RequestFault::kGroupCount: return "group count is outside 0..100";
        case RequestFault::kHint: return "hint has illegal bits";
        case RequestFault::kBodyLength: return "body length is outside 0..144000";
        case RequestFault::kContentLength: return "groups and body exceed 144000 bytes";
        case RequestFault::kNoGroup: return "join or leave without a group";
        case RequestFault::kGroupName: return "group name fills its 32 bytes without a NUL";
    }
    return "unknown";
}

Result<RequestKind, RequestFault> check_request(const SessionHeader& header,
                                                const NameField& own_private_group) {
    constexpr std::uint32_t kActions = kRegularMess | kJoinMess | kLeaveMess | kKillMess;
    if ((header.type & ~kRequestBits) != 0) {
        return tl::unexpected(RequestFault::kForbiddenBits);
    }
    const std::uint32_t action = header.type & kActions;
    if (!std::has_single_bit(action)) {
        return tl::unexpected(RequestFault::kService);
    }
    if (sender_name(header) != own_private_group.view()) {
        return tl::unexpected(sender_fault(sender_name(header), own_private_group.view()));
    }
    if (header.num_groups < 0 ||
        header.num_groups > static_cast<std::int32_t>(kGroupsPerMessageMax)) {
        return tl::unexpected(RequestFault::kGroupCount);
    }
    if (!is_legal_hint(header.hint)) {
        return tl::unexpected(RequestFault::kHint);
    }
    if (header.data_len < 0 || header.data_len > static_cast<std::int32_t>(kMessageContentMax)) {
        return tl::unexpected(RequestFault::kBodyLength);
    }
    if (frame_bytes(header) > kSessionFrameMax) {
        return tl::unexpected(RequestFault::kContentLength);
    }
    if ((action & (kJoinMess | kLeaveMess)) != 0 && header.num_groups == 0) {
        return tl::unexpected(RequestFault::kNoGroup);
    }
    switch (action) {
        case kJoinMess: return RequestKind::kJoin;
        case kLeaveMess: return RequestKind::kLeave;
        case kKillMess: return RequestKind::kKill;
        default: return RequestKind::kMulticast;
    }
}

Result<SessionRequest, RequestFault> decode_request(RequestKind kind, const SessionHeader& header,
                                                    std::span<const std::byte> head) {
    SPREAD_ASSERT(kind != RequestKind::kMulticast);
    if (kind == RequestKind::kKill) {
        return KillRequest{};
    }
    const NameField group(group_field(head, 0));
    if (!group.is_terminated()) {
        return tl::unexpected(RequestFault::kGroupName);
    }
    if (kind == RequestKind::kJoin) {
        return JoinRequest{group, header};
    }
    return LeaveRequest{group};
}

std::string_view to_string(RejectCode code) {
    switch (code) {
        case RejectCode::kQuota: return "too many sessions";
        case RejectCode::kNoName: return "no name";
        case RejectCode::kIllegalName: return "illegal name";
        case RejectCode::kNotUnique: return "name in use";
        case RejectCode::kVersion: return "library version too old";
        case RejectCode::kClosed: return "connection closed";
        case RejectCode::kAuth: return "authentication refused";
    }
    return "unknown reject code";
}

bool has_connect_head(std::span<const std::byte> stream) {
    if (stream.size() < 2) {
        return false;
    }
    const SpreadVersion version{signed_byte(stream[0]), signed_byte(stream[1]), 0};
    return stream.size() >= (version.has_patch() ? 5U : 4U);
}

Result<std::optional<ConnectDecoded>, RejectCode> decode_connect(
    std::span<const std::byte> stream) {
    constexpr std::size_t kShortVersionBytes = 2;
    if (stream.size() < kShortVersionBytes) {
        return std::nullopt;
    }
    ConnectDecoded decoded;
    ConnectRequest& request = decoded.request;
    request.version = {signed_byte(stream[0]), signed_byte(stream[1]), 0};
    std::size_t position = kShortVersionBytes;
    if (request.version.has_patch()) {
        if (position == stream.size()) {
            return std::nullopt;
        }
        request.version.patch = signed_byte(stream[position++]);
    }
    if (!request.version.is_supported()) {
        return tl::unexpected(RejectCode::kVersion);
    }
    if (stream.size() < position + 2) {
        return std::nullopt;
    }
    request.flags = std::to_integer<std::uint8_t>(stream[position++]);
    const auto length = std::to_integer<std::size_t>(stream[position++]);
    if (length > kPrivateNameMax) {  // negative lengths, too, are large ones here
        return tl::unexpected(RejectCode::kIllegalName);
    }
    const auto rest = stream.subspan(position);
    if (rest.size() < length) {
        return std::nullopt;
    }
    request.private_name = to_text(rest.first(length));
    if (length > 0 && !is_private_name(request.private_name)) {
        return tl::unexpected(RejectCode::kIllegalName);
    }
    decoded.bytes_used = position + length;
    return decoded;
}

std::vector<std::byte> encode_connect(const ConnectRequest& request) {
    SPREAD_ASSERT(request.private_name.size() < 128);
    std::vector<std::byte> out;
    append_version(out, request.version, request.version.has_patch());
    out.push_back(static_cast<std::byte>(request.flags));
    out.push_back(static_cast<std::byte>(request.private_name.size()));
    append_text(out, request.private_name);
    return out;
}

std::vector<std::byte> encode_auth_list(std::span<const std::string> methods) {
    std::vector<std::byte> out(1);
    for (const std::string& method : methods) {
        append_text(out, method);
        append_text(out, " ");
    }
    SPREAD_ASSERT(out.size() - 1 <= kAuthChoiceBytes);
    out[0] = static_cast<std::byte>(out.size() - 1);
    return out;
}

Result<std::optional<AuthListDecoded>, RejectCode> decode_auth_list(
    std::span<const std::byte> stream) {
    if (stream.empty()) {
        return std::nullopt;
    }
    if (signed_byte(stream[0]) < 0) {
        return tl::unexpected(static_cast<RejectCode>(signed_byte(stream[0])));
    }
    const auto length = std::to_integer<std::size_t>(stream[0]);
    if (length > kAuthChoiceBytes) {
        return tl::unexpected(RejectCode::kClosed);
    }
    if (stream.size() < 1 + length) {
        return std::nullopt;
    }
    AuthListDecoded decoded;
    decoded.bytes_used = 1 + length;
    const std::string list = to_text(stream.subspan(1, length));
    std::size_t begin = 0;
    while (begin < list.size()) {
        const std::size_t end = std::min(list.find(' ', begin), list.size());
        if (end > begin) {
            decoded.methods.push_back(list.substr(begin, end - begin));
        }
        begin = end + 1;
    }
    return decoded;
}

std::array<std::byte, kAuthChoiceBytes> encode_auth_choice(std::span<const std::string> methods) {
    SPREAD_ASSERT(methods.size() <= kAuthMethodsMax);
    std::array<std::byte, kAuthChoiceBytes> out{};
    ByteWriter writer(out);
    for (const std::string& method : methods) {
        SPREAD_ASSERT(method.size() < kAuthNameBytes);
        writer.write_bytes(std::as_bytes(std::span(method)));
        writer.write_zeros(kAuthNameBytes - method.size());
    }
    return out;
}

Result<std::vector<std::string>, RejectCode> decode_auth_choice(
    std::span<const std::byte, kAuthChoiceBytes> choice) {
    std::vector<std::string> methods;
    for (std::size_t i = 0; i < kAuthMethodsMax; ++i) {
        const auto field = choice.subspan(i * kAuthNameBytes, kAuthNameBytes);
        const auto end = std::find(field.begin(), field.end(), std::byte{0});
        if (end == field.begin()) {
            break;
        }
        methods.push_back(to_text(field.first(static_cast<std::size_t>(end - field.begin()))));
    }
    if (methods.empty()) {
        return tl::unexpected(RejectCode::kAuth);
    }
    return methods;
}

PasswordProof decode_password_proof(std::span<const std::byte, kPasswordProofBytes> bytes) {
    const auto text_of = [](std::span<const std::byte> field) {
        const auto end = std::find(field.begin(), field.end(), std::byte{0});
        std::string text;
        std::transform(field.begin(), end, std::back_inserter(text),
                       [](std::byte b) { return static_cast<char>(b); });
        return text;
    };
    return {text_of(bytes.first<kPasswordUserBytes>()), text_of(bytes.last<kPasswordBytes>())};
}

std::array<std::byte, kPasswordProofBytes> encode_password_proof(std::string_view user,
                                                                 std::string_view password) {
    std::array<std::byte, kPasswordProofBytes> bytes{};
    const auto put = [](std::string_view text, std::span<std::byte> field) {
        const auto source = std::as_bytes(std::span(text));
        std::copy_n(source.begin(), std::min(source.size(), field.size()), field.begin());
    };
    put(user, std::span(bytes).first<kPasswordUserBytes>());
    put(password, std::span(bytes).last<kPasswordBytes>());
    return bytes;
}

std::vector<std::byte> encode_password_verdict(bool is_right) {
    return {is_right ? std::byte{1} : std::byte{0}};
}

std::vector<std::byte> encode_accept(const SpreadVersion& client, std::string_view private_group,
                                     const SpreadVersion& daemon) {
    SPREAD_ASSERT(private_group.size() <= kGroupNameMax);
    std::vector<std::byte> out{kAcceptSession};
    append_version(out, daemon, client.has_patch());
    out.push_back(static_cast<std::byte>(private_group.size()));
    append_text(out, private_group);
    return out;
}

Result<std::optional<AcceptDecoded>, RejectCode> decode_accept(const SpreadVersion& client,
                                                               std::span<const std::byte> stream) {
    if (stream.empty()) {
        return std::nullopt;
    }
    if (signed_byte(stream[0]) < 0) {
        return tl::unexpected(static_cast<RejectCode>(signed_byte(stream[0])));
    }
    if (stream[0] != kAcceptSession) {
        return tl::unexpected(RejectCode::kClosed);
    }
    const std::size_t fixed = client.has_patch() ? 5 : 4;
    if (stream.size() < fixed) {
        return std::nullopt;
    }
    AcceptDecoded decoded;
    decoded.daemon = {signed_byte(stream[1]), signed_byte(stream[2]), 0};
    if (client.has_patch()) {
        decoded.daemon.patch = signed_byte(stream[3]);
    }
    const auto length = std::to_integer<std::size_t>(stream[fixed - 1]);
    if (length > kGroupNameMax) {
        return tl::unexpected(RejectCode::kClosed);
    }
    if (stream.size() < fixed + length) {
        return std::nullopt;
    }
    decoded.private_group = to_text(stream.subspan(fixed, length));
    decoded.bytes_used = fixed + length;
    return decoded;
}

}  // namespace spread::protocol
