#include "daemon/clients/unix_listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

using ::testing::HasSubstr;

bool exists(const std::string& path) {
    return std::filesystem::exists(path);
}

/// A socket file nobody listens on.
void leave_stale_socket(const std::string& path) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

TEST(UnixListener, EverybodyMayConnectAndTheFileGoesWithIt) {
    const TemporaryDirectory directory;
    {
        const UnixListener listener(directory.path(), 4803);
        EXPECT_EQ(listener.problem(), "");
        EXPECT_GE(listener.fd(), 0);
        struct stat info {};
        ASSERT_EQ(::stat((directory / "4803").c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777U, 0666U);
    }
    EXPECT_FALSE(exists(directory / "4803"));
}

TEST(UnixListener, ALiveDaemonKeepsItsSocket) {
    const TemporaryDirectory directory;
    const UnixListener first(directory.path(), 4803);
    {
        const UnixListener second(directory.path(), 4803);
        EXPECT_LT(second.fd(), 0);
        EXPECT_THAT(second.problem(),
                    HasSubstr("process " + std::to_string(::getpid()) + " of user"));
    }
    EXPECT_TRUE(exists(directory / "4803"));
}

TEST(UnixListener, AStaleSocketIsReplaced) {
    const TemporaryDirectory directory;
    leave_stale_socket(directory / "4803");
    const UnixListener listener(directory.path(), 4803);
    EXPECT_EQ(listener.problem(), "");
    EXPECT_GE(listener.fd(), 0);
}

TEST(UnixListener, AFileThatIsNoSocketIsLeftAlone) {
    const TemporaryDirectory directory;
    std::ofstream(directory / "4803") << "precious";
    {
        const UnixListener listener(directory.path(), 4803);
        EXPECT_LT(listener.fd(), 0);
        EXPECT_THAT(listener.problem(), HasSubstr("no socket"));
    }
    EXPECT_TRUE(exists(directory / "4803"));
}

TEST(UnixListener, AFileThatSomebodyElsePutThereSurvives) {
    const TemporaryDirectory directory;
    {
        const UnixListener listener(directory.path(), 4803);
        std::filesystem::remove(directory / "4803");
        std::ofstream(directory / "4803") << "another one's";
    }
    EXPECT_TRUE(exists(directory / "4803"));
}

TEST(UnixListener, AMissingDirectoryIsAProblemAndNoFailure) {
    const UnixListener listener("/nonexistent-directory", 4803);
    EXPECT_LT(listener.fd(), 0);
    EXPECT_THAT(listener.problem(), HasSubstr("/nonexistent-directory/4803"));
}

bool answers(const std::string& path) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

TEST(UnixListener, ARemovedSocketIsMadeAgain) {
    const TemporaryDirectory directory;
    UnixListener listener(directory.path(), 4803);
    EXPECT_EQ(listener.look(), UnixListener::Look::kUnchanged);
    std::filesystem::remove(directory / "4803");
    EXPECT_EQ(listener.look(), UnixListener::Look::kMadeAgain);
    EXPECT_TRUE(answers(directory / "4803"));
    EXPECT_EQ(listener.look(), UnixListener::Look::kUnchanged);
}

TEST(UnixListener, ASocketTakenBySomebodyElseIsToldOnceAndTakenBackLater) {
    const TemporaryDirectory directory;
    UnixListener listener(directory.path(), 4803);
    std::filesystem::remove(directory / "4803");
    {
        const UnixListener thief(directory.path(), 4803);
        EXPECT_EQ(listener.look(), UnixListener::Look::kLost);
        EXPECT_TRUE(listener.is_taken());
        EXPECT_EQ(listener.look(), UnixListener::Look::kUnchanged);
    }
    EXPECT_EQ(listener.look(), UnixListener::Look::kMadeAgain);
    EXPECT_FALSE(listener.is_taken());
    EXPECT_TRUE(answers(directory / "4803"));
}

TEST(UnixListener, WhatIsNoSocketIsSomebodyElses) {
    const TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "4803");
    UnixListener listener(directory.path(), 4803);
    EXPECT_THAT(listener.problem(), testing::HasSubstr("exists and is no socket"));
    EXPECT_TRUE(listener.is_taken());
    std::filesystem::remove(directory / "4803");
    EXPECT_EQ(listener.look(), UnixListener::Look::kMadeAgain);
    EXPECT_FALSE(listener.is_taken());
}

TEST(UnixListener, NothingElseIsLeftInTheDirectory) {
    const TemporaryDirectory directory;
    const UnixListener listener(directory.path(), 4803);
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& each :
         std::filesystem::directory_iterator(directory.path())) {
        ++files;
    }
    EXPECT_EQ(files, 1U);
}

}  // namespace
}  // namespace spread::daemon
