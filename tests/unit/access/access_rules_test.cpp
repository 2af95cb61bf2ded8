#include "daemon/access/access_rules.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access_test_support.hpp"

namespace spread::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

AccessRules rules_of(std::string_view text) {
    auto result = AccessRules::parse(text);
    if (!result.rules) {
        throw std::runtime_error(lines_of(result.diagnostics).front());
    }
    return *std::move(result.rules);
}

std::vector<std::string> problems_of(std::string_view text) {
    auto result = AccessRules::parse(text);
    bool has_error = false;
    for (const auto& diagnostic : result.diagnostics) {
        has_error = has_error || diagnostic.severity == config::Severity::kError;
    }
    EXPECT_EQ(result.rules.has_value(), !has_error);
    return lines_of(result.diagnostics);
}

Identity someone(std::string user, std::string login = "", std::string_view address = "10.0.0.1") {
    return Identity{std::move(user), std::move(login), peer(address)};
}

TEST(AccessRules, WithoutRulesEverythingIsAllowed) {
    for (const auto& rules : {AccessRules(), rules_of(""), rules_of("default allow")}) {
        EXPECT_TRUE(rules.may_connect(someone("alice")));
        EXPECT_TRUE(rules.may_join(rules.standing_of(someone("alice")), "room"));
        EXPECT_TRUE(rules.may_send(rules.standing_of(someone("alice")), "#bob#d2"));
    }
}

TEST(AccessRules, TheFirstLimitThatFitsIsTheLimit) {
    const auto rules =
        rules_of("limit send login:* 5000/s 20MB/s\nlimit send b* 64kB/s\nlimit send bob 1/s\n");
    EXPECT_TRUE(rules.has_limits());
    EXPECT_FALSE(rules.is_blank());
    const auto limit = [&](const Identity& who) { return rules.standing_of(who).send_limit(); };
    EXPECT_EQ(limit(someone("bob", "bob")), (SendLimit{5000, 20000000}));
    EXPECT_EQ(limit(someone("bob")), (SendLimit{0, 64000}));
    EXPECT_FALSE(limit(someone("alice")).is_any());
    EXPECT_TRUE(rules.may_send(rules.standing_of(someone("bob")), "room")) << "limits deny nothing";
    EXPECT_FALSE(rules_of("default allow").has_limits());
}

TEST(AccessRules, MistakesInLimitsAreNamed) {
    for (const char* line : {"limit", "limit send", "limit send bob", "limit join bob 1/s"}) {
        EXPECT_THAT(problems_of(line), ElementsAre(HasSubstr("write limit send USER RATE")))
            << line;
    }
    for (const char* rate : {"0/s", "5000", "/s", "-1/s", "1.5/s", "1000000001/s", "5GB/s", "5s"}) {
        EXPECT_THAT(problems_of("limit send bob " + std::string(rate)),
                    ElementsAre(HasSubstr("a rate is a number")))
            << rate;
    }
    EXPECT_THAT(problems_of("limit send bob 1/s 2/s"), ElementsAre(HasSubstr("one rate of")));
    EXPECT_THAT(problems_of("limit send bob 1kB/s 2MB/s"), ElementsAre(HasSubstr("one rate of")));
}

TEST(AccessRules, SayWhyAConnectIsDenied) {
    const auto rules =
        rules_of("allow connect alice\n# no one else\ndeny connect bob\ndefault deny");
    EXPECT_EQ(rules.why_not_connect(someone("bob")), "line 3 of the access rules denies connect");
    EXPECT_THAT(rules.why_not_connect(someone("eve")), HasSubstr("the default denies"));
}

TEST(AccessRules, TheDefaultCountsWhereverItStands) {
    const auto rules = rules_of("allow join alice room\ndefault deny\nallow send alice room");
    EXPECT_FALSE(rules.may_connect(someone("alice")));
    EXPECT_TRUE(rules.may_join(rules.standing_of(someone("alice")), "room"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("alice")), "other"));
    EXPECT_TRUE(rules.may_send(rules.standing_of(someone("alice")), "room"));
    EXPECT_FALSE(rules.may_send(rules.standing_of(someone("bob")), "room"));
}

TEST(AccessRules, TheFirstMatchingRuleOfTheActionDecides) {
    const auto rules = rules_of(
        "deny join * secret*\n"
        "allow join root secret\n"
        "allow send root secret\n"
        "deny send * secret\n"
        "deny join mallory *\n");
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("root")), "secret"));
    EXPECT_TRUE(rules.may_send(rules.standing_of(someone("root")), "secret"));
    EXPECT_FALSE(rules.may_send(rules.standing_of(someone("alice")), "secret"));
    EXPECT_TRUE(rules.may_join(rules.standing_of(someone("alice")), "room"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("mallory")), "room"));
    EXPECT_TRUE(rules.may_send(rules.standing_of(someone("mallory")), "room"));
}

