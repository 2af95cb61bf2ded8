#include "daemon/clients/access_files.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/parse.hpp"
#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

using access::Identity;
using access::PeerAddress;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kUser = "alice:abvtfRLH11o8.\n";
const Identity kAlice{"alice", "", PeerAddress::unix_socket()};

void write(const std::string& path, std::string_view text, ::mode_t mode = 0640) {
    std::ofstream(path, std::ios::binary) << text;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0) << path;
}

/// A working directory and a system directory of the test's own.
class AccessFiles : public testing::Test {
  protected:
    AccessFiles() {
        std::filesystem::create_directory(places.working_directory);
        std::filesystem::create_directory(places.system_directory);
    }

    TemporaryDirectory directory;
    AccessPlaces places{directory / "here", directory / "etc"};
    config::Configuration configuration;

    void use_all() {
        configuration.allowed_auth_methods = {"IP"};
        configuration.required_auth_methods = {"PWORD"};
        configuration.access_control_policy = "RULES";
    }
    [[nodiscard]] std::string here(const std::string& name) const {
        return places.working_directory + "/" + name;
    }
    [[nodiscard]] std::string etc(const std::string& name) const {
        return places.system_directory + "/" + name;
    }
    [[nodiscard]] AccessLoad load() const { return load_access(configuration, places); }
};

TEST_F(AccessFiles, AreNotReadUnlessSomethingAsksForThem) {
    write(here("spread.access_ip"), "nonsense");
    write(here("spread.access_pword"), "nonsense");
    write(here("spread.access_rules"), "nonsense");
    const auto load = this->load();
    EXPECT_THAT(load.errors, IsEmpty());
    EXPECT_THAT(load.warnings, IsEmpty());
    EXPECT_FALSE(load.setup.addresses->admits(PeerAddress::unix_socket()));
    EXPECT_EQ(load.setup.passwords->hash_of("alice"), nullptr);
    EXPECT_TRUE(load.setup.rules->may_join(load.setup.rules->standing_of(kAlice), "room"));
}

TEST_F(AccessFiles, OfTheWorkingDirectoryComeFirst) {
    use_all();
    write(here("spread.access_ip"), "unix\n");
    write(here("spread.access_pword"), kUser);
    write(here("spread.access_rules"), "deny join * room\n");
    write(etc("spread.access_ip"), "nonsense");
    const auto load = this->load();
    EXPECT_THAT(load.errors, IsEmpty());
    EXPECT_THAT(load.warnings, IsEmpty());
    EXPECT_TRUE(load.setup.addresses->admits(PeerAddress::unix_socket()));
    EXPECT_NE(load.setup.passwords->hash_of("alice"), nullptr);
    EXPECT_FALSE(load.setup.rules->may_join(load.setup.rules->standing_of(kAlice), "room"));
}

TEST_F(AccessFiles, OfTheSystemDirectoryStandIn) {
    use_all();
    write(etc("spread.access_ip"), "unix\n");
    write(etc("spread.access_pword"), kUser);
    write(etc("spread.access_rules"), "deny join * room\n");
    const auto load = this->load();
    EXPECT_THAT(load.errors, IsEmpty());
    EXPECT_TRUE(load.setup.addresses->admits(PeerAddress::unix_socket()));
    EXPECT_NE(load.setup.passwords->hash_of("alice"), nullptr);
    EXPECT_FALSE(load.setup.rules->may_join(load.setup.rules->standing_of(kAlice), "room"));
}

TEST_F(AccessFiles, ThatAnOptionNamesAreTheOnlyOnes) {
    use_all();
    write(directory / "ip", "unix\n");
    write(directory / "pw", kUser);
    write(directory / "rules", "deny join * room\n");
    write(here("spread.access_ip"), "nonsense");
    configuration.access_ip_file = directory / "ip";
    configuration.access_password_file = directory / "pw";
    configuration.access_rules_file = directory / "rules";
    EXPECT_THAT(load().errors, IsEmpty());
    EXPECT_FALSE(load().setup.rules->may_join(load().setup.rules->standing_of(kAlice), "room"));

    write(here("spread.access_pword"), kUser);
    configuration.access_password_file = directory / "gone";
    EXPECT_THAT(load().errors, ElementsAre(AllOf(StartsWith(directory / "gone: cannot be opened"),
                                                 HasSubstr("method PWORD needs it"))));
}

