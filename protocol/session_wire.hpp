#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/names.hpp"
#include "protocol/result.hpp"
#include "protocol/service.hpp"

// The session wire: what client libraries and daemon say to each other. Not ours to choose. CP
// numbers are those of the rules in docs/conformance.md.
//
// Every message, in both directions, is
//
//   header (48 bytes) | groups: num_groups x 32 bytes | body: data_len bytes
//
//   Off  Size  Field               Type
//     0     4  type                u32, service-type bits and endian bits
//     4    32  private_group_name  name field: sender, or group of a membership message
//    36     4  num_groups          i32
//    40     4  hint                application message type, own endian bits and byte order
//    44     4  data_len            i32, bytes of the body only
//
// type, num_groups and data_len are in the byte order that the endian bits of type announce: both
// set is little-endian, both clear is big-endian. The bits stand in the first and last byte, so
// they look the same from either side.

namespace spread::protocol {

// ---- Service-type word ----

inline constexpr std::uint32_t kUnreliableMess = 0x00000001;
inline constexpr std::uint32_t kReliableMess = 0x00000002;
inline constexpr std::uint32_t kFifoMess = 0x00000004;
inline constexpr std::uint32_t kCausalMess = 0x00000008;
inline constexpr std::uint32_t kAgreedMess = 0x00000010;
inline constexpr std::uint32_t kSafeMess = 0x00000020;
/// Mask of the six services.
inline constexpr std::uint32_t kRegularMess = 0x0000003f;
/// On a multicast: do not deliver to the sender.
inline constexpr std::uint32_t kSelfDiscard = 0x00000040;
inline constexpr std::uint32_t kCausedByJoin = 0x00000100;
/// Alone, without kRegMembMess: the self-leave notice.
inline constexpr std::uint32_t kCausedByLeave = 0x00000200;
inline constexpr std::uint32_t kCausedByDisconnect = 0x00000400;
inline constexpr std::uint32_t kCausedByNetwork = 0x00000800;
inline constexpr std::uint32_t kRegMembMess = 0x00001000;
inline constexpr std::uint32_t kTransitionMess = 0x00002000;
/// Mask of everything on membership messages.
inline constexpr std::uint32_t kMembershipMess = 0x00003f00;
inline constexpr std::uint32_t kJoinMess = 0x00010000;
inline constexpr std::uint32_t kLeaveMess = 0x00020000;
inline constexpr std::uint32_t kKillMess = 0x00040000;
inline constexpr std::uint32_t kGroupsMess = 0x00080000;
inline constexpr std::uint32_t kRejectMess = 0x00400000;
/// A receive option of the libraries that may slip onto the wire; passed through.
inline constexpr std::uint32_t kDropRecv = 0x01000000;
/// Options of the flush layer of the libraries (docs/libspread-api.md): the first is one of its
/// receive calls, the second marks a message to some members of a group. Both are passed through.
inline constexpr std::uint32_t kDontBlock = 0x10000000;
inline constexpr std::uint32_t kSubgroupCast = 0x40000000;
/// Both set: the writer's integers are little-endian. Else they are big-endian: a proper writer
/// sets neither bit then, and stock treats a single one like none.
inline constexpr std::uint32_t kEndianBits = 0x80000080;

/// All bits a client may set besides the endian bits. Stock checks nine bits only, so forged
/// membership, GROUPS or REJECT bits deceive clients or stop its daemon (CP 5.1).
inline constexpr std::uint32_t kRequestBits = kRegularMess | kSelfDiscard | kJoinMess | kLeaveMess |
                                              kKillMess | kDropRecv | kDontBlock | kSubgroupCast;
static_assert(kRequestBits == 0x5107007f);

// ---- Limits ----

inline constexpr std::size_t kSessionHeaderBytes = 48;
inline constexpr std::size_t kGroupsPerMessageMax = 100;
/// Largest body + 32 x groups: what the libraries let their callers send. Stock's daemon stops at
/// 143952 and aborts from 143153 on.
inline constexpr std::size_t kMessageContentMax = 144000;
inline constexpr std::size_t kSessionFrameMax = kSessionHeaderBytes + kMessageContentMax;
inline constexpr std::size_t kAuthNameBytes = 30;
inline constexpr std::size_t kAuthMethodsMax = 3;
inline constexpr std::size_t kAuthChoiceBytes = kAuthNameBytes * kAuthMethodsMax;
/// Longest C1: three version bytes, flags, length, ten bytes of name.
inline constexpr std::size_t kConnectBytesMax = 5 + kPrivateNameMax;

// ---- Header ----

enum class ByteOrder : std::uint8_t { kLittle, kBig };
/// Of this processor.
inline constexpr ByteOrder kOurOrder =
    std::endian::native == std::endian::little ? ByteOrder::kLittle : ByteOrder::kBig;

/// The four hint bytes as they stand on the wire; a daemon passes them on untouched.
using Hint = std::array<std::byte, 4>;

struct SessionHeader {
    ByteOrder order = ByteOrder::kLittle;  ///< of the writer's integers
    /// Service-type bits. Decoding removes the endian bits, encoding puts those of `order` in.
    std::uint32_t type = 0;
    NameField private_group_name;
    std::int32_t num_groups = 0;
    Hint hint{};
    std::int32_t data_len = 0;

