// spreadctl and its daemon: what operators see and steer.

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using nlohmann::json;
using support::ChildProcess;
using support::TestClient;
using support::TestRing;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ControlTest : public testing::Test {
  protected:
    ControlTest() : ring_(3, on_loopback()) { ring_.wait_formed(); }

    static TestRing::Options on_loopback() {
        TestRing::Options options;
        options.loopback = true;
        return options;
    }

    Answer ctl(std::size_t daemon, const std::vector<std::string>& arguments) {
        return spreadctl(ring_.daemon(daemon), arguments);
    }
    json status(std::size_t daemon) { return json::parse(ctl(daemon, {"status", "--json"}).text); }

    TestRing ring_;
    support::TempDir scratch_;
};

TEST_F(ControlTest, AHealthyRingIsHealthyEverywhere) {
    for (std::size_t i = 0; i < ring_.size(); ++i) {
        support::wait_until("all to be healthy", [&] { return ctl(i, {"status"}).status == 0; });
        const json value = status(i);
        EXPECT_EQ(value["schema"], 1);
        EXPECT_EQ(value["ring"]["members"], 3);
        EXPECT_EQ(value["daemon"]["name"], "d" + std::to_string(i + 1));
        EXPECT_EQ(value["config"]["hash"], status(0)["config"]["hash"]);
    }
    EXPECT_THAT(ctl(0, {"check", "--expect", "3"}).text, StartsWith("SPREAD OK - 3 of 3 daemons"));
    EXPECT_EQ(ctl(0, {"ready"}).status, 0);
    EXPECT_EQ(ctl(0, {"ready", "--expect", "3"}).status, 0);
    const Answer four = ctl(0, {"ready", "--expect", "4"});
    EXPECT_EQ(four.status, 1);
    EXPECT_THAT(four.text, HasSubstr("3 daemons in the ring, 4 expected"));
    EXPECT_EQ(ctl(0, {"alive"}).text, "ok\n");
    EXPECT_EQ(ctl(0, {"config", "diff", ring_.daemon(1).control_socket().string()}).status, 0);
    const Answer all = ctl(0, {"config", "diff"});
    EXPECT_EQ(all.status, 0) << all.text;
    EXPECT_THAT(all.text, testing::AllOf(HasSubstr("\nd2: "), HasSubstr("\nd3: ")));
    EXPECT_EQ(ctl(0, {"config", "diff", "d3"}).status, 0);
    EXPECT_THAT(ctl(0, {"config", "diff", "dd3"}).text, HasSubstr("did you mean 'd3'?"));
}

TEST_F(ControlTest, AMissingDaemonIsNamedWithItsCause) {
    ring_.daemon(2).crash();
    ring_.wait_formed({0, 1});
    support::wait_until("the loss to show", [&] { return ctl(0, {"status"}).status == 1; });
    const Answer text = ctl(0, {"status"});
    EXPECT_THAT(text.text, StartsWith("DEGRADED  ring of 2 of 3 daemons; missing: d3\n"));
    EXPECT_EQ(status(0)["ring"]["missing"][0]["daemon"], "d3");
    EXPECT_THAT(ctl(0, {"events"}).text, HasSubstr("ring 3 -> 2 of 3, lost d3"));
    EXPECT_THAT(ctl(0, {"peers"}).text, HasSubstr("NO"));
    const Answer check = ctl(0, {"check"});
    EXPECT_EQ(check.status, 2);
    EXPECT_THAT(check.text, StartsWith("SPREAD CRITICAL - 2 of 3 daemons, missing d3"));
}

// Nobody had asked before.
TEST_F(ControlTest, OfADaemonThatIsGoneItsReleaseAndSettingsAreRemembered) {
    const auto told = [this] { return status(0)["peers"][2]["told"]; };
    support::wait_until("d3 to tell of itself", [&] { return !told().is_null(); });
    const std::string version = status(2)["daemon"]["version"];
    EXPECT_EQ(told()["version"], version);
    EXPECT_EQ(told()["same_settings"], true);
    EXPECT_THAT(ctl(0, {"peers"}).text, testing::Not(HasSubstr("was ")));
    ring_.daemon(2).crash();
    ring_.wait_formed({0, 1});
    const testing::Matcher<std::string> is_past =
        testing::ContainsRegex("d3 .* NO .* was " + version + " +was same ");
    support::wait_until("peers to say so", [&] { return is_past.Matches(ctl(0, {"peers"}).text); });
    EXPECT_EQ(told()["version"], version);
}

