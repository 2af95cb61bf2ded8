#include "membership/groups/group_wire.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/names.hpp"

namespace spread::membership {
namespace {

using protocol::DaemonId;
using protocol::DecodeError;
using protocol::GroupId;
using protocol::NameField;
using ::testing::ElementsAre;

std::vector<std::byte> bytes_of(const protocol::Message& message) {
    std::vector<std::byte> bytes(message.size());
    message.copy_to(bytes);
    return bytes;
}

GroupStatePart sample() {
    GroupStatePart part;
    part.ring = {.representative = DaemonId{0x5c8d7aef}, .nonce = 7, .counter = 0x16b0346bf};
    part.sender = DaemonId{2};
    part.part = 3;
    part.last = true;
    part.synced = {DaemonId{2}, DaemonId{5}};
    part.groups = {
        {.name = NameField(""),
         .id = {.proc_id = -1, .time = 5, .index = 1},
         .changed = true,
         .daemons = {{.id = DaemonId{2}, .users = {"B", "a", "b"}},
                     {.id = DaemonId{5}, .users = {"tenletters"}}}},
        {.name = NameField(std::string(31, 'g')),
         .id = {.proc_id = 9, .time = 8, .index = 7},
         .changed = false,
         .daemons = {{.id = DaemonId{5}, .users = {"x"}}}},
    };
    return part;
}

TEST(GroupWire, ARequestIsTwoNameFields) {
    const GroupRequest request{.group = NameField("room"), .member = NameField("#alice#d1")};
    const auto bytes = bytes_of(encode_group_request(request));
    ASSERT_EQ(bytes.size(), 64U);
    EXPECT_EQ(bytes[0], std::byte{'r'});
    EXPECT_EQ(bytes[32], std::byte{'#'});
    EXPECT_EQ(decode_group_request(bytes), request);
}

TEST(GroupWire, ADisconnectIsOneNameField) {
    const auto bytes = bytes_of(encode_disconnect(NameField("#alice#d1")));
    ASSERT_EQ(bytes.size(), 32U);
    EXPECT_EQ(decode_disconnect(bytes), NameField("#alice#d1"));
}

TEST(GroupWire, CutOrLongRequestsAreRefused) {
    const auto request = bytes_of(
        encode_group_request({.group = NameField("room"), .member = NameField("#alice#d1")}));
    for (std::size_t size = 0; size < request.size(); ++size) {
        EXPECT_EQ(decode_group_request(std::span(request).first(size)).error(),
                  DecodeError::kTruncated);
    }
    const std::vector<std::byte> disconnect = bytes_of(encode_disconnect(NameField("#alice#d1")));
    for (std::size_t size = 0; size < disconnect.size(); ++size) {
        EXPECT_EQ(decode_disconnect(std::span(disconnect).first(size)).error(),
                  DecodeError::kTruncated);
    }
    auto longer = request;
    longer.push_back(std::byte{0});
    EXPECT_EQ(decode_group_request(longer).error(), DecodeError::kTrailingBytes);
    longer.resize(33);
    EXPECT_EQ(decode_disconnect(longer).error(), DecodeError::kTrailingBytes);
}

TEST(GroupWire, NamesThatClientsMustNotSeeAreRefused) {
    const auto good = bytes_of(
        encode_group_request({.group = NameField("room"), .member = NameField("#alice#d1")}));
    struct Case {
        const char* what;
        std::size_t at;
        char value;
    };
    for (const Case& c : {Case{"junk behind the group's NUL", 10, 'x'},
                          Case{"junk behind the member's NUL", 63, 'x'},
                          Case{"member without #", 32, 'x'}, Case{"blank in the member", 34, ' '},
                          Case{"member without daemon", 38, 'x'}, Case{"empty member", 32, 0}}) {
        auto bytes = good;
        bytes[c.at] = static_cast<std::byte>(c.value);
        EXPECT_EQ(decode_group_request(bytes).error(), DecodeError::kBadValue) << c.what;
    }
    auto unterminated = good;
    std::fill_n(unterminated.begin(), 32, std::byte{'g'});
    EXPECT_EQ(decode_group_request(unterminated).error(), DecodeError::kBadValue);
}

TEST(GroupState, WhatWasWrittenIsRead) {
    const GroupStatePart part = sample();
    EXPECT_EQ(decode_group_state(bytes_of(encode_group_state(part))), part);
    GroupStatePart empty = part;
    empty.groups.clear();
    empty.last = false;
    EXPECT_EQ(decode_group_state(bytes_of(encode_group_state(empty))), empty);
}

TEST(GroupState, TheLayoutIsThatOfTheTable) {
    GroupStatePart part = sample();
    part.groups.erase(part.groups.begin());
    part.groups[0].name = NameField("g");
    part.groups[0].changed = true;
    std::string hex;
    for (const std::byte b : bytes_of(encode_group_state(part))) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        hex += kDigits[std::to_integer<unsigned>(b) >> 4U];
        hex += kDigits[std::to_integer<unsigned>(b) & 15U];
    }
    EXPECT_EQ(hex,
              "ef7a8d5c"
              "07000000"
              "bf46036b01000000"
              "02000000"
              "03000000"
              "01"
              "00"
              "0200"
              "02000000"
              "05000000"
              "01"
              "01"
              "09000000"
              "08000000"
              "07000000"
              "01"
              "67"
              "02"
              "05000000"
              "03"
              "01"
              "78");
}

TEST(GroupState, ACutPartIsRefusedUnlessItEndsBehindAMember) {
    const auto bytes = bytes_of(encode_group_state(sample()));
    std::vector<std::size_t> accepted;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto part = decode_group_state(std::span(bytes).first(size));
        if (part) {
            accepted.push_back(size);
        } else {
            EXPECT_EQ(part.error(), DecodeError::kTruncated) << size;
        }
    }
    // Behind the header, each of the three members and the daemon after them.
    EXPECT_THAT(accepted, ElementsAre(36, 59, 62, 65, 82));
}

