#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "protocol/roster.hpp"
#include "protocol/service.hpp"

// clang-format off
/// The wire between daemons. Ours alone: little-endian, versioned, checksummed. One UDP datagram is
/// one packet. docs/ring-wire.md has the reasons behind the layout.
///
/// Common header, 32 bytes
///
///   offset size field
///   0      2    magic 'S' 'R' (no stock monitor datagram starts so)
///   2      1    version: on a ring that of the ring; always 6 for those who are not on it (joins,
///               probes, settings, leaves)
///   3      1    kind (PacketKind)
///   4      4    CRC32C of the datagram without these 4 bytes
///   8      4    configuration hash; daemons with another one are ignored
///   12     4    sender (DaemonId); of data packets the stamper, whoever resends them
///   16     4    ring id: representative
///   20     4    ring id: nonce
///   24     8    ring id: counter
///
/// On a ring with a key whole datagrams are sealed between codec and socket (sealing/envelope.hpp),
/// whatever their version.
// clang-format on
namespace spread::protocol {

inline constexpr std::size_t kRingHeaderBytes = 32;
/// Versions of this wire that this release speaks. A ring speaks the highest one that all its
/// members speak, and so changes it only from one ring to the next; the version of the commit token
/// is that of the ring it forms. Each release speaks all that the one before it spoke.
inline constexpr std::uint8_t kRingWireLeast = 6;
inline constexpr std::uint8_t kRingWireGreatest = 7;
/// Packets for daemons outside the ring have this one for ever, and grow at their ends only.
inline constexpr std::uint8_t kRingWireCommon = 6;
/// Largest datagram any encoder makes: tokens of big rings may exceed the MTU and are then
/// fragmented by IP; data packets never do.
inline constexpr std::size_t kRingDatagramBytesMax = 65000;
/// Members of a ring and entries of a member list, at most.
inline constexpr std::size_t kRingMembersMax = kDaemonsMax;

enum class PacketKind : std::uint8_t {
    kData = 1,       ///< stamped messages
    kToken = 2,      ///< the right to stamp
    kJoin = 3,       ///< gathering: who should be in the next ring
    kCommit = 4,     ///< forming: passes all members twice
    kWake = 5,       ///< to a representative that may be keeping the token
    kHold = 6,       ///< from a representative that begins to hold the token
    kProbe = 7,      ///< looks for daemons of other rings
    kLeave = 8,      ///< the sender goes away in order
    kDataToken = 9,  ///< a data packet and the token behind it
    kSettings = 10,  ///< the sender's configuration, for one who has another
    kAlive = 11      ///< the sender waits for the token, and is well
};
inline constexpr PacketKind kFirstPacketKind = PacketKind::kData;
inline constexpr PacketKind kLastPacketKind = PacketKind::kAlive;

struct PacketHeader {
    PacketKind kind = PacketKind::kData;
    std::uint32_t config_hash = 0;
    DaemonId sender;
    RingId ring_id;
    std::uint8_t version = kRingWireGreatest;
};

/// Whether it claims to be a packet of a ring, of whatever version.
[[nodiscard]] bool is_ring_datagram(std::span<const std::byte> datagram);

/// Checks magic, version, kind and checksum, in this order.
[[nodiscard]] Decoded<PacketHeader> decode_header(std::span<const std::byte> datagram);
/// The same without the checksum, for a part of a datagram whose own checksum was right, or for
/// what a seal's tag vouches for.
[[nodiscard]] Decoded<PacketHeader> decode_part_header(std::span<const std::byte> part);

/// Who sent a packet of a version of this wire that we do not speak: the fields before the ring id
/// have their places in all versions.
struct OtherVersion {
    std::uint8_t version = 0;
    std::uint32_t config_hash = 0;
    DaemonId sender;
};
/// nullopt: it is not such a packet, or damaged.
[[nodiscard]] std::optional<OtherVersion> read_other_version(std::span<const std::byte> datagram);

// --- data ---------------------------------------------------------------------------------------

// clang-format off
/// Data packet
///
///   offset size field
///   32     8    seq: place of this packet in the ring's order, from 1
///   40     8    token_seq of the visit that stamped it
///   48     2    number of entries, at least 1
///   50     2    zero
///   52     ..   entries: u16 length, u8 flags, u8 message kind, `length` bytes
///
/// Entry flags: bit 0 first piece of its message, bit 1 last piece, bits 4-5 Service. A message
/// that does not fit is continued as the first entry of the sender's next packet, so only the last
/// entry of a packet may lack bit 1 and only the first one may lack bit 0.
// clang-format on
inline constexpr std::size_t kDataHeaderBytes = kRingHeaderBytes + 20;
inline constexpr std::size_t kEntryHeaderBytes = 4;
inline constexpr std::uint8_t kEntryFirst = 0x01;
inline constexpr std::uint8_t kEntryLast = 0x02;

struct DataHeader {
    Seq seq;
    TokenSeq token_seq;
    std::uint16_t entry_count = 0;
};

struct Entry {
    bool first = false;
    bool last = false;
    Service service = Service::kAgreed;
    MessageKind kind = MessageKind::kClientFrame;
    std::uint32_t offset = 0;  ///< of the bytes, within the datagram
    std::uint32_t length = 0;
};

/// Checks the whole packet, entries included, so that DataEntries cannot fail on it afterwards.
[[nodiscard]] Decoded<DataHeader> decode_data(std::span<const std::byte> datagram);

/// Walks the entries of a datagram that decode_data() accepted (or that we built).
class DataEntries {
  public:
    explicit DataEntries(std::span<const std::byte> datagram,
                         std::uint32_t offset = kDataHeaderBytes)
        : datagram_(datagram), offset_(offset) {}

