// Any client bytes in any fragmentation: the session machine says the same as for all of them at
// once, lets through only well-formed frames, and holds no more memory than the client paid for.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/session/session_machine.hpp"
#include "protocol/names.hpp"
#include "protocol/rng.hpp"
#include "protocol/session_wire.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/script.hpp"

namespace {

using namespace spread::session;
using namespace spread::protocol;
using spread::fuzz::Script;
using Bytes = std::vector<std::byte>;
using spread::fuzz::require;

const AuthMethods kAuthMethods{.allowed = {"NULL", "IP", "PWORD"}, .required = {}};

void append(Bytes& stream, std::span<const std::byte> bytes) {
    stream.insert(stream.end(), bytes.begin(), bytes.end());
}

/// Mostly NULL, so that most conversations get past their handshake.
std::vector<std::string> choice_of(std::uint8_t byte) {
    switch (byte % 8) {
        case 5: return {"IP"};
        case 6: return {"PWORD"};
        case 7: return {"PWORD", "IP", "NULL"};
        default: return {"NULL"};
    }
}

Bytes stream_of(Script script) {
    constexpr std::array kActions = {
        kUnreliableMess, kReliableMess, kFifoMess,  kCausalMess, kAgreedMess,
        kSafeMess,       kJoinMess,     kLeaveMess, kKillMess,   kAgreedMess | kSelfDiscard};
    Bytes stream;
    if (script.byte() % 4 != 0) {
        ConnectRequest request;
        request.private_name = "tst";
        append(stream, encode_connect(request));
        append(stream, encode_auth_choice(choice_of(script.byte())));
    }
    while (!script.done() && stream.size() < 400000) {
        const std::uint8_t op = script.byte();
        if (op % 4 == 0) {
            append(stream, script.some(op / 4));
            continue;
        }
        SessionHeader header;
        header.order = op % 4 == 1 ? ByteOrder::kBig : ByteOrder::kLittle;
        header.type = kActions[script.byte() % kActions.size()];
        header.private_group_name = NameField("#tst#d1");
        header.hint = make_hint(static_cast<std::int16_t>(script.byte()), header.order);
        header.num_groups = script.byte() % 104;
        header.data_len = script.byte() * (op >= 192 ? 600 : 1);
        if (op % 64 == 7) {
            header.type ^= script.word();
        }
        std::array<std::byte, kSessionHeaderBytes> bytes;
        encode_session_header(header, bytes);
        append(stream, bytes);
        const std::size_t rest = static_cast<std::size_t>(header.num_groups) * kNameFieldBytes +
                                 static_cast<std::size_t>(header.data_len);
        const auto own = script.some(std::min<std::size_t>(rest, op));
        append(stream, own);
        stream.resize(stream.size() + rest - own.size(), static_cast<std::byte>(op));
    }
    return stream;
}

/// One step as bytes: the number of its alternative, then what it says.
Bytes record_of(const SessionStep& step) {
    Bytes record{static_cast<std::byte>(step.index())};
    std::visit(
        [&record](const auto& s) {
            using Step = std::decay_t<decltype(s)>;
            if constexpr (std::is_same_v<Step, Multicast>) {
                record.push_back(static_cast<std::byte>(s.service));
                Bytes frame(s.frame.size());
                s.frame.copy_to(frame);
                append(record, frame);
            } else if constexpr (std::is_same_v<Step, Requested>) {
                record.push_back(static_cast<std::byte>(s.request.index()));
                std::visit(
                    [&record](const auto& request) {
                        if constexpr (requires { request.group; }) {
                            require(request.group.is_terminated());
                            append(record, request.group.bytes());
                        }
                    },
                    s.request);
            } else if constexpr (std::is_same_v<Step, PasswordAsked>) {
                require(s.user.size() <= kPasswordUserBytes && s.password.size() <= kPasswordBytes);
                append(record, std::as_bytes(std::span(s.user)));
                append(record, std::as_bytes(std::span(s.password)));
            } else if constexpr (std::is_same_v<Step, AuthListDue> ||
                                 std::is_same_v<Step, VerdictDue> ||
                                 std::is_same_v<Step, Accepted>) {
                append(record, s.bytes);
            } else if constexpr (std::is_same_v<Step, Rejected>) {
                record.push_back(static_cast<std::byte>(s.code));
            } else if constexpr (std::is_same_v<Step, NameAsked>) {
                append(record, std::as_bytes(std::span(s.request.private_name)));
            } else if constexpr (std::is_same_v<Step, Illegal>) {
                require(std::all_of(s.detail.begin(), s.detail.end(),
                                    [](char c) { return c >= ' ' && c <= '~'; }));
                append(record, std::as_bytes(std::span(s.detail)));
            }
        },
        step);
    return record;
}

void check_frame(const Multicast& multicast, const NameField& own) {
    Bytes frame(multicast.frame.size());
    require(multicast.frame.copy_to(frame) == frame.size());
    require(frame.size() >= kSessionHeaderBytes && frame.size() <= kSessionFrameMax);
    const SessionHeader header =
        decode_session_header(std::span<const std::byte>(frame).first<kSessionHeaderBytes>());
    require(header.order == ByteOrder::kLittle);
    require(check_request(header, own) == RequestKind::kMulticast);
    require(header.private_group_name.is_terminated());
    require(frame_bytes(header) == frame.size());
}

std::vector<Bytes> conversation(std::span<const std::byte> stream, Rng* pieces) {
    SessionMachine machine(kAuthMethods);
    std::vector<Bytes> records;
    std::size_t fed = 0;
    while (fed < stream.size()) {
        const std::size_t left = stream.size() - fed;
        std::size_t count = left;
        if (pieces != nullptr) {
            const std::size_t most = pieces->chance(1, 4) ? 5000 : 60;
            count = std::min<std::size_t>(left, 1 + pieces->below(most));
        }
        BufferRef buffer = BufferRef::allocate(count);
        std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(fed), count, buffer->data());
        Slice input{std::move(buffer), 0, static_cast<std::uint32_t>(count)};
        fed += count;
        for (;;) {
            const SessionStep step = machine.next(input);
            if (std::holds_alternative<NeedBytes>(step)) {
                require(input.length == 0);
                break;
            }
            records.push_back(record_of(step));
            if (const auto* multicast = std::get_if<Multicast>(&step)) {
                check_frame(*multicast, machine.private_group());
            }
            if (const auto* asked = std::get_if<NameAsked>(&step)) {
                const auto& name = asked->request.private_name;
                machine.grant_name(NameField(make_private_group(name.empty() ? "r1" : name, "d1")));
            } else if (machine.is_waiting()) {
                // The same answer however the bytes come: by what has been said so far.
                machine.answer(records.size() % 8 != 3);
            }
        }
        require(machine.assembly_bytes() <= std::max<std::size_t>(4096, 2 * fed));
    }
    return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    if (input.empty()) {
        return 0;
    }
    Rng pieces(std::to_integer<std::uint64_t>(input.front()));
    const Bytes stream = stream_of(Script(input.subspan(1)));
    require(conversation(stream, nullptr) == conversation(stream, &pieces));
    return 0;
}