TEST(AccessRules, ARuleForLoginsNeverMatchesWhoProvedNone) {
    const auto rules = rules_of(
        "allow join login:* members\n"
        "deny  join * members\n"
        "allow connect login:adm?n\n"
        "deny  connect *\n");
    EXPECT_TRUE(rules.may_join(rules.standing_of(someone("x", "alice")), "members"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("x")), "members"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("alice")), "members"));
    EXPECT_TRUE(rules.may_connect(someone("x", "admin")));
    EXPECT_FALSE(rules.may_connect(someone("admin", "x")));
    EXPECT_FALSE(rules.may_connect(someone("admin")));
}

TEST(AccessRules, ARuleForCertificatesLooksAtTheNameInThem) {
    const auto rules = rules_of(
        "allow join tls:*.example members\n"
        "deny  join * members\n"
        "allow connect tls:alice\n"
        "deny  connect *\n"
        "limit send tls:bulk 10/s\n");
    const auto with = [](std::string certificate) {
        Identity who = someone("x", "y");
        who.certificate = std::move(certificate);
        return who;
    };
    EXPECT_TRUE(rules.may_connect(with("alice")));
    EXPECT_FALSE(rules.may_connect(with("bob")));
    EXPECT_FALSE(rules.may_connect(with("")));
    EXPECT_FALSE(rules.may_connect(someone("alice", "alice")));
    EXPECT_TRUE(rules.may_join(rules.standing_of(with("node1.example")), "members"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(with("example")), "members"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("a.example")), "members"));
    EXPECT_EQ(rules.standing_of(with("bulk")).send_limit(), (SendLimit{10, 0}));
    EXPECT_THAT(problems_of("allow join tls: b"), ElementsAre(HasSubstr("write tls:* for all")));
    EXPECT_THAT(problems_of("deny connect *\nallow connect tls:*\n"), SizeIs(1)) << "not reached";
    EXPECT_THAT(problems_of("deny connect tls:*\nallow connect *\n"), IsEmpty());
}

TEST(AccessRules, ARuleForUserNamesLooksAtThoseOnly) {
    const auto rules = rules_of("deny connect alice\n");
    EXPECT_FALSE(rules.may_connect(someone("alice", "bob")));
    EXPECT_TRUE(rules.may_connect(someone("bob", "alice")));
    EXPECT_FALSE(rules_of("deny connect login\\:x").may_connect(someone("login:x")));
}

TEST(AccessRules, AConnectRuleMayNameAddresses) {
    const auto rules = rules_of(
        "allow connect *     from unix\n"
        "allow connect *     from local\n"
        "allow connect ops*  from 10.1.0.0/16\n"
        "allow connect root  from fd00::7\n"
        "deny  connect *\n");
    EXPECT_TRUE(rules.may_connect(someone("x", "", "")));
    EXPECT_TRUE(rules.may_connect(someone("x", "", "127.0.0.1")));
    EXPECT_TRUE(rules.may_connect(someone("x", "", "::1")));
    EXPECT_TRUE(rules.may_connect(someone("ops1", "", "10.1.255.255")));
    EXPECT_FALSE(rules.may_connect(someone("ops1", "", "10.2.0.0")));
    EXPECT_FALSE(rules.may_connect(someone("x", "", "10.1.0.1")));
    EXPECT_TRUE(rules.may_connect(someone("root", "", "fd00::7")));
    EXPECT_FALSE(rules.may_connect(someone("root", "", "fd00::8")));
}

TEST(AccessRules, PrivateGroupsAreMatchedAsTheyAreWritten) {
    const auto rules = rules_of(
        "deny send * #root#*   # nobody talks to root\n"
        "deny send bob \\#*\n"
        "deny join * *#*\n"
        "#deny send * *\n");
    EXPECT_FALSE(rules.may_send(rules.standing_of(someone("alice")), "#root#d1"));
    EXPECT_TRUE(rules.may_send(rules.standing_of(someone("alice")), "#bob#d1"));
    EXPECT_FALSE(rules.may_send(rules.standing_of(someone("bob")), "#alice#d1"));
    EXPECT_TRUE(rules.may_send(rules.standing_of(someone("bob")), "room"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("alice")), "#x#d1"));
}

TEST(AccessRules, NamesMayHaveAnyBytes) {
    const auto rules = rules_of("deny join * a\\x20b\\x00?\ndeny join * \xC3\xBC*");
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("x")), std::string_view("a b\0\xFF", 5)));
    EXPECT_TRUE(rules.may_join(rules.standing_of(someone("x")), "a b"));
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("x")),
                                "\xC3\xBC"
                                "ber"));
}