TEST_F(ControlTest, FilesAreComparedWithWhatIsInForce) {
    const std::string file = status(0)["config"]["file"];
    EXPECT_THAT(ctl(0, {"config", "diff", file}).text,
                HasSubstr("\n  the same in all that must be the same\n"));
    const std::string changed = (scratch_.path() / "changed.conf").string();
    std::filesystem::copy_file(file, changed);
    std::ofstream(changed, std::ios::app) << "MaxSessions = 5\n";
    const Answer may_differ = ctl(0, {"config", "diff", changed});
    EXPECT_EQ(may_differ.status, 0);
    EXPECT_THAT(may_differ.text,
                HasSubstr("otherwise in what each host may choose (--all): MaxSessions\n"));
    const Answer differs = ctl(0, {"config", "diff", "--all", changed});
    EXPECT_EQ(differs.status, 1);
    EXPECT_THAT(differs.text, testing::ContainsRegex("MaxSessions.*997.*5"));
    std::ofstream(changed, std::ios::app) << "}\n";
    const Answer wrong = ctl(0, {"config", "diff", changed});
    EXPECT_EQ(wrong.status, 3);
    EXPECT_THAT(wrong.text, HasSubstr("says why"));
    // A daemon by its name, whose control socket is beside that of the one asked.
    const Answer other = ctl(0, {"config", "diff", "d2"});
    EXPECT_EQ(other.status, 0);
    EXPECT_THAT(other.text, HasSubstr("the same in all that must be the same"));
}

TEST_F(ControlTest, ClientsAndGroupsAreListedAndAClientCanBeKicked) {
    TestClient eve = ring_.client(0, "eve");
    eve.join("chat");
    eve.wait_for_members("chat", {eve.private_group()});
    const json clients = json::parse(ctl(0, {"clients", "--json"}).text);
    ASSERT_EQ(clients["clients"].size(), 1U);
    EXPECT_EQ(clients["clients"][0]["name"], "#eve#d1");
    EXPECT_EQ(clients["clients"][0]["groups"], 1);
    EXPECT_EQ(clients["clients"][0]["state"], "open");
    EXPECT_EQ(json::parse(ctl(1, {"clients", "--json"}).text)["clients"].size(), 0U);
    // Groups are of all daemons.
    for (std::size_t i = 0; i < ring_.size(); ++i) {
        support::wait_until("the group to show", [&] {
            return ctl(i, {"groups", "chat"}).text == "chat has 1 member\n  #eve#d1\n";
        });
    }

    EXPECT_THAT(ctl(0, {"clients", "--group", "chat"}).text, HasSubstr("#eve#d1"));
    EXPECT_EQ(ctl(0, {"clients", "--group", "other"}).text,
              "no client of this daemon is in other\n");
    EXPECT_EQ(ctl(1, {"clients", "--group", "chat"}).text,
              "no client of this daemon is in chat\n1 at other daemons (spreadctl groups chat)\n");
    EXPECT_THAT(ctl(0, {"events", "--since", "1h"}).text, HasSubstr("ring_changed"));
    EXPECT_THAT(ctl(0, {"events", "--since", "2999-01-01"}).text,
                testing::MatchesRegex("[-0-9]+ [:.0-9]+Z  that is all so far\n"));
    EXPECT_THAT(ctl(0, {"events", "--all"}).text, testing::ContainsRegex("d3 .*ring_changed"));
    EXPECT_EQ(ctl(0, {"events", "--since", "soon"}).status, 2);

    EXPECT_EQ(ctl(0, {"kick", "#nobody#d1"}).status, 1);
    const Answer kicked = ctl(0, {"kick", "#eve#d1", "--reason", "too loud"});
    EXPECT_EQ(kicked.status, 0) << kicked.text;
    support::wait_until("the session to end", [&] {
        return json::parse(ctl(0, {"clients", "--json"}).text)["clients"].empty();
    });
    EXPECT_THAT(ctl(0, {"events"}).text, HasSubstr("ended by an operator: too loud [kicked]"));
    EXPECT_EQ(status(0)["clients"]["closed_total"]["kicked"], 1);
    ring_.daemon(0).wait_logged("warning print: kick #eve#d1 by process ");
}

TEST_F(ControlTest, AClientThatStandsStillShowsInItsSocketFirst) {
    TestClient still = ring_.client(0, "still", false);
    still.connection().set_receive_buffer(4096);
    still.join("room");
    support::wait_until("the join", [&] {
        return ctl(0, {"groups", "room"}).text == "room has 1 member\n  #still#d1\n";
    });
    TestClient busy = ring_.client(0, "busy", false);
    for (int i = 0; i < 50; ++i) {
        busy.multicast("room", std::string(20000, 'x'));
    }
    support::wait_until("its socket to fill", [&] {
        const json clients = json::parse(ctl(0, {"clients", "--json"}).text)["clients"];
        return std::ranges::any_of(clients, [](const json& client) {
            return client["name"] == "#still#d1" && client["socket_bytes"] > 100000;
        });
    });
    EXPECT_THAT(ctl(0, {"clients", "--slow"}).text,
                StartsWith("no client is slow; most waits for #still#d1: 0 messages, 0 B, and "));
}