TEST(GroupState, MalformedPartsAreRefused) {
    const auto good = bytes_of(encode_group_state(sample()));
    struct Case {
        const char* what;
        std::size_t at;
        std::uint8_t value;
        DecodeError error;
    };
    // Offsets: records from 36; group 36 (15 bytes, no name), daemon 51, members 56, 59, 62,
    // daemon 65, member 70, group 82 (46 bytes), daemon 128, member 133.
    for (const Case& c : {
             Case{"unknown flag", 24, 3, DecodeError::kBadValue},
             Case{"reserved byte", 25, 1, DecodeError::kBadValue},
             Case{"empty synced set", 26, 0, DecodeError::kBadValue},
             Case{"synced set beyond the end", 27, 0xff, DecodeError::kTruncated},
             Case{"sender does not speak for itself", 28, 9, DecodeError::kBadValue},
             Case{"unknown record", 36, 4, DecodeError::kBadKind},
             Case{"daemon before any group", 36, 2, DecodeError::kBadValue},
             Case{"member before any group", 36, 3, DecodeError::kBadValue},
             Case{"unknown group flag", 37, 2, DecodeError::kBadValue},
             Case{"name of 32 bytes", 50, 32, DecodeError::kBadValue},
             Case{"daemon outside the synced set", 52, 9, DecodeError::kBadValue},
             Case{"empty user", 57, 0, DecodeError::kBadValue},
             Case{"user of eleven bytes", 57, 11, DecodeError::kBadValue},
             Case{"user with a blank", 58, ' ', DecodeError::kBadValue},
             Case{"users out of order", 61, 'A', DecodeError::kBadValue},
             Case{"user twice", 61, 'B', DecodeError::kBadValue},
             Case{"daemon twice", 66, 2, DecodeError::kBadValue},
             Case{"NUL in a group name", 97, 0, DecodeError::kBadValue},
         }) {
        auto bytes = good;
        ASSERT_LT(c.at, bytes.size());
        bytes[c.at] = std::byte{c.value};
        const auto part = decode_group_state(bytes);
        ASSERT_FALSE(part.has_value()) << c.what;
        EXPECT_EQ(part.error(), c.error) << c.what;
    }
    GroupStatePart unsorted = sample();
    std::swap(unsorted.groups[0], unsorted.groups[1]);
    EXPECT_EQ(decode_group_state(bytes_of(encode_group_state(unsorted))).error(),
              DecodeError::kBadValue);
}

TEST(GroupStateWriter, AnEmptyTableIsOnePart) {
    GroupStatePart first = sample();
    first.groups.clear();
    GroupStateWriter writer(first, 100000);
    const auto messages = writer.finish();
    ASSERT_EQ(messages.size(), 1U);
    const auto part = decode_group_state(bytes_of(messages[0]));
    ASSERT_TRUE(part.has_value());
    EXPECT_EQ(part->part, 0U);
    EXPECT_TRUE(part->last);
    EXPECT_EQ(part->synced, first.synced);
}

TEST(GroupStateWriter, PartsKeepTheirLimitAndJoinUpAgain) {
    GroupStatePart first = sample();
    first.groups.clear();
    GroupStateWriter writer(first, 0);  // kGroupStateBytesMin
    std::vector<std::string> users;
    for (int i = 1000; i < 2000; ++i) {
        users.push_back("u" + std::to_string(i));
    }
    const GroupId id{.proc_id = 1, .time = 2, .index = 3};
    for (const char* name : {"a", "b"}) {
        writer.group(NameField(name), id, false);
        for (const DaemonId daemon : first.synced) {
            writer.daemon(daemon);
            for (const auto& user : users) {
                writer.member(user);
            }
        }
    }
    const auto messages = writer.finish();
    EXPECT_GT(messages.size(), 25U);
    std::vector<std::string> joined;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        EXPECT_LE(messages[i].size(), kGroupStateBytesMin);
        const auto part = decode_group_state(bytes_of(messages[i]));
        ASSERT_TRUE(part.has_value()) << i;
        EXPECT_EQ(part->part, i);
        EXPECT_EQ(part->last, i + 1 == messages.size());
        for (const auto& group : part->groups) {
            for (const auto& daemon : group.daemons) {
                for (const auto& user : daemon.users) {
                    joined.push_back(group.name.string() + std::to_string(daemon.id.value) + user);
                }
            }
        }
    }
    std::vector<std::string> expected;
    for (const char* name : {"a", "b"}) {
        for (const DaemonId daemon : first.synced) {
            for (const auto& user : users) {
                expected.push_back(name + std::to_string(daemon.value) + user);
            }
        }
    }
    EXPECT_EQ(joined, expected);
}

}  // namespace
}  // namespace spread::membership