    /// The entry at the current place, or nullopt at the end.
    [[nodiscard]] std::optional<Entry> peek() const;
    void skip(const Entry& entry) { offset_ = entry.offset + entry.length; }
    [[nodiscard]] std::uint32_t offset() const { return offset_; }

  private:
    std::span<const std::byte> datagram_;
    std::uint32_t offset_;
};

/// Builds one data packet in place. Add entries while they fit, then finish().
class DataBuilder {
  public:
    /// `bytes_max` of `buffer` may be used.
    DataBuilder(BufferRef buffer, std::size_t bytes_max);

    /// Payload bytes that one more entry could carry; 0 when not even one byte fits.
    [[nodiscard]] std::size_t room() const;
    [[nodiscard]] bool empty() const { return entry_count_ == 0; }
    /// Room for an entry of `length` <= room() bytes, to be filled by the caller.
    [[nodiscard]] std::span<std::byte> add_entry(std::size_t length, bool first, bool last,
                                                 Service service, MessageKind kind);
    /// Writes the headers and the checksum.
    [[nodiscard]] Slice finish(const PacketHeader& header, Seq seq, TokenSeq token_seq);

  private:
    BufferRef buffer_;
    std::size_t bytes_max_;
    std::size_t used_ = kDataHeaderBytes;
    std::uint16_t entry_count_ = 0;
};

// --- token --------------------------------------------------------------------------------------

/// A run of missing packets.
struct SeqRange {
    Seq first;
    std::uint32_t count = 0;