TEST_F(ControlTest, TheDoctorLooksAtTheFileOfTheDaemonThatRuns) {
    const std::string file = status(0)["config"]["file"];
    EXPECT_THAT(ctl(0, {"doctor"}).text, HasSubstr("file: " + file + ", hash "));
}

TEST_F(ControlTest, ADrainedDaemonTakesNoNewClientsAndStopsWhenTheLastHasGone) {
    TestClient eve = ring_.client(2, "eve");
    EXPECT_EQ(ctl(2, {"drain", "soon"}).status, 2);
    support::ChildProcess drain(
        {.command = spreadctl_command(ring_.daemon(2).control_socket(), {"drain", "10m"}),
         .output = scratch_.path() / "drain",
         .input = {},
         .network_namespace = -1,
         .directory = {}});
    support::wait_until("it to drain",
                        [&] { return !status(2)["daemon"]["draining_until"].is_null(); });
    EXPECT_THROW(static_cast<void>(ring_.client(2, "bob")), std::exception);
    eve.join("room");  // is still served
    eve.wait_for_members("room", {eve.private_group()});
    EXPECT_TRUE(ring_.daemon(2).process().is_running());
    eve.kill();
    EXPECT_EQ(drain.wait_exit(), 0) << drain.output();
    EXPECT_EQ(ring_.daemon(2).process().wait_exit(), 0);
    ring_.wait_formed({0, 1});
}

TEST_F(ControlTest, ADrainedDaemonStopsAtTheEndOfItsPatience) {
    TestClient eve = ring_.client(2, "eve");
    EXPECT_EQ(ctl(2, {"drain", "1s"}).status, 0);
    EXPECT_EQ(ring_.daemon(2).process().wait_exit(), 0);
}

TEST_F(ControlTest, ABannedClientIsOutUntilTheBanIsLifted) {
    const TestClient eve = ring_.client(0, "eve");
    EXPECT_THAT(ctl(0, {"ban", "#eve#d2", "10m"}).text, HasSubstr("it is a client of d2"));
    EXPECT_EQ(ctl(0, {"ban", "eve", "10"}).status, 2) << "no unit";
    const Answer banned = ctl(0, {"ban", "#eve#d1", "10m", "--reason", "too loud"});
    EXPECT_EQ(banned.text, "user:eve is kept out for 600 s; 1 sessions end\n");
    support::wait_until("the session to end", [&] {
        return json::parse(ctl(0, {"clients", "--json"}).text)["clients"].empty();
    });
    EXPECT_ANY_THROW(static_cast<void>(ring_.client(0, "eve")));
    const json bans = json::parse(ctl(0, {"bans", "--json"}).text)["bans"];
    ASSERT_EQ(bans.size(), 1U);
    EXPECT_EQ(bans[0]["subject"], "user:eve");
    EXPECT_EQ(bans[0]["refused"], 1);
    EXPECT_EQ(bans[0]["reason"], "too loud");
    EXPECT_THAT(bans[0]["by"].get<std::string>(), HasSubstr(" of user "));
    EXPECT_THAT(ctl(0, {"bans"}).text, HasSubstr("user:eve"));
    EXPECT_THAT(ctl(0, {"events"}).text, HasSubstr("rejected, banned as user:eve for "));
    ring_.daemon(0).wait_logged("warning print: ban user:eve for 600 s: too loud by process ");

    const TestClient elsewhere = ring_.client(1, "eve");  // a ban is of one daemon
    EXPECT_EQ(ctl(0, {"unban", "eve"}).status, 0);
    EXPECT_EQ(ctl(0, {"unban", "eve"}).status, 1);
    const TestClient again = ring_.client(0, "eve");
    EXPECT_EQ(json::parse(ctl(0, {"clients", "--json"}).text)["clients"].size(), 1U);
}