    friend bool operator==(const SessionHeader&, const SessionHeader&) = default;
};

/// Any 48 bytes decode; what they say is for check_request() or the receiver to judge.
[[nodiscard]] SessionHeader decode_session_header(
    std::span<const std::byte, kSessionHeaderBytes> bytes);

void encode_session_header(const SessionHeader& header,
                           std::span<std::byte, kSessionHeaderBytes> out);

/// Turns a checked request header into the one every receiver gets, where it stands: integers
/// little-endian, byte 31 of the name 0, all else untouched (CP 4.2). `header` is its decoded
/// form.
void normalise_session_header(const SessionHeader& header,
                              std::span<std::byte, kSessionHeaderBytes> bytes);

/// Hint for an application message type (CP 4.1). With 0 it is that of membership messages.
[[nodiscard]] Hint make_hint(std::int16_t mess_type, ByteOrder order = ByteOrder::kLittle);

struct HintValue {
    std::int16_t mess_type = 0;
    ByteOrder order = ByteOrder::kLittle;  ///< of the original sender

    friend bool operator==(const HintValue&, const HintValue&) = default;
};

[[nodiscard]] HintValue decode_hint(const Hint& hint);
/// No bits outside 0x80ffff80, which reads the same in both byte orders.
[[nodiscard]] bool is_legal_hint(const Hint& hint);

/// Ring service of a multicast: safe for SAFE_MESS, agreed for all others.
[[nodiscard]] constexpr Service ring_service(std::uint32_t type) {
    return (type & kSafeMess) != 0 ? Service::kSafe : Service::kAgreed;
}

// ---- Requests (CP 5) ----

enum class RequestKind : std::uint8_t { kMulticast, kJoin, kLeave, kKill };

/// Why a request header drops its session. In the order of the checks.
enum class RequestFault : std::uint8_t {
    kForbiddenBits,  ///< a type bit outside kRequestBits
    kService,        ///< not exactly one of the six services, JOIN, LEAVE and KILL
    kSenderName,     ///< private_group_name is no private group
    kSenderDaemon,   ///< ... or of another daemon
    kSenderUser,     ///< ... or of another session
    kGroupCount,     ///< num_groups outside 0..100
    kHint,           ///< bits outside 0x80ffff80
    kBodyLength,     ///< data_len outside 0..144000
    kContentLength,  ///< body + 32 x groups above 144000
    kNoGroup,        ///< a JOIN or LEAVE without a group; stock reads stale memory
    kGroupName       ///< its group has no NUL
};

[[nodiscard]] std::string_view to_string(RequestFault fault);

/// The header checks of CP 5.1, with kRequestBits in addition. What passes has counts and
/// lengths that are safe to add up: frame_bytes() is at most kSessionFrameMax.
[[nodiscard]] Result<RequestKind, RequestFault> check_request(const SessionHeader& header,
                                                              const NameField& own_private_group);

/// What a client asks of its session, as against a multicast. Only the first group of a JOIN or
/// LEAVE counts, and of a KILL none (CP 5.3, 5.4, 5.5).
struct JoinRequest {
    NameField group;
    SessionHeader header;  ///< of the request, to send it back
};
struct LeaveRequest {
    NameField group;
};
struct KillRequest {};
using SessionRequest = std::variant<JoinRequest, LeaveRequest, KillRequest>;

/// The start of a request that decode_request() looks at: header and first group.
inline constexpr std::size_t kRequestHeadBytes = kSessionHeaderBytes + kNameFieldBytes;

/// Reads a request of a kind other than kMulticast that check_request() has admitted. `head`: its
/// first kRequestHeadBytes, or all if it is shorter.
///
/// Names are taken as stock takes them, whatever their bytes, the empty one included: the group is
/// just a byte string to us. The exception is a name without NUL. Stock lets it in, but it cannot
/// be told to clients: they read on into the next field.
[[nodiscard]] Result<SessionRequest, RequestFault> decode_request(RequestKind kind,
                                                                  const SessionHeader& header,
                                                                  std::span<const std::byte> head);

/// Size of the whole message. Requires num_groups and data_len not to be negative.
[[nodiscard]] constexpr std::size_t frame_bytes(const SessionHeader& header) {
    return kSessionHeaderBytes + kNameFieldBytes * static_cast<std::size_t>(header.num_groups) +
           static_cast<std::size_t>(header.data_len);
}

/// Group number `index` of a message whose first bytes are `frame`; these must reach that far.
[[nodiscard]] inline std::span<const std::byte, kNameFieldBytes> group_field(
    std::span<const std::byte> frame, std::size_t index) {
    return frame.subspan(kSessionHeaderBytes + index * kNameFieldBytes).first<kNameFieldBytes>();
}

// ---- Handshake (CP 3) ----

/// A signed byte in place of D1's length or D2's first byte (CP 3.6). Other negative values
/// are possible in what a client reads.
enum class RejectCode : std::int8_t {
    kQuota = -3,
    kNoName = -4,
    kIllegalName = -5,
    kNotUnique = -6,
    kVersion = -7,
    kClosed = -8,  ///< never sent: a client's verdict on a reply it cannot make sense of
    kAuth = -9
};

[[nodiscard]] std::string_view to_string(RejectCode code);

/// D2's first byte.
inline constexpr std::byte kAcceptSession{1};

/// Version of a library or daemon. Daemons take the bytes as signed.
struct SpreadVersion {
    std::int8_t major = 0;
    std::int8_t minor = 0;
    std::int8_t patch = 0;

