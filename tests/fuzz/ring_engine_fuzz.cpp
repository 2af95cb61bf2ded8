#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "membership/ring_engine.hpp"
#include "protocol/byte_reader.hpp"
#include "protocol/ring_wire.hpp"

// One engine among hostile peers. The input is a script of packets that are well-formed for the
// engine's present state but lie in their fields, of submissions and of passing time. The engine
// must neither crash nor answer without bound.

namespace {

using namespace spread;
using namespace spread::protocol;

class Script {
  public:
    explicit Script(std::span<const std::byte> bytes) : reader_(bytes) {}

    [[nodiscard]] bool done() const { return !reader_.ok() || reader_.remaining() == 0; }
    std::uint8_t byte() { return reader_.read_le<std::uint8_t>(); }
    DaemonId peer() { return DaemonId{2U + byte() % 3U}; }
    /// Mostly small offsets around `near`, now and then anything.
    std::uint64_t number(std::uint64_t near) {
        const std::uint8_t how = byte();
        if (how < 0xf0) {
            return near + how % 16 - (how / 16 % 4 == 0 ? 3 : 0);
        }
        return reader_.read_le<std::uint64_t>();
    }
    MemberList members() {
        MemberList list;
        const std::uint8_t bits = byte();
        for (std::uint32_t i = 0; i < 4; ++i) {
            if ((bits >> i & 1U) != 0) {
                list.push_back(DaemonId{i + 1});
            }
        }
        return list;
    }

    DaemonSet set() {
        const std::uint8_t bits = byte();
        DaemonSet set;
        for (DaemonIndex i = 0; i < 8; ++i) {
            if ((bits >> i & 1U) != 0) {
                set.insert(i);
            }
        }
        return set;
    }

