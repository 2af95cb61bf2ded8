#include "daemon/access/password_file.hpp"

#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access_test_support.hpp"

namespace spread::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pointee;
using testing::SizeIs;
using testing::StrEq;

// The shape is all that counts here.
const std::string kDes = "ab./0123456Zz";
const std::string kSha = "$6$saltsalt$0123456789abcdef";

PasswordFile file_of(std::string_view text) {
    auto result = PasswordFile::parse(text);
    if (!result.file) {
        throw std::runtime_error(lines_of(result.diagnostics).front());
    }
    return *std::move(result.file);
}

std::vector<std::string> password_problems_of(std::string_view text) {
    auto result = PasswordFile::parse(text);
    EXPECT_EQ(result.file.has_value(), result.diagnostics.empty());
    return lines_of(result.diagnostics);
}

TEST(PasswordFile, FindsTheHashOfEachUser) {
    const auto file = file_of("carol:" + kSha + "\n# comment\n\n  alice:" + kDes +
                              "\t# of old\r\nbob:_J9..CCCCXBrJUJV154M");
    EXPECT_THAT(file.users(), SizeIs(3));
    EXPECT_THAT(file.hash_of("alice"), Pointee(kDes));
    EXPECT_THAT(file.hash_of("bob"), Pointee(StrEq("_J9..CCCCXBrJUJV154M")));
    EXPECT_THAT(file.hash_of("carol"), Pointee(kSha));
    EXPECT_EQ(file.hash_of("Alice"), nullptr);
    EXPECT_EQ(file.hash_of("alic"), nullptr);
    EXPECT_EQ(file.hash_of("alicee"), nullptr);
    EXPECT_EQ(file.hash_of(""), nullptr);
}

TEST(PasswordFile, RemembersWhereHashesStand) {
    const auto file = file_of("\n  bob:" + kDes);
    EXPECT_EQ(file.users().front().at, (config::Position{2, 7}));
}

TEST(PasswordFile, AnEmptyFileHasNoUsers) {
    const auto file = file_of("# none yet\n");
    EXPECT_THAT(file.users(), SizeIs(0));
    EXPECT_EQ(file.hash_of("bob"), nullptr);
    EXPECT_EQ(file.stand_in_for("bob"), nullptr);
}

TEST(PasswordFile, UserNamesHaveOneTo32Bytes) {
    const std::string longest(32, 'u');
    EXPECT_NE(file_of(longest + ":" + kDes).hash_of(longest), nullptr);
    EXPECT_NE(file_of("J\xC3\xBCrgen:" + kDes).hash_of("J\xC3\xBCrgen"), nullptr);
    EXPECT_THAT(password_problems_of(longest + "u:" + kDes),
                ElementsAre("1:1: error: a user name has 1 to 32 bytes, this one has 33"));
    EXPECT_THAT(password_problems_of(":" + kDes), ElementsAre(HasSubstr("this one has 0")));
    EXPECT_THAT(password_problems_of("b\x01"
                                     "b:" +
                                     kDes),
                ElementsAre(HasSubstr("'b\\x01b' contains a control character")));
}

TEST(PasswordFile, AUserIsThereOnce) {
    EXPECT_THAT(password_problems_of("bob:" + kDes + "\nalice:" + kDes + "\nbob:" + kSha),
                ElementsAre("3:1: error: user 'bob' is there already in line 1; remove one of "
                            "them"));
}

TEST(PasswordFile, WhatIsNoHashIsRefused) {
    for (const std::string& hash : {
             std::string(),
             std::string("secret"),
             std::string("*"),
             std::string("!") + kSha,
             std::string("x"),
             kDes + "1",
             kDes.substr(1),
             "ab:" + kDes.substr(3),
             kSha + ":17000:0:99999",
             std::string("$6$"),
             std::string("$$salt$0123456789"),
             std::string("$6saltsalt0123456"),
             "$6$salt\\salt$" + kDes,
             std::string("_") + kDes,
             "$6$" + std::string(400, 'a'),
             std::string("ab./01234\x80\x81Zz"),
             "$6$" + std::string("a\x7F") + kDes,
         }) {
        EXPECT_THAT(password_problems_of("bob:" + hash),
                    ElementsAre("1:5: error: what stands behind 'bob' is no hash of crypt(3); make "
                                "one with: openssl passwd -6"))
            << hash;
    }
}

TEST(PasswordFile, MessagesRepeatNothingThatMayBeAPassword) {
    const auto lines =
        password_problems_of("alice:geheim1\nbob: geheim2\ngeheim3\ncarol:" + kDes + " geheim4\n");
    EXPECT_THAT(lines, SizeIs(4));
    for (const auto& line : lines) {
        EXPECT_THAT(line, Not(HasSubstr("geheim")));
    }
}

TEST(PasswordFile, AnUnknownUserAlwaysGetsTheSameStandIn) {
    std::string text;
    for (char c = 'a'; c <= 'h'; ++c) {
        text += std::string(1, c) + ":" + std::string(12, 'x') + c + "\n";
    }
    const auto file = file_of(text);
    std::set<std::string> used;
    for (int i = 0; i < 200; ++i) {
        const std::string user = "guest" + std::to_string(i);
        ASSERT_NE(file.stand_in_for(user), nullptr);
        EXPECT_EQ(file.stand_in_for(user), file.stand_in_for(user));
        used.insert(*file.stand_in_for(user));
    }
    // With hashes of several kinds, no single time gives away who is unknown.
    EXPECT_THAT(used, SizeIs(8));
}

TEST(PasswordFile, ComplaintsAreBounded) {
    std::string text;
    for (int i = 0; i < 10000; ++i) {
        text += "user" + std::to_string(i) + "\n";
    }
    EXPECT_THAT(password_problems_of(text), SizeIs(config::kMaxErrors + 1));
}

}  // namespace
}  // namespace spread::access