    [[nodiscard]] constexpr int number() const { return major * 10000 + minor * 100 + patch; }
    /// 3.14 and older say two version bytes, and get two.
    [[nodiscard]] constexpr bool has_patch() const {
        return major * 10000 + minor * 100 > kLastWithoutPatch;
    }
    [[nodiscard]] constexpr bool is_supported() const { return number() >= kOldest; }
    /// From 3.16 on: D1 and C2 are exchanged.
    [[nodiscard]] constexpr bool chooses_auth() const { return number() >= kFirstWithAuth; }

    friend bool operator==(const SpreadVersion&, const SpreadVersion&) = default;

  private:
    static constexpr int kOldest = 30100;
    static constexpr int kLastWithoutPatch = 31400;
    static constexpr int kFirstWithAuth = 31600;
};

/// The version that this daemon announces; every library accepts it (CP 3.5).
inline constexpr SpreadVersion kPresentedVersion{5, 0, 1};

/// C1, the opening bytes:
///
///   Off  Size  Field
///     0     1  major version
///     1     1  minor version
///     2     1  patch version; absent up to 3.14
///     3     1  flags: bit 0 wants membership messages, high nibble priority
///     4     1  length n of the private name, signed, 0..10
///     5     n  private name, no NUL
struct ConnectRequest {
    SpreadVersion version = kPresentedVersion;
    std::uint8_t flags = 0;
    std::string private_name;  ///< empty: the daemon shall invent one

