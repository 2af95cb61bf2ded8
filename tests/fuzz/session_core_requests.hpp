#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"
#include "tests/fuzz/script.hpp"

/// What clients say to the session layer, out of the bytes of a script.
namespace spread::fuzz {

using Bytes = std::vector<std::byte>;

inline constexpr std::array kUsers = {"a", "b", "c", "longestnam", ""};
inline constexpr std::array kGroups = {"g", "h", "room", "", "#a#d1", "#b#d1", "#a#d2", "x"};

inline void append(Bytes& to, std::span<const std::byte> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

struct Hello {
    Bytes bytes;
    std::uint8_t pieces = 0;  ///< see Driver::say()
};

/// C1, C2 and a password, as far as the script wants it.
inline Hello make_hello(Script& script) {
    const std::uint8_t how = script.byte();
    const std::uint8_t what = script.byte();
    protocol::ConnectRequest opening;
    constexpr std::array<protocol::SpreadVersion, 8> kVersions = {{{5, 0, 1},
                                                                   {5, 0, 1},
                                                                   {4, 4, 0},
                                                                   {3, 17, 3},
                                                                   {3, 17, 3},
                                                                   {3, 15, 0},
                                                                   {3, 13, 0},
                                                                   {3, 0, 0}}};
    opening.version = kVersions[how % kVersions.size()];
    opening.flags = (how & 8U) != 0 ? 0 : 1;
    opening.private_name = kUsers[(how >> 4U) % kUsers.size()];
    Bytes bytes = protocol::encode_connect(opening);
    if (opening.version.chooses_auth() && (what & 1U) == 0) {
        std::vector<std::string> methods = {"NULL"};
        if ((what & 2U) != 0) {
            methods = {"PWORD"};
        } else if ((what & 4U) != 0) {
            methods = {"IP", "NULL"};
        }
        append(bytes, protocol::encode_auth_choice(methods));
        if ((what & 2U) != 0 && (what & 8U) == 0) {
            append(bytes, protocol::encode_password_proof(kUsers[how % kUsers.size()], "p"));
        }
    }
    return {std::move(bytes), static_cast<std::uint8_t>(what >> 4U)};
}

inline void mutate(protocol::SessionHeader& header, Script& script) {
    const std::uint8_t which = script.byte();
    switch (which % 6) {
        case 0: header.type ^= script.word(); return;
        case 1: header.num_groups = static_cast<std::int32_t>(script.word()); return;
        case 2: header.data_len = static_cast<std::int32_t>(script.word()); return;
        case 3: header.hint[which / 6U % 4U] ^= static_cast<std::byte>(script.byte()); return;
        case 4: header.num_groups = which / 6; return;
        default:
            header.private_group_name =
                protocol::NameField(std::string_view(kGroups[script.byte() % kGroups.size()]));
    }
}

/// What a client named `private_name` asks, right or not.
inline Bytes make_request(Script& script, std::uint8_t how, std::string_view private_name) {
    const std::uint8_t what = script.byte();
    constexpr std::array kTypes = {protocol::kJoinMess,
                                   protocol::kJoinMess,
                                   protocol::kLeaveMess,
                                   protocol::kAgreedMess,
                                   protocol::kSafeMess,
                                   protocol::kFifoMess | protocol::kSelfDiscard,
                                   protocol::kReliableMess | protocol::kDropRecv,
                                   protocol::kKillMess};
    protocol::SessionHeader header;
    header.order = (what & 8U) != 0 ? protocol::ByteOrder::kBig : protocol::ByteOrder::kLittle;
    header.type = kTypes[what % kTypes.size()];
    header.private_group_name = protocol::NameField(private_name);
    header.num_groups = 1 + ((what & 0x10U) != 0 ? script.byte() % 100 : 0);
    header.hint = protocol::make_hint(how, header.order);
    header.data_len = (what & 0x20U) != 0 ? script.byte() * 50 : 0;
    Bytes rest;
    for (std::int32_t i = 0; i < header.num_groups; ++i) {
        append(
            rest,
            protocol::NameField(
                std::string_view(
                    kGroups[(static_cast<std::size_t>(i) + (what >> 5U) + how) % kGroups.size()]))
                .bytes());
    }
    rest.resize(rest.size() + static_cast<std::size_t>(header.data_len), std::byte{0x5a});
    if ((what & 0xc0U) == 0xc0U) {
        mutate(header, script);
    }
    Bytes bytes(protocol::kSessionHeaderBytes);
    protocol::encode_session_header(header,
                                    std::span(bytes).first<protocol::kSessionHeaderBytes>());
    append(bytes, rest);
    return bytes;
}

}  // namespace spread::fuzz