TEST(AccessRules, CommentsAreHashesAtTheStartOfALineOrAlone) {
    EXPECT_THAT(problems_of("# one\n  #two\n\nallow join a b # three #four\nallow send a b #"),
                IsEmpty());
    EXPECT_THAT(problems_of("allow join a b #three"),
                ElementsAre("1:16: error: unexpected '#three'; write allow join USER GROUP, and a "
                            "blank behind the '#' of a comment"));
    EXPECT_THAT(problems_of("allow join a #three"),
                ElementsAre(HasSubstr("1:14: warning: '#three' is taken as the name of a group")));
    EXPECT_THAT(problems_of("allow join a # three"), ElementsAre(HasSubstr("incomplete")));
}

TEST(AccessRules, OneBadLineRefusesTheFileWithItsPlace) {
    struct Case {
        std::string_view line;
        std::string_view problem;
    };
    for (const auto& [line, problem] : {
             Case{"permit join a b",
                  "1:1: error: a line begins with allow, deny, limit or default, not "
                  "with 'permit'"},
             Case{"Allow join a b", "did you mean 'allow'?"},
             Case{"allow", "1:1: error: allow is followed by connect, join or send"},
             Case{"deny leave a b",
                  "1:6: error: deny is followed by connect, join or send, not by "
                  "'leave'"},
             Case{"deny conect a", "did you mean 'connect'?"},
             Case{"allow connect", "incomplete; write allow connect USER [from ADDRESS]"},
             Case{"allow join a",
                  "1:7: error: this rule is incomplete; write allow join USER "
                  "GROUP"},
             Case{"allow connect a room",
                  "1:17: error: unexpected 'room'; a connect rule goes on "
                  "with from ADDRESS or ends"},
             Case{"allow connect a from", "1:17: error: from is followed by an address"},
             Case{"allow connect a from b", "1:22: error: 'b' is no address"},
             Case{"allow connect a from unix local", "1:27: error: unexpected 'local'"},
             Case{"allow join a b from unix", "1:16: error: unexpected 'from'"},
             Case{"allow join login: b", "1:12: error: there is no pattern behind 'login:'"},
             Case{"allow join a\\ b", "1:12: error: the pattern 'a\\' ends in a lone"},
             Case{"allow join abcdefghijk b", "user names have at most 10 bytes"},
             Case{"allow join login:abcdefghijklmnopqrstuvwxyz1234567 b",
                  "login names have at most 32 bytes"},
             Case{"allow send * abcdefghijklmnopqrstuvwxyz1234567",
                  "group names have at most 32 bytes"},
             Case{"default", "1:1: error: write default allow or default deny"},
             Case{"default permit", "1:9: error: write default allow or default deny"},
             Case{"default deny join", "1:14: error: unexpected 'join'"},
             Case{"default deny\ndefault deny",
                  "2:1: error: the default is given already in line "
                  "1"},
         }) {
        EXPECT_THAT(problems_of(line), ElementsAre(HasSubstr(std::string(problem)))) << line;
    }
    EXPECT_THAT(problems_of("allow connect * from 10.0.0.1/8"),
                ElementsAre(HasSubstr("1:22: warning: '10.0.0.1/8' has bits behind its prefix")));
}

TEST(AccessRules, RulesThatAreNeverReachedAreWarnedOf) {
    EXPECT_THAT(problems_of("deny join * *\nallow send a b\nallow join a b"),
                ElementsAre("3:1: warning: this rule is never reached: the one in line 1 decides "
                            "about everybody"));
    EXPECT_THAT(problems_of("deny connect * from local\ndeny connect login:*\nallow connect *\n"
                            "deny join * a*\nallow join * *\n"),
                IsEmpty());
}

TEST(AccessRules, TheNumberOfRulesIsLimited) {
    std::string text;
    for (std::size_t i = 0; i < AccessRules::kRulesMax; ++i) {
        text += "deny join u g" + std::to_string(i) + "\n";
    }
    const auto rules = rules_of(text + "default allow\n");
    EXPECT_FALSE(rules.may_join(rules.standing_of(someone("u")),
                                "g" + std::to_string(AccessRules::kRulesMax - 1)));
    EXPECT_TRUE(rules.may_join(rules.standing_of(someone("u")), "g"));
    EXPECT_THAT(problems_of(text + "deny send u g"),
                ElementsAre(HasSubstr("there are more than 4096 rules")));
}

TEST(AccessRules, ComplaintsAreBounded) {
    std::string text;
    for (int i = 0; i < 10000; ++i) {
        text += "nonsense\nallow join a #b\n";
    }
    EXPECT_THAT(problems_of(text), SizeIs(Le(config::kMaxErrors + config::kMaxWarnings + 2)));
}

}  // namespace
}  // namespace spread::access