TEST_F(ControlTest, ABundleHasWhatAllDaemonsKnow) {
    const TestClient eve = ring_.client(0, "eve");
    ring_.daemon(2).crash();
    ring_.wait_formed({0, 1});
    for (const std::size_t daemon : {0U, 1U}) {
        support::wait_until("both to show the ring that is left", [&] {
            return ctl(daemon, {"events"}).text.find("ring 3 -> 2 of 3") != std::string::npos &&
                   ctl(daemon, {"status"}).text.find("ring of 2 of 3") != std::string::npos;
        });
    }
    const std::string file = (scratch_.path() / "bundle.tar").string();
    const Answer made = ctl(0, {"bundle", "-o", file, ring_.daemon(1).control_socket().string()});
    EXPECT_EQ(made.status, 1) << "d3 is not in it";
    EXPECT_THAT(made.text, HasSubstr("\nd2  from "));
    EXPECT_THAT(made.text, HasSubstr("d3  NOT REACHED: name its AdminListen on the command line"));
    ChildProcess tar({.command = {"tar", "-tf", file},
                      .output = scratch_.path() / "listing",
                      .input = {},
                      .network_namespace = -1,
                      .directory = {}});
    EXPECT_EQ(tar.wait_exit(), 0);
    for (const char* name :
         {"index.json", "d1/status.json", "d2/events.json", "d2/log.txt", "d1/limits.txt",
          "d1/sockets.txt", "d1/config.json", "d2/ring.flight", "doctor.txt"}) {
        EXPECT_THAT(tar.output(), HasSubstr(std::string(name) + "\n"));
    }
    const Answer told = ctl(0, {"bundle", "--offline", file});
    EXPECT_EQ(told.status, 0);
    EXPECT_THAT(told.text, HasSubstr("d1  DEGRADED  ring of 2 of 3 daemons; missing: d3\n"));
    EXPECT_THAT(told.text, testing::ContainsRegex(" of d1 d2\n  d[12]: ")) << "by time";
    EXPECT_THAT(told.text, HasSubstr("\n  d2 recorded: "));
    const json rings = json::parse(ctl(0, {"--json", "bundle", "--offline", file}).text)["rings"];
    EXPECT_EQ(rings.back()["installed"].size(), 2U) << "the last ring, as both saw it begin";
    EXPECT_EQ(ctl(0, {"bundle", "--offline", "/nowhere"}).status, 3);
}

TEST_F(ControlTest, ATraceHasWhatTheRingDid) {
    TestClient eve = ring_.client(0, "eve");
    const Answer printed = ctl(0, {"trace", "dump"});
    EXPECT_EQ(printed.status, 0);
    EXPECT_THAT(printed.text, HasSubstr(" d1  O * regular (d1,"));
    EXPECT_THAT(printed.text, HasSubstr(" { d1 d2 d3 }\n"));
    EXPECT_THAT(printed.text, HasSubstr(" d1  O < delivers "));
    const std::string file = (scratch_.path() / "d1.flight").string();
    EXPECT_EQ(ctl(0, {"trace", "dump", file}).status, 0);
    EXPECT_THAT(ctl(0, {"trace", "show", file}).text, HasSubstr(" d1  O * regular (d1,"));
    std::ofstream(file) << "something else";
    const Answer refused = ctl(0, {"trace", "show", file});
    EXPECT_EQ(refused.status, 3);
    EXPECT_THAT(refused.text, HasSubstr("shorter than the head of a recording"));
}

TEST_F(ControlTest, ADaemonThatEndsByAFaultLeavesItsTrace) {
    const std::filesystem::path states = ring_.daemon(2).control_socket().parent_path();
    ring_.daemon(2).process().signal(SIGSEGV);
    EXPECT_NE(ring_.daemon(2).process().wait_exit(), 0);
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(states)) {
        if (entry.path().string().ends_with(".crash.flight")) {
            left.push_back(entry.path().string());
        }
    }
    ASSERT_EQ(left.size(), 1U);
    EXPECT_THAT(ctl(0, {"trace", "show", left.front()}).text, HasSubstr(" d3  O * regular (d1,"));
}

