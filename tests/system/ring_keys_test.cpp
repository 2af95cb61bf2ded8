// Keys by the ring: one command changes them at all daemons, under load, whoever is away, and
// whatever disks do.

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/times_in.hpp"
#include "tests/system/sealed_ring.hpp"

namespace spread::system_test {
namespace {

using support::times_in;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RingKeys : public SealedRing {
  protected:
    RingKeys() {
        start_all("require");
        wait_formed({0, 1, 2});
    }

    [[nodiscard]] std::string file_of(std::size_t daemon) const {
        std::ifstream file(directory_.path() / keys_of(daemon));
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
    /// The eight digits behind "ring key " in an answer.
    static std::string key_in(const std::string& text) {
        const std::size_t at = text.find("ring key ");
        return at == std::string::npos ? std::string() : text.substr(at + 9, 8);
    }
    /// Of clients at d1 and d2, which must lose nothing; as JSON.
    std::string load(std::vector<std::string> arguments) {
        std::vector<std::string> command{SPBENCH_BINARY, "load", "--json", "--quiet",
                                         "--warmup",     "0",    "-b",     "200"};
        for (std::size_t i = 0; i < 2; ++i) {
            command.insert(command.end(), {"-d", std::to_string(port_) + "@" + specs_[i].address});
        }
        command.insert(command.end(), arguments.begin(), arguments.end());
        support::ChildProcess bench(
            {.command = std::move(command),
             .output = directory_.path() / ("load" + std::to_string(++loads_)),
             .input = {},
             .network_namespace = -1,
             .directory = {}});
        EXPECT_EQ(bench.wait_exit(std::chrono::minutes(2)), 0) << bench.output();
        return bench.output();
    }
    /// That file has this key and no other one.
    void expect_only(std::size_t daemon, const std::string& key) const {
        const std::string text = file_of(daemon);
        EXPECT_THAT(text, AllOf(HasSubstr("\nuse "), HasSubstr("# " + key), Not(HasSubstr("keep")),
                                Not(HasSubstr("offer"))))
            << "of d" << daemon + 1;
    }

  private:
    int loads_ = 0;
};

TEST_F(RingKeys, RotateUnderLoadWithoutAView) {
    auto clients = members();
    std::atomic<bool> is_over = false;
    Answer last;
    std::jthread operators([&] {
        for (std::size_t i = 0; i < 6 && last.status == 0; ++i) {
            last = ctl(i % 3, {"key", "rotate"});
        }
        is_over = true;
    });
    for (int round = 1; !is_over; ++round) {
        exchange(clients, round);
    }
    ASSERT_EQ(last.status, 0) << last.text;
    exchange(clients, 0);
    const std::string key = key_in(last.text);
    for (std::size_t i = 0; i < 3; ++i) {
        expect_only(i, key);
        struct stat info {};
        ASSERT_EQ(::stat((directory_.path() / keys_of(i)).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 07777U, 0600U);
    }
    EXPECT_THAT(ctl(1, {"key", "list"}).text,
                AllOf(HasSubstr("d1          use   " + key + "\n"), Not(HasSubstr("f841a6b1"))));
    daemons_[1]->wait_logged("ring key " + key + " is in use, ordered by d3; 2 known");
    daemons_[2]->wait_logged("rotation to ring key " + key + " by process");
}

TEST_F(RingKeys, RotationsGoOnWhileADaemonDiesAndComesBack) {
    std::atomic<bool> is_over = false;
    int bad = 0;
    std::jthread operators([&] {
        for (int i = 0; i < 20; ++i) {
            const int status = ctl(0, {"key", "rotate", "--wait", "0.3"}).status;
            // 1: the one before has not ended, or there are too many keys until d3 is back.
            bad += status == 0 || status == 1 || status == 4 ? 0 : 1;
        }
        is_over = true;
    });
    while (!is_over) {
        daemons_[2]->crash();
        wait_formed({0, 1});
        daemons_[2]->restart();
        wait_formed({0, 1, 2});
    }
    EXPECT_EQ(bad, 0);
    Answer last;
    for (int i = 0; i < 20 && (i == 0 || last.status != 0); ++i) {
        last = ctl(1, {"key", "rotate", "--wait", "3"});
    }
    ASSERT_EQ(last.status, 0) << last.text << ctl(0, {"key", "list"}).text << file_of(0)
                              << file_of(1) << file_of(2);
    const std::string first = file_of(0);
    const std::string key = first.substr(first.find("\nuse") + 7, 43);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_THAT(file_of(i), HasSubstr("use   " + key));
    }
    auto clients = members();
    exchange(clients, 1);
}

/// One of the rotations begins while d3 is away, and ends when it is back.
TEST_F(RingKeys, TwentyRotationsAtHalfTheLoadAndADaemonThatIsKilledLoseNothing) {
    const auto capacity = nlohmann::json::parse(load({"-t", "2"}));
    const std::string half =
        std::to_string(static_cast<int>(capacity.at("ordered_per_s").get<double>() / 2));
    auto first = client(0, "first");
    auto second = client(1, "second");
    auto killed = client(2, "killed");
    const std::vector<std::string> all{first.private_group(), second.private_group(),
                                       killed.private_group()};
    for (TestClient* each : {&first, &second, &killed}) {
        each->join("room");
    }
    for (TestClient* each : {&first, &second}) {
        each->wait_for_members("room", all);
    }
    std::jthread loader([&](const std::stop_token& is_over) {
        while (!is_over.stop_requested()) {
            load({"--rate", half, "-t", "5"});
        }
    });
    for (std::size_t i = 0; i < 20; ++i) {
        support::ChildProcess rotation(
            {.command = spreadctl_command(daemons_[i % 2]->control_socket().string(),
                                          {"key", "rotate", "--wait", "120"}),
             .output = directory_.path() / ("rotation" + std::to_string(i)),
             .input = {},
             .network_namespace = -1,
             .directory = {}});
        if (i == 7) {
            daemons_[2]->crash();
            daemons_[2]->restart();
        }
        EXPECT_EQ(rotation.wait_exit(std::chrono::minutes(3)), 0) << i << rotation.output();
    }
    loader.request_stop();
    loader.join();
    first.multicast("room", "the end");
    for (TestClient* each : {&first, &second}) {
        std::vector<std::size_t> views;
        for (Received message = each->receive(); message.text() != "the end";
             message = each->receive()) {
            if (message.view().is_regular_membership()) {
                views.push_back(message.membership().members.size());
            }
        }
        EXPECT_THAT(views, testing::ElementsAre(2U)) << "the kill alone makes one";
    }
    wait_formed({0, 1, 2});
    const std::string text = file_of(0);
    const std::string key = text.substr(text.find("# ") + 2, 8);
    for (std::size_t i = 0; i < 3; ++i) {
        expect_only(i, key);
    }
}

TEST_F(RingKeys, WhoIsAwayDuringTwoRotationsIsGivenTheKeyWhenItIsBack) {
    auto clients = members();
    daemons_[2]->crash();
    wait_formed({0, 1});
    const Answer first = ctl(0, {"key", "rotate", "--wait", "1"});
    EXPECT_EQ(first.status, 4);
    EXPECT_THAT(first.text, HasSubstr("d3 is away"));
    const Answer second = ctl(0, {"key", "rotate", "--wait", "1"});
    EXPECT_EQ(second.status, 4);
    const std::string key = key_in(second.text);
    EXPECT_THAT(ctl(1, {"key", "list"}).text,
                AllOf(HasSubstr("offer f841a6b1"), HasSubstr("away")));

    daemons_[2]->restart();
    wait_formed({0, 1, 2});
    daemons_[2]->wait_logged("took over ring key " + key + " from d");
    support::wait_until("the rotation to end", [&] {
        return ctl(0, {"key", "list"}).text.find("rotation to " + key + ": done") !=
               std::string::npos;
    });
    for (std::size_t i = 0; i < 3; ++i) {
        expect_only(i, key);
    }
    daemons_[2]->crash();
    wait_formed({0, 1});
    daemons_[2]->restart();
    wait_formed({0, 1, 2});
}

TEST_F(RingKeys, WhoIsDroppedStaysOutAndBothSay) {
    daemons_[2]->crash();
    wait_formed({0, 1});
    const Answer rotated = ctl(0, {"key", "rotate", "--wait", "1"});
    EXPECT_EQ(rotated.status, 4);
    const std::string key = key_in(rotated.text);
    EXPECT_THAT(ctl(1, {"key", "remove", "f841a6b1"}).text, HasSubstr("--drop d3"));
    const Answer removed = ctl(1, {"key", "remove", "f841a6b1", "--drop", "d3"});
    EXPECT_EQ(removed.status, 0) << removed.text;
    expect_only(0, key);
    daemons_[2]->restart();
    wait_formed({2});
    daemons_[0]->wait_logged("seals with ring key f841a6b1, which is not in");
    daemons_[2]->wait_logged("seals with ring key " + key + ", which is not in");
    wait_formed({0, 1});
    // By hand: the file of one that is there.
    ASSERT_EQ(daemons_[2]->stop(), 0);
    std::filesystem::copy_file(directory_.path() / keys_of(0), directory_.path() / keys_of(2),
                               std::filesystem::copy_options::overwrite_existing);
    daemons_[2]->restart();
    wait_formed({0, 1, 2});
}

TEST_F(RingKeys, WhatCannotBeDoneIsRefusedAndChangesNothing) {
    const auto expect_refused = [&](const std::vector<std::string>& arguments,
                                    const std::string& why) {
        const Answer answer = ctl(0, arguments);
        EXPECT_EQ(answer.status, 1);
        EXPECT_THAT(answer.text, HasSubstr(why));
    };
    expect_refused({"key", "use", "8d31ab2b"},
                   "d1 does not have ring key 8d31ab2b (f841a6b1 in use)");
    expect_refused({"key", "remove", "f841a6b1"}, "seals with ring key f841a6b1");
    expect_refused({"key", "use", "what"}, "eight digits");
    expect_refused({"key", "remove", "8d31ab2b", "--drop", "d9"}, "no daemon d9 is configured");
    expect_refused({"key", "install", (directory_.path() / keys_of(0)).string()},
                   "are here already");
    // d2 cannot write its file.
    const auto in_the_way = directory_.path() / (keys_of(1) + ".new");
    std::filesystem::create_directory(in_the_way);
    expect_refused({"key", "rotate"}, "d2: ");
    expect_refused({"key", "rotate"}, "cannot be written");
    wait_formed({0, 1, 2});
    EXPECT_THAT(file_of(1), HasSubstr(kKey));
    EXPECT_THAT(file_of(0), HasSubstr("use   " + kKey));
    std::filesystem::remove(in_the_way);
    EXPECT_EQ(ctl(2, {"key", "rotate"}).status, 0);
}

/// Keys have changed without d3, and d3 has changed its own; d1 cannot write down what it is told
/// then.
TEST_F(RingKeys, AKeyThatIsToldIsUnderstoodForAsLongAsItCannotBeWritten) {
    const auto rotate = [&](std::size_t daemon) {
        const Answer answer = ctl(daemon, {"key", "rotate", "--wait", "1"});
        EXPECT_EQ(answer.status, 4) << answer.text;
        return key_in(answer.text);
    };
    daemons_[2]->crash();
    wait_formed({0, 1});
    rotate(0);
    daemons_[0]->crash();
    daemons_[1]->crash();
    daemons_[2]->restart();
    wait_formed({2});
    const std::string key = rotate(2);
    const auto in_the_way = directory_.path() / (keys_of(0) + ".new");
    std::filesystem::create_directory(in_the_way);
    daemons_[0]->restart();
    daemons_[1]->restart();
    wait_formed({0, 1, 2});
    const std::string problem = keys_of(0) + ": cannot be written: ";
    daemons_[0]->wait_logged(problem);
    auto clients = members();
    for (int round = 0; round < 100; ++round) {
        exchange(clients, round);
    }
    EXPECT_THAT(ctl(1, {"key", "list"}).text, HasSubstr("keep  " + key));
    std::filesystem::remove(in_the_way);
    daemons_[0]->wait_logged(keys_of(0) + " again");
    EXPECT_THAT(file_of(0), HasSubstr("# " + key));
    const std::string log = daemons_[0]->log();
    EXPECT_EQ(times_in(log, "understands ring key " + key), 1U);
    EXPECT_EQ(times_in(log, problem), 1U);
    exchange(clients, 0);
}

TEST_F(RingKeys, AKeyIsInstalledFromAFileUsedAndTheOldOneRemoved) {
    const auto file = directory_.write("other.keys", "spreadd-keys 1\nuse " + kOtherKey + "\n");
    ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
    EXPECT_EQ(ctl(0, {"key", "install", file.string()}).status, 0);
    EXPECT_THAT(file_of(2), HasSubstr("keep  " + kOtherKey));
    EXPECT_EQ(ctl(1, {"key", "use", "8d31ab2b"}).status, 0);
    EXPECT_THAT(file_of(2), AllOf(HasSubstr("use   " + kOtherKey), HasSubstr("offer " + kKey)));
    EXPECT_EQ(ctl(2, {"key", "remove", "f841a6b1"}).status, 0);
    for (std::size_t i = 0; i < 3; ++i) {
        expect_only(i, "8d31ab2b");
    }
    wait_formed({0, 1, 2});
}

/// As Kubernetes changes the files behind Secrets: nobody is told.
TEST_F(RingKeys, AFileThatChangesIsRead) {
    for (std::size_t i = 0; i < 3; ++i) {
        write_keys(i, "use " + kKey + "\nkeep " + kOtherKey + "\n");
    }
    for (std::size_t i = 0; i < 3; ++i) {
        daemons_[i]->wait_logged("has changed: ring key f841a6b1 in use, 2 known");
    }
    support::wait_until("all to know", [&] {
        return ctl(0, {"key", "use", "8d31ab2b"}).status == 0;
    });
    wait_formed({0, 1, 2});
    daemons_[2]->wait_logged("ring key 8d31ab2b is in use, ordered by d1");
}

}  // namespace
}  // namespace spread::system_test
