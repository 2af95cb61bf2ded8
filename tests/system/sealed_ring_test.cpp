// Rings of real daemons with a key: they form, go from plain to sealed and to another key under
// load without a view, and leave out who has another key.

#include "tests/system/sealed_ring.hpp"

#include <sys/stat.h>

#include <exception>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST_F(SealedRing, AFileThatOthersCanReadEndsTheStart) {
    write_keys(0, "use " + kKey + "\n");
    write_configuration(0, "require");
    ASSERT_EQ(::chmod((directory_.path() / keys_of(0)).c_str(), 0644), 0);
    start(0);
    EXPECT_THROW(daemons_[0]->wait_listening(), std::exception);
    EXPECT_THAT(daemons_[0]->log(), HasSubstr("mode 0644 lets others read or write the ring's key: "
                                              "chmod 0640"));
}

}  // namespace
}  // namespace spread::system_test