    friend bool operator==(const SeqRange&, const SeqRange&) = default;
};

inline constexpr std::size_t kRtrRangesMax = 256;

// clang-format off
/// Token
///
///   offset size field
///   32     8    token_seq, grows by one per hop
///   40     8    seq: highest number assigned
///   48     8    aru: received by all up to here
///   56     4    aru_id: who lowered aru, 0 nobody
///   60     4    fcc: packets sent during the last rotation
///   64     4    backlog: packets waiting at all members
///   68     4    to: the member this token is for; nobody else may take it
///   72     4    window: packets all members may send during this rotation, 0 as each has it set
///   76     4    window_limit: the least receive room of the members visited in this rotation
///   80     4    lost: the most packets that one of these members found missing
///   84     4    loss_wanted: the longest silence that one of these members wants to bear before
///               the ring counts as lost, microseconds
///   88     4    loss_timeout: what all are to bear during this rotation; 0 as each has it set
///   92     2    flags: bit 0 may rest (the representative may keep the token when it comes
///               round),
///               bit 1 out of turn (between the representative and one member, past all
///               others: a loan, or its return),
///               bit 2 lease (only of a loan: the member may keep the token until it has work
///               or a copy without this bit asks it back)
///   94     2    number of retransmission ranges
///   96     12n  ranges: u64 first, u32 count
///   ..     2    bytes of the completion bitmap, which ends with its last bit set; 0 outside recovery
///   ..     ..   bitmap: bit i = member i of the new ring has recovered everything
/// From version 7 on also, for a second link between the daemons; with one, both are 1:
///   ..     1    links: bit i = data of this rotation goes over link i
///   ..     1    links_heard: bit i = each member visited in this rotation hears the one before it on
///               link i
// clang-format on
struct Token {
    RingId ring_id;
    DaemonId sender;
    TokenSeq token_seq;
    Seq seq;
    Seq aru;
    DaemonId aru_id;
    std::uint32_t fcc = 0;
    std::uint32_t backlog = 0;
    DaemonId to;
    std::uint32_t window = 0;
    std::uint32_t window_limit = 0;
    std::uint32_t lost = 0;
    std::uint32_t loss_wanted = 0;   ///< microseconds
    std::uint32_t loss_timeout = 0;  ///< microseconds
    bool may_rest = false;
    bool out_of_turn = false;
    bool lease = false;
    std::vector<SeqRange> rtr;
    DaemonSet complete;  ///< positions in the new ring
    std::uint8_t links = 1;
    std::uint8_t links_heard = 1;

    friend bool operator==(const Token&, const Token&) = default;
};

/// So many ranges that the token is no longer than a data packet: where fragments of IP are lost, a
/// longer one would never arrive.
[[nodiscard]] constexpr std::size_t rtr_ranges_max(std::size_t datagram_bytes) {
    constexpr std::size_t kTokenBytes = kRingHeaderBytes + 64 + 2 + kDaemonsMax / 8 + 2;
    constexpr std::size_t kLeast = 8;
    const std::size_t room = datagram_bytes > kTokenBytes ? datagram_bytes - kTokenBytes : 0;
    return std::clamp(room / 12, kLeast, kRtrRangesMax);
}

/// Decodes what follows `header` into `token`, whose lists keep their memory: a ring under loss
/// decodes thousands of them per second. After an error `token` is of no use.
[[nodiscard]] std::optional<DecodeError> decode_token(const PacketHeader& header,
                                                      std::span<const std::byte> datagram,
                                                      Token& token);
/// Header included.
[[nodiscard]] Decoded<Token> decode_token(std::span<const std::byte> datagram);

// clang-format off
/// Data with token: where a visit sends one small packet, the token travels with it, so that it
/// costs neither a datagram nor a wake-up of its own. Sent to all like the data; the token names
/// its receiver.
///
///   offset size field
///   32     2    bytes of the data packet
///   34     ..   data packet, complete with its header
///   ..     ..   token, complete with its header
// clang-format on
inline constexpr std::size_t kDataTokenBytes = kRingHeaderBytes + 2;

struct DataToken {
    std::span<const std::byte> data;
    std::span<const std::byte> token;
};

/// What a datagram says of its kind, which may be none; nullopt when it is too short.
[[nodiscard]] inline std::optional<PacketKind> claimed_kind(std::span<const std::byte> datagram) {
    return datagram.size() < kRingHeaderBytes ? std::nullopt
                                              : std::optional(static_cast<PacketKind>(datagram[3]));
}

/// Whether a packet made by this daemon, and so not to be checked, is a data packet.
[[nodiscard]] inline bool is_data(std::span<const std::byte> datagram) {
    return datagram.size() > kRingHeaderBytes &&
           datagram[3] == static_cast<std::byte>(PacketKind::kData);
}

/// The same for a commit token.
[[nodiscard]] inline bool is_commit(std::span<const std::byte> datagram) {
    return datagram.size() > kRingHeaderBytes &&
           datagram[3] == static_cast<std::byte>(PacketKind::kCommit);
}

/// Both parts are packets of the right kinds that begin like packets; they are still to be decoded.
[[nodiscard]] Decoded<DataToken> decode_data_token(std::span<const std::byte> datagram);

// --- membership ---------------------------------------------------------------------------------

// clang-format off
/// Report: the end of joins and probes. What the sender has heard lately of each configured daemon
/// in joins and probes, by place in the configuration file (the equal configuration hash makes
/// places comparable).
///
///   offset size field
///   0      1    flags: bit 0, this packet is padded to the sender's datagram size; bit 1, the
///               receiver is to answer with a probe
///   1      1    number n of configured daemons
///   2      ..   (n + 1) / 2 bytes: Heard of daemon i in the low (even i) or high half of byte i / 2
///   ..     2    bytes of a bitmap: bit i = daemon i is in the ring the sender installed last
///   ..     ..   bitmap
///   ..     2    bytes of a bitmap: bit i = the sender leaves daemon i out for a while
///   ..     ..   bitmap
///   ..     2    bytes of the sender's full-sized datagrams, which those of its next ring do not
///               exceed
///   ..     4    checksum of the sender's settings (see Settings)
///   ..     1    least version of this wire that the sender speaks; 0 or the end of the datagram:
///               it speaks version 6 only
///   ..     1    greatest
///   ..     ..   to the end of the datagram: padding, and what later versions may add; skipped
// clang-format on
struct Report {
    bool full_sized = false;
    std::vector<std::uint8_t> heard;  ///< of each configured daemon: the sum of some Heard
    DaemonSet ring;
    DaemonSet left_out;
    bool asks = false;  ///< whoever gets this answers with a probe at once
    std::uint16_t full_bytes = 0;
    std::uint32_t settings = 0;
    std::uint8_t wire_least = kRingWireCommon;
    std::uint8_t wire_greatest = kRingWireCommon;

