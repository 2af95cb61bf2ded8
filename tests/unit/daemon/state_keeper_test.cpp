#include "daemon/ring/state_keeper.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <mutex>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr protocol::DaemonId kKeeper{42};

/// A keeper on a directory, and what it reported.
class StateKeeperTest : public ::testing::Test {
  protected:
    std::unique_ptr<StateFile> open_file() const {
        return std::make_unique<StateFile>(directory_.path(), kKeeper);
    }
    std::unique_ptr<CrashMemory> open_memory() const {
        return std::make_unique<CrashMemory>(open_file()->identity());
    }
    std::unique_ptr<StateKeeper> keep(const DaemonState& state) {
        auto keeper = std::make_unique<StateKeeper>(
            open_file(), open_memory(), state, [this](const std::string& problem) {
                const std::lock_guard<std::mutex> lock(mutex_);
                problems_.push_back(problem);
            });
        keeper->start();
        return keeper;
    }
    std::optional<DaemonState> load() const {
        return StateKeeper::load(*open_file(), *open_memory());
    }
    void TearDown() override { open_memory()->forget(); }

    TemporaryDirectory directory_;
    std::mutex mutex_;
    std::vector<std::string> problems_;
};

TEST_F(StateKeeperTest, TheLastCounterIsOnDiskAtTheEnd) {
    auto keeper = keep({5, 100});
    for (std::uint64_t counter = 101; counter < 200; ++counter) {
        keeper->keep(counter);
    }
    keeper.reset();
    EXPECT_EQ(open_file()->load(), (DaemonState{5, 199}));
    EXPECT_THAT(problems_, IsEmpty());
    EXPECT_EQ(open_memory()->load(), std::nullopt) << "is only for crashes";
}

// What a crash leaves: the memory, and a disk that is behind.
TEST_F(StateKeeperTest, MemoryThatIsAheadOfTheDiskCounts) {
    const auto file = open_file();
    ASSERT_TRUE(file->store({5, 100}));
    const auto memory = open_memory();
    if (!memory->works()) {
        GTEST_SKIP() << "NOT TESTED: nothing can be written to /dev/shm here";
    }
    memory->store({5, 117});
    EXPECT_EQ(load(), (DaemonState{5, 117}));
}

TEST_F(StateKeeperTest, ADiskThatIsAheadOfTheMemoryCounts) {
    ASSERT_TRUE(open_file()->store({7, 300}));
    open_memory()->store({6, 200});
    EXPECT_EQ(load(), (DaemonState{7, 300}));
}

TEST_F(StateKeeperTest, ADiskThatFailsIsToldOnceAndKeptInMemory) {
    auto keeper = keep({5, 100});
    std::filesystem::create_directory(directory_ / "daemon-42.state.new");  // in the way
    keeper->keep(101);
    keeper->keep(102);
    keeper.reset();
    EXPECT_THAT(problems_, ElementsAre(HasSubstr("daemon-42.state")));
    if (open_memory()->works()) {
        EXPECT_EQ(load(), (DaemonState{5, 102}));
    }
}

TEST(CrashMemory, DaemonsDoNotShareIt) {
    CrashMemory one("test-1");
    CrashMemory two("test-2");
    one.store({1, 10});
    two.store({2, 20});
    if (one.works()) {
        EXPECT_EQ(CrashMemory("test-1").load(), (DaemonState{1, 10}));
    }
    one.forget();
    two.forget();
}

TEST(CrashMemory, AFileThatIsNoPageSaysNothing) {
    CrashMemory fresh("test-3");
    EXPECT_EQ(fresh.load(), std::nullopt);
    fresh.forget();
    EXPECT_EQ(CrashMemory("").load(), std::nullopt);
}

}  // namespace
}  // namespace spread::daemon
