#include "daemon/ring/state_file.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

constexpr protocol::DaemonId kOwner{42};

TEST(StateFile, TextReadsBackAsItWasWritten) {
    const DaemonState state{1'700'000'000'123, 1'700'000'042};
    EXPECT_EQ(parse_state(format_state(state)), state);
}

TEST(StateFile, DamagedTextIsRefusedWhole) {
    const std::string good = format_state({5, 6});
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_EQ(parse_state(good.substr(0, length)), std::nullopt) << length;
    }
    for (const char* bad :
         {"incarnation 1\nring_counter 2\nmore\n", "incarnation -1\nring_counter 2\n",
          "ring_counter 2\nincarnation 1\n", "incarnation 1x\nring_counter 2\n",
          "incarnation 99999999999999999999999\nring_counter 2\n",
          "incarnation\nring_counter 2\n"}) {
        EXPECT_EQ(parse_state(bad), std::nullopt) << bad;
    }
}

TEST(StateFile, RemembersTheLastStateAndLeavesNothingBehind) {
    const TemporaryDirectory directory;
    StateFile file(directory.path(), kOwner);
    EXPECT_EQ(file.load(), std::nullopt);
    ASSERT_TRUE(file.store({1, 2}));
    ASSERT_TRUE(file.store({3, 4}));
    EXPECT_EQ(StateFile(directory.path(), kOwner).load(), (DaemonState{3, 4}));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST(StateFile, DaemonsOfOneHostDoNotShareAFile) {
    const TemporaryDirectory directory;
    StateFile one(directory.path(), protocol::DaemonId{1});
    StateFile two(directory.path(), protocol::DaemonId{2});
    ASSERT_TRUE(one.store({1, 1}));
    EXPECT_EQ(two.load(), std::nullopt);
}

TEST(StateFile, AnUnusableDirectoryIsAProblemAndNoFailure) {
    const TemporaryDirectory directory;
    std::ofstream(directory / "file") << "x";
    StateFile file(directory / "file", kOwner);
    EXPECT_EQ(file.path(), "");
    EXPECT_THAT(file.problem(), ::testing::HasSubstr(directory / "file"));
    EXPECT_FALSE(file.store({1, 2}));
    EXPECT_EQ(file.load(), std::nullopt);
}

}  // namespace
}  // namespace spread::daemon