    friend bool operator==(const Report&, const Report&) = default;
};

/// By which ways a daemon was heard.
enum class Heard : std::uint8_t {
    kUnicast = 1,   ///< data, sent to the hearer's own address
    kGroup = 2,     ///< data, sent to a multicast or broadcast address
    kToken = 4,     ///< on the token port
    kFullSized = 8  ///< data in datagrams as large as they get
};

// clang-format off
/// Join
///
///   offset size field
///   32     8    incarnation of the sender
///   40     8    highest ring counter the sender knows
///   48     8    join_seq, grows with every join of this incarnation
///   56     2    number of daemons in proc_set
///   58     2    number in fail_set
///   60     4n   the two lists of DaemonIds
///   ..     ..   report
// clang-format on
struct Join {
    Incarnation incarnation;
    std::uint64_t highest_counter = 0;
    std::uint64_t join_seq = 0;
    MemberList proc_set;
    MemberList fail_set;
    Report report;

    friend bool operator==(const Join&, const Join&) = default;
};

[[nodiscard]] Decoded<Join> decode_join(std::span<const std::byte> datagram);

/// What one member brings into a new ring: filled in on the commit token's first pass.
struct CommitMember {
    DaemonId id;
    bool filled = false;
    Incarnation incarnation;
    RingId old_ring;
    Seq aru;                     ///< holds all packets of the old ring up to here
    Seq safe_up_to;              ///< highest line known to be received by the whole old ring
    std::vector<SeqRange> held;  ///< packets held beyond aru, ascending, disjoint, not adjacent
    /// Senders whose messages were promised in interrupted recoveries: their places in the
    /// configuration file, which the equal configuration hash makes comparable.
    DaemonSet obligation;

    friend bool operator==(const CommitMember&, const CommitMember&) = default;
};

// clang-format off
/// Commit token; ring_id of the header is the ring being formed.
///
///   offset size field
///   32     8    token_seq, grows by one per hop, continued by the ring's regular token
///   40     1    pass: 1 collects, 2 distributes
///   41     1    zero
///   42     2    number of members, configuration order
///   44     ..   members, each:
///               u32 id, u8 filled; if filled also
///               u64 incarnation, old ring (u32, u32, u64), u64 aru, u64 safe_up_to,
///               u16 bytes of the bitmap of held packets, bitmap (bit i = packet aru + 1 + i; the
///               first is clear, the last byte is not zero),
///               u16 bytes of the obligation bitmap, bitmap (bit i = daemon i of the file)
// clang-format on
struct CommitToken {
    RingId ring_id;
    DaemonId sender;
    TokenSeq token_seq;
    std::uint8_t version = kRingWireGreatest;  ///< of the packet, and of the ring it forms
    std::uint8_t pass = 1;
    std::vector<CommitMember> members;