  private:
    ByteReader reader_;
};

/// Good links everywhere, so that rings form.
Report heard_by_all() {
    Report report;
    report.full_sized = true;
    report.heard.assign(4, 15);
    return report;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script script(std::as_bytes(std::span(data, size)));
    BufferPool pool(2048, 1U << 16U);
    membership::NullTracer tracer;
    membership::RingConfig config;
    config.daemons = {DaemonId{1}, DaemonId{2}, DaemonId{3}, DaemonId{4}};
    config.self = DaemonId{1U + script.byte() % 2U};
    config.gap_max = 50;
    membership::RingEngine engine(config, Incarnation{1000}, 1000, Rng(1), pool, tracer);
    membership::EngineOutput out;
    Instant now{};
    engine.on_start(now, out);
    RingId forming;  // seen on a commit token of the engine's
    CommitToken commit;
    std::uint64_t join_seq = 0;
    std::uint64_t counter = 1000;
    std::uint64_t token_seq = 0;
    Slice last_data;
    while (!script.done()) {
        for (const auto& packet : out.sends) {
            if (auto sent = decode_commit(packet.datagram.bytes())) {
                commit = std::move(*sent);
                forming = commit.ring_id;
                token_seq = commit.token_seq.value;
            } else if (const auto join = decode_join(packet.datagram.bytes())) {
                counter = join->highest_counter;
            } else if (const auto token = decode_token(packet.datagram.bytes())) {
                token_seq = token->token_seq.value;
            } else if (const auto parts = decode_data_token(packet.datagram.bytes())) {
                if (const auto behind = decode_token(parts->token)) {
                    token_seq = behind->token_seq.value;
                }
            }
        }
        if (out.sends.size() > 100000) {
            std::abort();
        }
        out.clear();
        const RingId ring = script.byte() % 2 == 0 ? engine.ring_id() : forming;
        PacketHeader header{PacketKind::kJoin, 0, script.peer(), ring};
        const std::uint64_t seq = engine.stats().high_seq.value;
        Slice datagram;
        switch (script.byte() % 12) {
            case 0:
            case 1: {
                const Join join{Incarnation{script.number(1)},
                                script.number(counter),
                                ++join_seq,
                                script.members(),
                                script.members(),
                                heard_by_all()};
                datagram = encode_join(join, header, pool);
                break;
            }
            case 2: {  // what a correct daemon would answer
                const Join join{Incarnation{5},   counter, ++join_seq,
                                script.members(), {},      heard_by_all()};
                datagram = encode_join(join, header, pool);
                break;
            }
            case 3:
            case 4: {
                CommitToken token = commit;
                token.sender = header.sender;
                token.token_seq = TokenSeq{script.number(token_seq)};
                token.pass = static_cast<std::uint8_t>(1 + script.byte() % 2);
                for (CommitMember& member : token.members) {
                    if (member.id == config.self && member.filled) {
                        continue;
                    }
                    member.filled = token.pass == 2 || script.byte() % 4 != 0;
                    member.old_ring = script.byte() % 2 == 0 ? engine.ring_id() : forming;
                    member.aru = Seq{script.number(seq) % (1U << 30U)};
                    member.safe_up_to = Seq{member.aru.value / 2};
                    member.held.clear();
                    if (script.byte() % 2 == 0) {
                        member.held.push_back({member.aru + 2 + script.byte(), 1U + script.byte()});
                    }
                    member.obligation = script.set();
                }
                if (token.members.empty()) {
                    for (const DaemonId id : script.members()) {
                        token.members.emplace_back().id = id;
                    }
                    token.ring_id = RingId{DaemonId{1}, 1, counter + 2};
                }
                if (!token.members.empty()) {
                    datagram = encode_commit(token, 0, pool);
                }
                break;
            }
            case 5:
            case 6: {
                Token token;
                token.ring_id = ring;
                token.sender = header.sender;
                token.token_seq = TokenSeq{script.number(token_seq)};
                token.seq = Seq{script.number(seq) % (1U << 30U)};
                token.aru = Seq{std::min(token.seq.value, script.number(seq))};
                token.aru_id = header.sender;
                token.fcc = script.byte();
                token.backlog = script.byte();
                token.window = script.byte() * 16U;
                token.window_limit = script.byte() * 16U;
                token.lost = script.byte();
                token.loss_wanted = 1000U * script.byte();
                token.loss_timeout = 1000U * script.byte();
                token.complete = script.set();
                const std::uint8_t flags = script.byte();
                token.to = DaemonId{flags % 4U};
                token.may_rest = (flags & 4U) != 0;
                token.out_of_turn = (flags & 8U) != 0;
                token.lease = (flags & 16U) != 0;
                if (token.seq.value > 3) {
                    token.rtr = {{Seq{token.seq.value - 2}, 2}};
                }
                datagram = encode_token(token, 0, pool);
                if ((flags & 32U) != 0 && last_data.buffer) {
                    header.kind = PacketKind::kDataToken;
                    datagram = encode_data_token(last_data.bytes(), datagram.bytes(), header, pool);
                }
                break;
            }
            case 7:
            case 8: {
                DataBuilder builder(pool.acquire_or_heap(), 1400);
                const std::uint8_t flags = script.byte();
                auto payload = builder.add_entry(
                    flags % 64, (flags & 1U) != 0, (flags & 2U) != 0,
                    (flags & 4U) != 0 ? Service::kSafe : Service::kAgreed,
                    (flags & 8U) != 0 ? MessageKind::kRecoveryPacket : MessageKind::kClientFrame);
                std::fill(payload.begin(), payload.end(), std::byte{1});
                header.kind = PacketKind::kData;
                datagram = builder.finish(header, Seq{script.number(seq)},
                                          TokenSeq{script.number(token_seq)});
                last_data = datagram;
                break;
            }
            case 9: {
                const std::uint8_t what = script.byte();
                if (what == 255) {
                    header.kind = PacketKind::kSettings;
                    datagram = encode_settings("TokenTimeout 1 ms\n", header, pool);
                    break;
                }
                header.kind = what % 4 == 0   ? PacketKind::kWake
                              : what % 4 == 1 ? PacketKind::kLeave
                                              : PacketKind::kHold;
                if (what % 4 == 3) {
                    header.kind = PacketKind::kProbe;
                    datagram =
                        encode_probe({Incarnation{3}, 4, ++join_seq, heard_by_all()}, header, pool);
                } else if (what % 4 == 2) {
                    datagram = encode_hold(TokenSeq{script.number(token_seq)}, header, pool);
                } else if (what % 4 == 0) {
                    datagram = encode_wake(TokenSeq{script.number(token_seq)}, header, pool);
                } else {
                    if (what % 8 == 5) {
                        header.kind = PacketKind::kAlive;
                    }
                    datagram = encode_empty(header, pool);
                }
                break;
            }
            case 10: {
                membership::Submission submission;
                submission.body = make_message(std::vector<std::byte>(script.byte() * 16U));
                submission.control = script.byte() % 8 == 0;
                static_cast<void>(engine.submit(std::move(submission)));
                engine.on_submitted(now, out);
                engine.resume(now, engine.ring_id(), out);
                break;
            }
            default:
                now += std::chrono::milliseconds(script.byte());
                if (const auto due = engine.next_deadline(); due && *due <= now) {
                    engine.on_deadline(now, out);
                }
                break;
        }
        if (datagram.buffer) {
            if (header.kind == PacketKind::kJoin || header.kind == PacketKind::kProbe) {
                engine.on_packet(now, membership::Arrival::kToken, datagram, out);
            }
            engine.on_packet(now, membership::Arrival::kGroup, datagram, out);
        }
    }
    return 0;
}