TEST_F(AccessFiles, WithoutTheOneForIPNobodyIsAdmittedAndALineSaysSo) {
    configuration.allowed_auth_methods = {"IP"};
    const auto load = this->load();
    EXPECT_THAT(load.errors, IsEmpty());
    EXPECT_THAT(
        load.warnings,
        ElementsAre("method IP admits nobody: there is neither " + here("spread.access_ip") +
                    " nor " + etc("spread.access_ip") + "; list the addresses to admit there"));
    EXPECT_FALSE(load.setup.addresses->admits(PeerAddress::unix_socket()));
}

TEST_F(AccessFiles, MissingForPasswordsOrRulesAreErrors) {
    use_all();
    write(here("spread.access_ip"), "local\n");
    EXPECT_THAT(load().errors, ElementsAre(AllOf(StartsWith("there is neither "),
                                                 HasSubstr("spread.access_pword; method PWORD")),
                                           HasSubstr("AccessControlPolicy RULES needs it")));
}

TEST_F(AccessFiles, WithMistakesAreErrorsWithEveryPlace) {
    use_all();
    write(here("spread.access_ip"), "local\n10.0.0\n");
    write(here("spread.access_pword"), "alice\nbob:secret\n" + kUser);
    write(here("spread.access_rules"), "deny leave * *\n");
    EXPECT_THAT(load().errors,
                ElementsAre(StartsWith(here("spread.access_ip:2:1: error: '10.0.0' is no")),
                            StartsWith(here("spread.access_pword:1:1: error: there is no ':'")),
                            StartsWith(here("spread.access_pword:2:5: error: what stands")),
                            StartsWith(here("spread.access_rules:1:6: error: deny is followed"))));
}

TEST_F(AccessFiles, WithHashesNobodyCanCheckAreErrors) {
    configuration.allowed_auth_methods = {"PWORD"};
    write(here("spread.access_pword"), kUser + "bob:$nosuch$saltsalt$abcdefghij\n");
    EXPECT_THAT(load().errors,
                ElementsAre(AllOf(StartsWith(here("spread.access_pword:2:5: error: this host's")),
                                  HasSubstr("cannot check the hash of 'bob'"))));
    EXPECT_EQ(load().setup.passwords->hash_of("alice"), nullptr);
}

TEST_F(AccessFiles, WithWarningsCount) {
    configuration.allowed_auth_methods = {"IP"};
    write(here("spread.access_ip"), "10.0.0.1/8\n");
    const auto load = this->load();
    EXPECT_THAT(load.errors, IsEmpty());
    EXPECT_THAT(load.warnings, ElementsAre(StartsWith(here("spread.access_ip:1:1: warning: "))));
    config::IpAddress ten;
    ten.bytes = {10, 1, 2, 3};
    EXPECT_TRUE(load.setup.addresses->admits(PeerAddress::of(ten)));
}

TEST_F(AccessFiles, ThatEverybodyCanReadOrChangeAreWarnedOf) {
    use_all();
    write(here("spread.access_ip"), "unix\n", 0644);
    write(here("spread.access_pword"), kUser, 0644);
    write(here("spread.access_rules"), "default allow\n", 0666);
    const auto load = this->load();
    EXPECT_THAT(load.errors, IsEmpty());
    EXPECT_THAT(
        load.warnings,
        ElementsAre(
            AllOf(StartsWith(here("spread.access_pword")), HasSubstr("can read the hashes")),
            AllOf(StartsWith(here("spread.access_rules")), HasSubstr("can change"))));
}

TEST_F(AccessFiles, ThatAdmitNobodyAreWarnedOf) {
    configuration.allowed_auth_methods = {"IP", "PWORD"};
    write(here("spread.access_ip"), "# later\n");
    write(here("spread.access_pword"), "\n");
    EXPECT_THAT(load().warnings,
                ElementsAre(HasSubstr("lists no address, so method IP admits nobody"),
                            HasSubstr("lists no user, so method PWORD admits nobody")));
}

TEST_F(AccessFiles, ThatAreNoFilesHoldUpNothing) {
    configuration.access_control_policy = "RULES";
    ASSERT_EQ(::mkfifo(here("spread.access_rules").c_str(), 0600), 0);
    EXPECT_THAT(load().errors, ElementsAre(HasSubstr("is not a regular file")));
    configuration.access_rules_file = directory.path();
    EXPECT_THAT(load().errors, ElementsAre(HasSubstr("is not a regular file")));
}