TEST(AdminWrite, ChangesComeByTcpWithTheTokenOnly) {
    support::TempDir scratch;
    const std::filesystem::path token = scratch.path() / "token";
    std::ofstream(token) << "0123456789abcdef0123\n";
    std::filesystem::permissions(
        token, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const std::string at = "127.0.0.1:" + std::to_string(support::pick_port());
    TestRing ring(1, support::on_loopback("AdminListen = \"" + at + "\"\nAdminWrite = yes\n" +
                                          "AdminTokenFile = \"" + token.string() + "\"\n"));
    ring.wait_formed();
    const auto ctl = [&](const std::vector<std::string>& arguments) {
        return spreadctl(at, arguments);
    };
    EXPECT_EQ(ctl({"status"}).status, 0);
    EXPECT_THAT(ctl({"ban", "eve", "1h"}).text, HasSubstr("shows the token of AdminTokenFile"));
    ring.daemon(0).wait_logged("refused: POST /ban by the TCP peer 127.0.0.1:");
    std::ofstream(scratch.path() / "wrong") << "0123456789abcdef0124\n";
    EXPECT_EQ(ctl({"--token-file", (scratch.path() / "wrong").string(), "ban", "eve", "1h"}).status,
              1);
    EXPECT_EQ(ctl({"--token-file", token.string(), "ban", "eve", "1h"}).status, 0);
    ring.daemon(0).wait_logged("warning print: ban user:eve for 3600 s by the TCP peer 127.0.0.1:");
    EXPECT_THAT(ctl({"bans"}).text, HasSubstr("user:eve"));
    // Whoever has the token is not known; whoever changes keys is.
    const Answer keys = ctl({"--token-file", token.string(), "key", "rotate"});
    EXPECT_EQ(keys.status, 1);
    EXPECT_THAT(keys.text, HasSubstr("keys are changed by the control socket only"));
    EXPECT_THAT(ctl({"config", "show"}).text, testing::Not(HasSubstr("0123456789abcdef")));
}

TEST_F(ControlTest, ManyGroupsComeInPages) {
    TestClient client = ring_.client(0, "many");
    std::vector<std::string> names;
    for (int i = 0; i < 2500; ++i) {
        names.push_back("g" + std::to_string(10000 + i));
        client.join(names.back());
    }
    client.wait_for_members(names.back(), {client.private_group()});
    const json groups = json::parse(ctl(0, {"groups", "--json"}).text)["groups"];
    ASSERT_EQ(groups.size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        ASSERT_EQ(groups[i]["name"], names[i]);
    }
    const json by_rate = json::parse(ctl(0, {"groups", "--sort", "rate", "--json"}).text)["groups"];
    EXPECT_EQ(by_rate.size(), names.size());
    EXPECT_EQ(by_rate[0]["messages_per_s"], 0.0);
}

TEST_F(ControlTest, TheLogCanBeSteered) {
    EXPECT_THAT(ctl(0, {"log", "level", "loud"}).text, HasSubstr("level is one of"));
    EXPECT_EQ(ctl(0, {"log", "level", "debug"}).status, 0);
    TestClient client = ring_.client(0, "eve");
    ring_.daemon(0).wait_logged("debug session: connection from");
    EXPECT_EQ(ctl(0, {"log", "level", "warning"}).status, 0);
}

TEST_F(ControlTest, StopWaitsUntilItIsGone) {
    EXPECT_EQ(ctl(2, {"stop"}).status, 0);
    EXPECT_EQ(ring_.daemon(2).process().wait_exit(), 0);
    ring_.wait_formed({0, 1});
    const Answer gone = ctl(2, {"status"});
    EXPECT_EQ(gone.status, 3);
    EXPECT_THAT(gone.text, HasSubstr("is it running? systemctl status spreadd"));
    support::wait_until("the cause",
                        [&] { return status(0)["ring"]["missing"][0]["cause"] == "left"; });
}

TEST_F(ControlTest, TheSocketIsForItsOwnerAndGroupOnly) {
    struct stat info {};
    ASSERT_EQ(::stat(ring_.daemon(0).control_socket().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0660U);
}

TEST_F(ControlTest, BashCompletesCommandsAndOptions) {
    const Answer script = ctl(0, {"completion", "bash"});
    ASSERT_EQ(script.status, 0);
    const std::filesystem::path file = scratch_.path() / "completion";
    std::ofstream(file) << script.text
                        << "try() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _spreadctl; "
                           "echo \"[${COMPREPLY[*]}]\"; }\n"
                           "try spreadctl heal\ntry spreadctl -s 4804 config d\n"
                           "try spreadctl flow-control --win\n";
    ChildProcess bash({.command = {"bash", file.string()},
                       .output = scratch_.path() / "completed",
                       .input = {},
                       .network_namespace = -1,
                       .directory = {}});
    EXPECT_EQ(bash.wait_exit(), 0);
    EXPECT_EQ(bash.output(), "[heal]\n[diff]\n[--window]\n");
}

TEST_F(ControlTest, BadUsageIsOneLine) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {}, {"nonsense"}, {"log", "level"}, {"kick"}, {"clients", "--sort", "beauty"}}) {
        const Answer outcome = ctl(0, arguments);
        EXPECT_EQ(outcome.status, 2) << outcome.text;
        EXPECT_EQ(std::count(outcome.text.begin(), outcome.text.end(), '\n'), 1) << outcome.text;
    }
    EXPECT_EQ(ctl(0, {"--help"}).status, 0);
}

}  // namespace
}  // namespace spread::system_test
