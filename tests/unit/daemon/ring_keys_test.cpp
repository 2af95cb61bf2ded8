#include "daemon/ring/ring_keys.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_directory.hpp"
#include "three_nodes.hpp"

namespace spread::daemon {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

const std::string kGoodFile = "spreadd-keys 1\nuse AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";

class RingKeysTest : public testing::Test {
  protected:
    std::string write(const std::string& text, ::mode_t mode = 0600) {
        const std::string path = directory_.path() + "/ring.keys";
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path;
    }
    static std::string problem(const std::string& path) {
        const auto keys = read_keys(path, "");
        return keys ? "none" : keys.error();
    }

    TemporaryDirectory directory_;
};

TEST_F(RingKeysTest, ReadsAFileThatNobodyElseCanRead) {
    for (const ::mode_t mode : {0600U, 0400U, 0640U, 0440U}) {
        const auto keys = read_keys(write(kGoodFile, mode), "");
        ASSERT_TRUE(keys) << keys.error();
        EXPECT_EQ(to_string(keys->in_use().id), "f841a6b1");
        std::filesystem::remove(directory_.path() + "/ring.keys");
    }
}

TEST_F(RingKeysTest, FollowsSymbolicLinks) {
    const std::string path = write(kGoodFile);
    const std::string link = directory_.path() + "/link";
    std::filesystem::create_symlink(path, link);
    EXPECT_EQ(problem(link), "none");
}

TEST_F(RingKeysTest, SaysWhichCommandMendsTheMode) {
    EXPECT_THAT(problem(write(kGoodFile, 0644)),
                EndsWith("chmod 0640 " + directory_.path() + "/ring.keys"));
    EXPECT_THAT(problem(write(kGoodFile, 0666)), HasSubstr("mode 0666 lets others read or write"));
    EXPECT_THAT(problem(write(kGoodFile, 0602)),
                EndsWith("chmod 0600 " + directory_.path() + "/ring.keys"));
    EXPECT_THAT(problem(write(kGoodFile, 0620)), HasSubstr("mode 0620"));
}

TEST_F(RingKeysTest, AForeignOwnerCouldChangeTheKey) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    const std::string path = write(kGoodFile);
    ASSERT_EQ(::chown(path.c_str(), 12345, 0), 0);
    EXPECT_THAT(problem(path), HasSubstr("belongs to user 12345"));
    ASSERT_EQ(::chown(path.c_str(), 1, 0), 0);
    EXPECT_TRUE(read_keys(path, "daemon")) << "whom the daemon runs as";
}

TEST_F(RingKeysTest, SaysWhatIsNotThere) {
    const std::string missing = directory_.path() + "/none";
    EXPECT_THAT(problem(missing), HasSubstr("`spreadctl key new` makes one"));
    EXPECT_THAT(problem(directory_.path()), HasSubstr("is not a regular file"));
    EXPECT_THAT(problem(write("")), EndsWith("1:1: no key; `spreadctl key new` writes a file with "
                                             "one"));
    EXPECT_THAT(problem(write(kGoodFile + std::string(5000, '#'))),
                HasSubstr("is larger than 4096 bytes"));
    EXPECT_THAT(problem(write("spreadd-keys 1\nuse secretsecret\n")),
                Not(HasSubstr("secretsecret")));
}

TEST_F(RingKeysTest, SealsAsTheConfigurationSays) {
    config::Configuration configuration = three_nodes();
    configuration.ring_key_file = write(kGoodFile);
    EXPECT_EQ(seal_setup_of(configuration, 1).mode, sealing::Mode::kRequire);
    for (const auto mode :
         {sealing::Mode::kAccept, sealing::Mode::kSend, sealing::Mode::kRequire}) {
        configuration.ring_sealing = std::string(word_of(mode));
        const auto setup = seal_setup_of(configuration, 1);
        EXPECT_EQ(setup.mode, mode);
        EXPECT_EQ(setup.self, protocol::DaemonId{2});
        EXPECT_EQ(setup.daemons.size(), 3U);
    }
}

TEST_F(RingKeysTest, AnOpenRingHasDaemonsBeyondThisHostAndNoKey) {
    config::Configuration configuration = three_nodes();
    EXPECT_TRUE(is_open_ring(configuration));
    configuration.ring_key_file = "x";
    EXPECT_FALSE(is_open_ring(configuration));
    configuration.ring_key_file.reset();
    for (config::Daemon& daemon : configuration.daemons) {
        daemon.address = *config::parse_ip("127.0.0.1");
    }
    EXPECT_FALSE(is_open_ring(configuration));
    configuration = three_nodes();
    configuration.daemons.resize(1);
    EXPECT_FALSE(is_open_ring(configuration));
}

TEST(KernelEntropy, Differs) {
    KernelEntropy entropy;
    std::array<std::byte, 32> one{};
    std::array<std::byte, 32> two{};
    entropy.fill(one);
    entropy.fill(two);
    EXPECT_NE(one, two);
}

}  // namespace
}  // namespace spread::daemon
