#include "protocol/membership_frames.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::protocol {
namespace {

std::vector<std::byte> bytes_of(const Message& message) {
    std::vector<std::byte> bytes(message.size());
    message.copy_to(bytes);
    return bytes;
}

/// Reads hex with blanks; "name:text" stands for a whole name field.
std::vector<std::byte> from_parts(const std::vector<std::string>& parts) {
    std::vector<std::byte> bytes;
    for (const std::string& part : parts) {
        if (part.starts_with("name:")) {
            const NameField name(std::string_view(part).substr(5));
            bytes.insert(bytes.end(), name.bytes().begin(), name.bytes().end());
            continue;
        }
        for (std::size_t i = 0; i + 1 < part.size(); i += 2) {
            bytes.push_back(static_cast<std::byte>(std::stoi(part.substr(i, 2), nullptr, 16)));
        }
    }
    return bytes;
}

std::span<const std::byte> body_of(const std::vector<std::byte>& frame) {
    const auto header = decode_session_header(std::span(frame).first<kSessionHeaderBytes>());
    return std::span(frame).last(static_cast<std::size_t>(header.data_len));
}

const NameField kRoom{"room"};
const NameField kAlice{"#alice#d1"};
const NameField kAnna{"#anna#d1"};
const NameField kBob{"#bob#d2"};
/// The id of the recorded two-daemon conversations.
constexpr GroupId kId{.proc_id = 0x5c8d7aef, .time = 0x6b0346bf, .index = 3};

TEST(MembershipFrames, AMemberChangeLooksAsRecorded) {
    const std::vector<NameField> first = {kAlice, kAnna};
    const std::vector<NameField> second = {kBob};
    const std::vector<NameRun> members = {first, second};
    const auto expected = [](const std::string& type) {
        return from_parts({type, "name:room", "03000000", "80000080", "38000000",  //
                           "name:#alice#d1", "name:#anna#d1", "name:#bob#d2",      //
                           "ef7a8d5c", "bf46036b", "03000000", "01000000", "00000000", "01000000",
                           "name:#bob#d2"});
    };
    EXPECT_EQ(bytes_of(encode_member_change(MemberChange::kJoin, kRoom, kId, members, kBob)),
              expected("80110080"));
    EXPECT_EQ(bytes_of(encode_member_change(MemberChange::kLeave, kRoom, kId, members, kBob)),
              expected("80120080"));
    EXPECT_EQ(bytes_of(encode_member_change(MemberChange::kDisconnect, kRoom, kId, members, kBob)),
              expected("80140080"));
}

TEST(MembershipFrames, AMergeLooksAsRecordedOnBothSides) {
    const std::vector<NameField> first = {kAlice, kAnna};
    const std::vector<NameField> second = {kBob};
    const std::vector<NameRun> members = {first, second};
    const std::vector<VsSet> sets = {VsSet{.runs = {second}}, VsSet{.runs = {first}}};
    const auto expected = [](const std::string& offset) {
        return from_parts({"80180080", "name:room", "03000000", "80000080", "7c000000",  //
                           "name:#alice#d1", "name:#anna#d1", "name:#bob#d2",            //
                           "ef7a8d5c", "f649036b", "01000000", "02000000", offset,       //
                           "01000000", "name:#bob#d2",                                   //
                           "02000000", "name:#alice#d1", "name:#anna#d1"});
    };
    constexpr GroupId kMerged{.proc_id = 0x5c8d7aef, .time = 0x6b0349f6, .index = 1};
    EXPECT_EQ(bytes_of(encode_network_view(kRoom, kMerged, members, sets, 0)),
              expected("00000000"));
    EXPECT_EQ(bytes_of(encode_network_view(kRoom, kMerged, members, sets, 1)),
              expected("24000000"));
}

TEST(MembershipFrames, ASignalLooksAsRecorded) {
    EXPECT_EQ(bytes_of(encode_transitional_signal(kRoom, kId)),
              from_parts({"80200080", "name:room", "00000000", "80000080", "0c000000", "ef7a8d5c",
                          "bf46036b", "03000000"}));
}

TEST(MembershipFrames, ASelfLeaveNoticeIsJustAHeader) {
    EXPECT_EQ(bytes_of(encode_self_leave(kRoom)),
              from_parts({"80020080", "name:room", "00000000", "80000080", "00000000"}));
}

TEST(MembershipFrames, ARefusedJoinGoesBackToItsAuthor) {
    const auto request =
        from_parts({"80000180", "name:#alice#d1", "01000000", "80000080", "00000000", "name:room"});
    EXPECT_EQ(bytes_of(encode_reject(request)),
              from_parts({"80004080", "name:#alice#d1", "02000000", "80000080", "00000000",  //
                          "80010080", "name:room", "name:#alice#d1"}));
}

TEST(MembershipFrames, ARefusedMulticastKeepsHintBodyAndSelfDiscard) {
    const auto request = from_parts(
        {"d0000080", "name:#alice#d1", "01000000", "80341280", "03000000", "name:room", "616263"});
    EXPECT_EQ(bytes_of(encode_reject(request)),
              from_parts({"c0004080", "name:#alice#d1", "02000000", "80341280", "03000000",  //
                          "d0000080", "name:room", "name:#alice#d1", "616263"}));
}

TEST(MembershipFrames, TheAuthorTakesTheLastPlaceOfAHundred) {
    std::vector<std::string> parts = {"90000080", "name:#alice#d1", "64000000", "80000080",
                                      "01000000"};
    for (int i = 0; i < 100; ++i) {
        parts.push_back("name:group" + std::to_string(i));
    }
    parts.emplace_back("7a");
    const auto frame = bytes_of(encode_reject(from_parts(parts)));
    parts[0] = "80004080";
    parts.insert(parts.begin() + 5, "90000080");
    parts[105] = "name:#alice#d1";
    EXPECT_EQ(frame, from_parts(parts));
}

TEST(MembershipFrames, AnEmptyVsSetIsACountOfZero) {
    const std::vector<NameField> one = {kAlice};
    const std::vector<NameRun> members = {one};
    const std::vector<VsSet> sets = {VsSet{}, VsSet{.runs = {one}}};
    const auto frame = bytes_of(encode_network_view(kRoom, kId, members, sets, 1));
    const auto body = decode_membership_body(body_of(frame));
    ASSERT_TRUE(body.has_value());
    EXPECT_EQ(body->own_offset, 4U);
    EXPECT_EQ(body->own_set(), 1U);
    EXPECT_TRUE(body->sets[0].empty());
}

TEST(MembershipFrames, ThousandsOfMembersFit) {
    std::vector<NameField> names;
    for (int i = 0; i < 9000; ++i) {
        names.emplace_back("#m" + std::to_string(10000 + i) + "#d1");
    }
    const std::vector<NameRun> members = {names};
    const std::vector<VsSet> sets = {VsSet{.runs = members}};
    const auto frame = bytes_of(encode_network_view(kRoom, kId, members, sets, 0));
    EXPECT_EQ(frame.size(), kSessionHeaderBytes + 9000 * 32 + 20 + 4 + 9000 * 32);
    const auto body = decode_membership_body(body_of(frame));
    ASSERT_TRUE(body.has_value());
    EXPECT_EQ(body->sets[0], names);
}

// ---- Reading ----

TEST(MembershipBodies, WhatWasWrittenIsRead) {
    const std::vector<NameField> first = {kAlice, kAnna};
    const std::vector<NameField> second = {kBob};
    const std::vector<NameRun> members = {first, second};
    const std::vector<VsSet> sets = {VsSet{.runs = {first}}, VsSet{.runs = {second}}};
    const auto frame = bytes_of(encode_network_view(kRoom, kId, members, sets, 1));
    const auto body = decode_membership_body(body_of(frame));
    ASSERT_TRUE(body.has_value());
    EXPECT_EQ(body->id, kId);
    EXPECT_EQ(body->sets, (std::vector<std::vector<NameField>>{first, second}));
    EXPECT_EQ(body->own_offset, 68U);
    EXPECT_EQ(body->own_set(), 1U);

    const auto signal = bytes_of(encode_transitional_signal(kRoom, kId));
    EXPECT_EQ(decode_transitional_body(body_of(signal)), kId);
}

TEST(MembershipBodies, NegativeNumbersSurvive) {
    constexpr GroupId kNegative{.proc_id = -708638639, .time = 2147483647, .index = -1};
    const auto frame = bytes_of(encode_transitional_signal(kRoom, kNegative));
    EXPECT_EQ(decode_transitional_body(body_of(frame)), kNegative);
}

TEST(MembershipBodies, ACutBodyIsTruncatedWhereverItIsCut) {
    const std::vector<NameField> names = {kAlice, kBob};
    const std::vector<NameRun> members = {names};
    const std::vector<VsSet> sets = {VsSet{.runs = members}};
    const auto view = bytes_of(encode_network_view(kRoom, kId, members, sets, 0));
    for (std::size_t size = 0; size < body_of(view).size(); ++size) {
        const auto body = decode_membership_body(body_of(view).first(size));
        ASSERT_FALSE(body.has_value()) << size;
        EXPECT_EQ(body.error(), DecodeError::kTruncated) << size;
    }
    const auto signal = bytes_of(encode_transitional_signal(kRoom, kId));
    for (std::size_t size = 0; size < 12; ++size) {
        EXPECT_EQ(decode_transitional_body(body_of(signal).first(size)).error(),
                  DecodeError::kTruncated);
    }
}

TEST(MembershipBodies, ContradictionsAreRefused) {
    struct Case {
        const char* what;
        std::vector<std::string> parts;
        DecodeError error;
    };
    const std::vector<Case> cases = {
        {"bytes behind the sets",
         {"010000000100000001000000", "01000000", "00000000", "00000000", "00"},
         DecodeError::kTrailingBytes},
        {"offset inside a set",
         {"010000000100000001000000", "01000000", "02000000", "00000000"},
         DecodeError::kBadValue},
        {"offset behind the sets",
         {"010000000100000001000000", "01000000", "04000000", "00000000"},
         DecodeError::kBadValue},
        {"no sets at all",
         {"010000000100000001000000", "00000000", "00000000"},
         DecodeError::kBadValue},
        {"more sets than bytes",
         {"010000000100000001000000", "ffffffff", "00000000", "00000000"},
         DecodeError::kTruncated},
        {"more names than bytes",
         {"010000000100000001000000", "01000000", "00000000", "ffffffff", "name:#a#d"},
         DecodeError::kTruncated},
    };
    for (const Case& c : cases) {
        const auto body = decode_membership_body(from_parts(c.parts));
        ASSERT_FALSE(body.has_value()) << c.what;
        EXPECT_EQ(body.error(), c.error) << c.what;
    }
    EXPECT_EQ(decode_transitional_body(std::vector<std::byte>(13)).error(),
              DecodeError::kTrailingBytes);
}

// CP 7.6 and 11: id, count, names
TEST(MembershipFrames3x, HaveTheReceiversOwnSetAndNothingElse) {
    const std::array a = {NameField("#a#d1"), NameField("#b#d1")};
    const std::array c = {NameField("#c#d2")};
    const std::array<NameRun, 2> members = {a, c};
    const GroupId id{1, 2, 3};
    const auto body_of = [](const Message& message) {
        const auto frame = bytes_of(message);
        const auto header =
            decode_session_header(std::span<const std::byte>(frame).first<kSessionHeaderBytes>());
        EXPECT_EQ(header.num_groups, 3);
        EXPECT_EQ(frame_bytes(header), frame.size());
        const std::size_t start = kSessionHeaderBytes + 3 * kNameFieldBytes;
        return std::vector<std::byte>(frame.begin() + static_cast<std::ptrdiff_t>(start),
                                      frame.end());
    };
    const auto expected = [](std::initializer_list<std::string_view> names) {
        std::vector<std::byte> body;
        for (const std::size_t number :
             {std::size_t{1}, std::size_t{2}, std::size_t{3}, names.size()}) {
            body.insert(body.end(), {static_cast<std::byte>(number), {}, {}, {}});
        }
        for (const auto name : names) {
            const NameField field(name);
            body.insert(body.end(), field.bytes().begin(), field.bytes().end());
        }
        return body;
    };
    for (const auto change :
         {MemberChange::kJoin, MemberChange::kLeave, MemberChange::kDisconnect}) {
        EXPECT_EQ(body_of(encode_member_change_3x(change, NameField("g"), id, members, c[0])),
                  expected({"#c#d2"}));
    }
    EXPECT_EQ(body_of(encode_network_view_3x(NameField("g"), id, members, VsSet{.runs = {a}})),
              expected({"#a#d1", "#b#d1"}));
}

}  // namespace
}  // namespace spread::protocol