TEST_F(AccessFiles, HaveALargestSize) {
    configuration.access_control_policy = "RULES";
    const std::string comment = "#" + std::string(config::kMaxFileBytes - 2, 'x') + "\n";
    write(here("spread.access_rules"), comment);
    EXPECT_THAT(load().errors, IsEmpty());
    write(here("spread.access_rules"), comment + "\n");
    EXPECT_THAT(load().errors, ElementsAre(HasSubstr("is larger than 4194304 bytes")));
}

TEST_F(AccessFiles, ReadAgainReplaceWhatWasReadBefore) {
    use_all();
    write(here("spread.access_ip"), "unix\n");
    write(here("spread.access_pword"), kUser);
    write(here("spread.access_rules"), "deny join * room\n");
    const auto first = load();
    write(here("spread.access_ip"), "local\n");
    write(here("spread.access_pword"), "bob:abvtfRLH11o8.\n");
    write(here("spread.access_rules"), "deny send * room\n");
    const auto second = reload_access(configuration, first.setup, places);
    EXPECT_THAT(second.errors, IsEmpty());
    EXPECT_FALSE(second.setup.addresses->admits(PeerAddress::unix_socket()));
    EXPECT_EQ(second.setup.passwords->hash_of("alice"), nullptr);
    EXPECT_NE(second.setup.passwords->hash_of("bob"), nullptr);
    EXPECT_TRUE(second.setup.rules->may_join(second.setup.rules->standing_of(kAlice), "room"));
    EXPECT_FALSE(second.setup.rules->may_send(second.setup.rules->standing_of(kAlice), "room"));
    // Whoever still holds the old ones may go on using them.
    EXPECT_FALSE(first.setup.rules->may_join(first.setup.rules->standing_of(kAlice), "room"));
}

TEST_F(AccessFiles, ThatWentBadLeaveWhatWasReadBeforeWithOneLineEach) {
    use_all();
    write(here("spread.access_ip"), "unix\n");
    write(here("spread.access_pword"), kUser);
    write(here("spread.access_rules"), "deny join * room\n");
    const auto first = load();
    std::filesystem::remove(here("spread.access_ip"));
    write(here("spread.access_pword"), "bob\ncarol\ndave\n");
    write(here("spread.access_rules"), "deny send * room\n");
    const auto second = reload_access(configuration, first.setup, places);
    const std::string consequence = "; what was read before stays in force";
    EXPECT_THAT(second.errors,
                ElementsAre("there is neither " + here("spread.access_ip") + " nor " +
                                etc("spread.access_ip") + consequence,
                            AllOf(HasSubstr("spread.access_pword:1:1: error: "),
                                  EndsWith("write user:hash (and 2 more)" + consequence))));
    EXPECT_EQ(second.setup.addresses, first.setup.addresses);
    EXPECT_EQ(second.setup.passwords, first.setup.passwords);
    EXPECT_FALSE(second.setup.rules->may_send(second.setup.rules->standing_of(kAlice), "room"));
}

TEST_F(AccessFiles, ARulesFileThatWasEmptiedIsRefused) {
    configuration.access_control_policy = "RULES";
    const auto write_rules = [&](const std::string& text) {
        write(here("spread.access_rules"), text);
    };
    write_rules("deny join * room\n");
    const auto first = load();
    for (const std::string blank : {"", "\n", "# deny join * room\n"}) {
        write_rules(blank);
        const auto second = reload_access(configuration, first.setup, places);
        EXPECT_THAT(second.errors,
                    ElementsAre(AllOf(HasSubstr("spread.access_rules: has neither a rule"),
                                      HasSubstr("write default allow"),
                                      EndsWith("; what was read before stays in force"))));
        EXPECT_EQ(second.setup.rules, first.setup.rules);
        // Nobody relies on older rules at the start.
        EXPECT_THAT(load().errors, IsEmpty());
        EXPECT_THAT(load().warnings, ElementsAre(HasSubstr("which allows everything")));
    }
    write_rules("default allow\n");
    const auto third = reload_access(configuration, first.setup, places);
    EXPECT_THAT(third.errors, IsEmpty());
    EXPECT_TRUE(third.setup.rules->may_join(third.setup.rules->standing_of(kAlice), "room"));
}

}  // namespace
}  // namespace spread::daemon
