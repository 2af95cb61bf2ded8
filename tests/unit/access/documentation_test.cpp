// The examples of docs/access.md are what they claim to be.
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access_test_support.hpp"
#include "config/parse.hpp"
#include "daemon/access/access_rules.hpp"
#include "daemon/access/address_rules.hpp"
#include "daemon/access/password_file.hpp"

namespace spread::access {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// The fenced examples of the page by their language.
std::map<std::string, std::vector<std::string>> examples() {
    std::map<std::string, std::vector<std::string>> found;
    std::ifstream page(std::string(SPREAD_TEST_DATA) + "/../../docs/access.md");
    std::string line;
    std::string* current = nullptr;
    while (std::getline(page, line)) {
        if (!line.starts_with("```")) {
            if (current != nullptr) {
                *current += line + "\n";
            }
        } else if (current != nullptr) {
            current = nullptr;
        } else {
            current = &found[line.substr(3)].emplace_back();
        }
    }
    return found;
}

class NoResolver final : public config::Resolver {
  public:
    std::optional<config::IpAddress> resolve(std::string_view /*name*/,
                                             std::optional<config::IpAddress::Family> /*family*/,
                                             std::string& error) override {
        error = "no names here";
        return std::nullopt;
    }
};

TEST(Documentation, ConfigurationsAreAcceptedWithoutWarnings) {
    const auto all = examples()["conf"];
    ASSERT_THAT(all, SizeIs(4));
    for (const std::string& example : all) {
        NoResolver resolver;
        const auto result = config::parse(
            example + "Spread_Segment 127.0.0.255:4803 { localhost 127.0.0.1 }\n", "", resolver);
        EXPECT_THAT(lines_of(result.diagnostics), IsEmpty()) << example;
    }
}

TEST(Documentation, AddressesAdmitWhomTheySay) {
    const auto all = examples()["access_ip"];
    ASSERT_THAT(all, SizeIs(1));
    const auto result = AddressRules::parse(all.front());
    ASSERT_THAT(lines_of(result.diagnostics), IsEmpty());
    for (const char* const address :
         {"", "127.0.0.1", "::1", "10.1.200.3", "192.168.7.11", "fd00:7::1"}) {
        EXPECT_TRUE(result.rules->admits(peer(address))) << address;
    }
    for (const char* const address : {"10.2.0.1", "192.168.7.12", "fd00:8::1"}) {
        EXPECT_FALSE(result.rules->admits(peer(address))) << address;
    }
}

TEST(Documentation, PasswordsAreAccepted) {
    const auto all = examples()["access_pword"];
    ASSERT_THAT(all, SizeIs(1));
    const auto result = PasswordFile::parse(all.front());
    ASSERT_THAT(lines_of(result.diagnostics), IsEmpty());
    EXPECT_THAT(result.file->users(), SizeIs(3));
}

TEST(Documentation, RulesDoWhatTheirCommentsSay) {
    const auto all = examples()["access_rules"];
    ASSERT_THAT(all, SizeIs(1));
    const auto result = AccessRules::parse(all.front());
    ASSERT_THAT(lines_of(result.diagnostics), IsEmpty());
    const AccessRules& rules = *result.rules;
    const Identity local{"any", "", peer("127.0.0.1")};
    const Identity operator_there{"ops1", "", peer("10.1.2.3")};
    const Identity alice{"any", "alice", peer("10.9.9.9")};
    const Identity stranger{"any", "", peer("10.1.2.3")};
    EXPECT_TRUE(rules.may_connect(local));
    EXPECT_TRUE(rules.may_connect({"any", "", peer("")}));
    EXPECT_TRUE(rules.may_connect(operator_there));
    EXPECT_TRUE(rules.may_connect(alice));
    EXPECT_FALSE(rules.may_connect(stranger));
    EXPECT_TRUE(rules.may_join(rules.standing_of(local), "announce"));
    EXPECT_TRUE(rules.may_send(rules.standing_of(alice), "announce"));
    EXPECT_FALSE(rules.may_send(rules.standing_of(local), "announce"));
    EXPECT_TRUE(rules.may_join(rules.standing_of(alice), "audit-1"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(local), "audit-1"));
    EXPECT_FALSE(rules.may_send(rules.standing_of(alice), "#audit#node1"));
    EXPECT_TRUE(rules.may_send(rules.standing_of(local), "#alice#node1"));
}

}  // namespace
}  // namespace spread::access