    /// The byte counts as signed: odd values from 0x80 up select nothing (CP 3.1).
    [[nodiscard]] bool wants_membership() const { return flags < 0x80 && (flags & 1U) != 0; }

    friend bool operator==(const ConnectRequest&, const ConnectRequest&) = default;
};

struct ConnectDecoded {
    ConnectRequest request;
    std::size_t bytes_used = 0;  ///< what follows is C2 or a request, sent ahead
};

/// Whether C1 has come up to its name, whatever it says.
[[nodiscard]] bool has_connect_head(std::span<const std::byte> stream);

/// Reads C1 from the start of a stream: nothing while bytes are missing, kVersion or kIllegalName
/// as soon as the bytes at hand justify it, in the order version, length, name.
[[nodiscard]] Result<std::optional<ConnectDecoded>, RejectCode> decode_connect(
    std::span<const std::byte> stream);

/// The name must have at most 127 bytes (tests send illegal ones). Asserted.
[[nodiscard]] std::vector<std::byte> encode_connect(const ConnectRequest& request);

/// D1, the list of methods:
///
///   Off  Size  Field
///     0     1  length n of the list, 0..90; negative is a reject code
///     1     n  method names, each followed by one space
///
/// The list must fit. Asserted.
[[nodiscard]] std::vector<std::byte> encode_auth_list(std::span<const std::string> methods);

struct AuthListDecoded {
    std::vector<std::string> methods;
    std::size_t bytes_used = 0;
};

/// The client's side: nothing while bytes are missing; the daemon's reject code; kClosed for a
/// length above 90.
[[nodiscard]] Result<std::optional<AuthListDecoded>, RejectCode> decode_auth_list(
    std::span<const std::byte> stream);

/// C2, the choice of methods: three fields of 30 bytes, NUL-padded names, unused ones zero. At most
/// three methods of at most 29 bytes. Asserted.
[[nodiscard]] std::array<std::byte, kAuthChoiceBytes> encode_auth_choice(
    std::span<const std::string> methods);

/// The methods up to the first empty field; kAuth when the first is empty. A name is what stands
/// before the NUL, or all 30 bytes.
[[nodiscard]] Result<std::vector<std::string>, RejectCode> decode_auth_choice(
    std::span<const std::byte, kAuthChoiceBytes> choice);

/// What a client of method PWORD sends behind C2 (CP 3.4): the user's name in 32 bytes, the
/// password in 8, both padded with NULs.
inline constexpr std::size_t kPasswordUserBytes = 32;
inline constexpr std::size_t kPasswordBytes = 8;
inline constexpr std::size_t kPasswordProofBytes = kPasswordUserBytes + kPasswordBytes;

struct PasswordProof {
    std::string user;      ///< up to the first NUL
    std::string password;  ///< up to the first NUL
};

[[nodiscard]] PasswordProof decode_password_proof(
    std::span<const std::byte, kPasswordProofBytes> bytes);

/// Values longer than their fields are cut off.
[[nodiscard]] std::array<std::byte, kPasswordProofBytes> encode_password_proof(
    std::string_view user, std::string_view password);

/// The daemon's answer: one byte, 1 for the right password, else 0.
[[nodiscard]] std::vector<std::byte> encode_password_verdict(bool is_right);

/// D2, the acceptance:
///
///   Off  Size  Field
///     0     1  1 = ACCEPT_SESSION; negative is a reject code
///     1     1  major version of the daemon
///     2     1  minor version
///     3     1  patch version; absent for clients up to 3.14
///     4     1  length n of the private group name, at most 31
///     5     n  private group name, no NUL
[[nodiscard]] std::vector<std::byte> encode_accept(const SpreadVersion& client,
                                                   std::string_view private_group,
                                                   const SpreadVersion& daemon = kPresentedVersion);

struct AcceptDecoded {
    SpreadVersion daemon;
    std::string private_group;
    std::size_t bytes_used = 0;
};

/// The client's side; `client` is what C1 announced. kClosed for fields out of range.
[[nodiscard]] Result<std::optional<AcceptDecoded>, RejectCode> decode_accept(
    const SpreadVersion& client, std::span<const std::byte> stream);

}  // namespace spread::protocol
