#include "tools/spreadctl/ring_key.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/ring/ring_keys.hpp"

namespace spread::spreadctl {
namespace {

using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStderr;
using testing::internal::GetCapturedStdout;

class RingKeyTest : public testing::Test {
  protected:
    RingKeyTest() {
        std::array<char, 32> name{"/tmp/ring_key_test.XXXXXX"};
        directory_ = ::mkdtemp(name.data());
        file_ = directory_ + "/ring.keys";
    }
    ~RingKeyTest() override {
        ::unlink(file_.c_str());
        ::rmdir(directory_.c_str());
    }

    std::string directory_;
    std::string file_;
};

TEST_F(RingKeyTest, WritesAFileThatADaemonReads) {
    CaptureStdout();
    ASSERT_EQ(key_new({file_}), 0);
    const std::string said = GetCapturedStdout();
    struct stat info {};
    ASSERT_EQ(::stat(file_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0600U);
    const auto keys = daemon::read_keys(file_, "");
    ASSERT_TRUE(keys) << keys.error();
    EXPECT_EQ(said, to_string(keys->in_use().id) + "  use\n");
}

TEST_F(RingKeyTest, OverwritesNothing) {
    CaptureStdout();
    ASSERT_EQ(key_new({file_}), 0);
    static_cast<void>(GetCapturedStdout());
    const auto before = daemon::read_keys(file_, "");
    CaptureStderr();
    EXPECT_EQ(key_new({file_}), 1);
    EXPECT_THAT(GetCapturedStderr(), HasSubstr("is there already; --add adds a key to it"));
    EXPECT_EQ(daemon::read_keys(file_, "")->in_use().id, before->in_use().id);
}

TEST_F(RingKeyTest, AddsAKeyToBeUsedLater) {
    CaptureStdout();
    ASSERT_EQ(key_new({file_}), 0);
    ASSERT_EQ(::chmod(file_.c_str(), 0640), 0);
    ASSERT_EQ(key_new({file_, true}), 0);
    static_cast<void>(GetCapturedStdout());
    const auto keys = daemon::read_keys(file_, "");
    ASSERT_TRUE(keys) << keys.error();
    ASSERT_EQ(keys->keys().size(), 2U);
    EXPECT_EQ(keys->keys()[0].role, sealing::KeyRole::kUse);
    EXPECT_EQ(keys->keys()[1].role, sealing::KeyRole::kKeep);
    struct stat info {};
    ASSERT_EQ(::stat(file_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0640U) << "stays";
    CaptureStdout();
    ASSERT_EQ(key_list(file_), 0);
    const std::string list = GetCapturedStdout();
    EXPECT_THAT(list, HasSubstr(to_string(keys->keys()[0].id) + "  use    "));
    EXPECT_THAT(list, HasSubstr(to_string(keys->keys()[1].id) + "  keep   "));
}

TEST_F(RingKeyTest, RefusesToListWhatOthersCanRead) {
    CaptureStdout();
    ASSERT_EQ(key_new({file_}), 0);
    static_cast<void>(GetCapturedStdout());
    ASSERT_EQ(::chmod(file_.c_str(), 0644), 0);
    CaptureStderr();
    EXPECT_EQ(key_list(file_), 1);
    EXPECT_THAT(GetCapturedStderr(), HasSubstr("chmod 0640"));
}

}  // namespace
}  // namespace spread::spreadctl