    friend bool operator==(const CommitToken&, const CommitToken&) = default;
};

/// How far beyond its aru a member of a ring of `members` can report what it holds, so that the
/// token fits one datagram. Packets beyond count as lost, a member's own ones, too: windows must be
/// smaller.
[[nodiscard]] constexpr std::size_t held_span_max(std::size_t members) {
    return 8 * ((kRingDatagramBytesMax - 64) / members - 72);
}

[[nodiscard]] Decoded<CommitToken> decode_commit(const PacketHeader& header,
                                                 std::span<const std::byte> datagram);
/// Header included.
[[nodiscard]] Decoded<CommitToken> decode_commit(std::span<const std::byte> datagram);

// clang-format off
/// Probe
///
///   offset size field
///   32     8    incarnation
///   40     8    highest ring counter
///   48     8    join_seq: joins and probes of an incarnation are numbered together
///   56     ..   report
// clang-format on
struct Probe {
    Incarnation incarnation;
    std::uint64_t highest_counter = 0;
    std::uint64_t join_seq = 0;
    Report report;

    friend bool operator==(const Probe&, const Probe&) = default;
};

[[nodiscard]] Decoded<Probe> decode_probe(std::span<const std::byte> datagram);

/// Hold: 32 + 8 bytes token_seq of the token being held.
[[nodiscard]] Decoded<TokenSeq> decode_hold(std::span<const std::byte> datagram);

/// Wake: 32 + 8 bytes token_seq of the last token the sender saw.
[[nodiscard]] Decoded<TokenSeq> decode_wake(std::span<const std::byte> datagram);

/// Settings: what the sender's configuration file says about the ring, as lines of text to the end
/// of the datagram. Sent to whoever shows another configuration hash, or other settings in a
/// report; it is the one packet that is read whatever its configuration hash is.
[[nodiscard]] Decoded<std::string> decode_settings(std::span<const std::byte> datagram);

/// Leave: the header alone.
[[nodiscard]] Decoded<std::monostate> decode_empty(std::span<const std::byte> datagram);

// --- encoders -----------------------------------------------------------------------------------

// A fresh datagram, from the pool where it fits a block, else from the heap.

[[nodiscard]] Slice encode_token(const Token& token, std::uint32_t config_hash, BufferPool& pool,
                                 std::uint8_t version = kRingWireGreatest);
/// `data` and `token` as they would be sent one by one.
[[nodiscard]] Slice encode_data_token(std::span<const std::byte> data,
                                      std::span<const std::byte> token, const PacketHeader& header,
                                      BufferPool& pool);
/// Joins and probes whose report says full_sized are padded to `full_bytes`.
[[nodiscard]] Slice encode_join(const Join& join, const PacketHeader& header, BufferPool& pool,
                                std::size_t full_bytes = 0);
[[nodiscard]] Slice encode_commit(const CommitToken& token, std::uint32_t config_hash,
                                  BufferPool& pool);
[[nodiscard]] Slice encode_probe(const Probe& probe, const PacketHeader& header, BufferPool& pool,
                                 std::size_t full_bytes = 0);
[[nodiscard]] Slice encode_hold(TokenSeq token_seq, const PacketHeader& header, BufferPool& pool);
[[nodiscard]] Slice encode_wake(TokenSeq token_seq, const PacketHeader& header, BufferPool& pool);
/// Cut off where it would not fit into a datagram.
[[nodiscard]] Slice encode_settings(std::string_view text, const PacketHeader& header,
                                    BufferPool& pool);
[[nodiscard]] Slice encode_empty(const PacketHeader& header, BufferPool& pool);

}  // namespace spread::protocol
