// Rings of real daemons with a key: they form, go from plain to sealed and to another key under
// load without a view, and leave out who has another key.

#include "tests/system/sealed_ring.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child_process.hpp"

namespace spread::system_test {
namespace {

using testing::HasSubstr;

TEST_F(SealedRing, FormsAndDelivers) {
    start_all("require");
    wait_formed({0, 1, 2});
    auto clients = members();
    for (int round = 0; round < 20; ++round) {
        exchange(clients, round);
    }
    daemons_[0]->wait_logged("ring key f841a6b1");
    daemons_[0]->wait_logged("seals what it sends, takes sealed datagrams only");
    daemons_[1]->crash();
    wait_formed({0, 2});
    daemons_[1]->restart();
    wait_formed({0, 1, 2});
}

TEST_F(SealedRing, GoesFromPlainToSealedAndToAnotherKeyUnderLoadWithoutAView) {
    start_all("accept");
    wait_formed({0, 1, 2});
    auto clients = members();
    int round = 0;
    const auto talk = [&] {
        for (int i = 0; i < 10; ++i) {
            exchange(clients, ++round);
        }
    };
    talk();
    for (const char* sealing : {"send", "require"}) {
        for (std::size_t i = 0; i < 3; ++i) {
            write_configuration(i, sealing);
            reload(i);
            daemons_[i]->wait_logged(std::string("known, RingSealing = ") + sealing);
            talk();
        }
    }
    // The new key to all, then in use, then the old one goes.
    for (const std::string& lines : {"use " + kKey + "\nkeep " + kOtherKey,
                                     "keep " + kKey + "\nuse " + kOtherKey, "use " + kOtherKey}) {
        for (std::size_t i = 0; i < 3; ++i) {
            write_keys(i, lines + "\n");
            reload(i);
            talk();
        }
    }
    daemons_[2]->wait_logged("ring key 8d31ab2b in use, 1 known");
    talk();
    // And back to plain datagrams.
    for (const char* sealing : {"send", "accept"}) {
        for (std::size_t i = 0; i < 3; ++i) {
            write_configuration(i, sealing);
            reload(i);
            daemons_[i]->wait_logged(std::string("in use, 1 known, RingSealing = ") + sealing);
            talk();
        }
    }
}

/// The same by restarts: whoever reaches a daemon that restarts goes on without it, and with it.
TEST_F(SealedRing, GoesFromPlainToSealedAndBackByRestarts) {
    for (std::size_t i = 0; i < 3; ++i) {
        write_keys(i, "use " + kKey + "\n");
        write_configuration(i, "");
        start(i);
    }
    for (const auto& daemon : daemons_) {
        daemon->wait_listening();
    }
    wait_formed({0, 1, 2});
    for (const char* sealing : {"accept", "send", "require", "send", "accept", ""}) {
        for (std::size_t i = 0; i < 3; ++i) {
            write_configuration(i, sealing);
            ASSERT_EQ(daemons_[i]->stop(), 0);
            daemons_[i]->restart();
            wait_formed({0, 1, 2});
        }
    }
    auto clients = members();
    exchange(clients, 1);
}

TEST_F(SealedRing, WhoHasAnotherKeyStaysOutAndBothSay) {
    for (std::size_t i = 0; i < 3; ++i) {
        write_keys(i, "use " + (i == 2 ? kOtherKey : kKey) + "\n");
        write_configuration(i, "require");
        start(i);
    }
    for (const auto& daemon : daemons_) {
        daemon->wait_listening();
    }
    wait_formed({0, 1});
    wait_formed({2});
    daemons_[0]->wait_logged("seals with ring key 8d31ab2b, which is not in");
    daemons_[2]->wait_logged("seals with ring key f841a6b1, which is not in");
}

TEST_F(SealedRing, WhoHasNoKeyStaysOutAndBothSay) {
    for (std::size_t i = 0; i < 3; ++i) {
        write_keys(i, "use " + kKey + "\n");
        write_configuration(i, i == 2 ? "" : "require");
        start(i);
    }
    for (const auto& daemon : daemons_) {
        daemon->wait_listening();
    }
    wait_formed({0, 1});
    wait_formed({2});
    daemons_[0]->wait_logged("does not seal, and RingSealing = require here");
    daemons_[2]->wait_logged("seals with ring key f841a6b1, and no RingKeyFile is set here");
}

/// Each ends the start with one line that says what is wrong with which file.
TEST_F(SealedRing, AKeyFileWithAFaultEndsTheStart) {
    const auto path = directory_.path() / keys_of(0);
    write_configuration(0, "require");
    int starts = 0;
    const auto expect_refused = [&](const std::string& why) {
        SCOPED_TRACE(why);
        support::ChildProcess run(
            {.command = {support::daemon_binary().string(), "-c", configurations_[0].string(), "-n",
                         "d1"},
             .output = directory_.path() / ("start" + std::to_string(++starts)),
             .input = {},
             .directory = {}});
        EXPECT_EQ(run.wait_exit(), 1);
        const std::string output = run.output();
        // What it has told of its start before goes to the log.
        const std::size_t error = output.find("spreadd: ");
        ASSERT_NE(error, std::string::npos) << output;
        const std::string line = output.substr(error);
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << output;
        EXPECT_THAT(line, testing::StartsWith("spreadd: " + path.string()));
        EXPECT_THAT(line, HasSubstr(why));
        EXPECT_THAT(output, testing::Not(HasSubstr(kKey)));
    };
    const auto expect_refused_mode = [&](mode_t mode, const std::string& why) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        expect_refused(why);
        ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    };
    expect_refused("cannot be opened: No such file or directory; `spreadctl key new` makes one");

    write_keys(0, "use " + kKey + "\n");
    expect_refused_mode(0644, "mode 0644 lets others read or write the ring's key: chmod 0640 ");
    expect_refused_mode(0666, "mode 0666 lets others read or write the ring's key: chmod 0640 ");
    expect_refused_mode(0604, "mode 0604 lets others read or write the ring's key: chmod 0600 ");

    write_keys(0, "use " + kKey + "\nuse " + kOtherKey + "\n");
    expect_refused(":3:1: a second key with `use`");
    write_keys(0, "");
    expect_refused(":1:1: no key; `spreadctl key new` writes a file with one");
    directory_.write(keys_of(0), "");
    expect_refused("no key; `spreadctl key new` writes a file with one");
    std::string many = "use " + kKey + "\n";
    for (char other = 'B'; other < 'J'; ++other) {
        many += "keep " + std::string(1, other) + kKey.substr(1) + "\n";
    }
    write_keys(0, many);
    expect_refused(":10:1: more than 8 keys");

    write_keys(0, "use " + kKey + "\n");
    if (::chown(path.c_str(), 12345, 0) == 0) {  // as root only
        expect_refused("belongs to user 12345, who could change the ring's key: chown root ");
    }
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    expect_refused("is not a regular file");
}

}  // namespace
}  // namespace spread::system_test
