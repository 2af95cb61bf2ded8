#include "daemon/clients/password_check.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using access::PasswordFile;
using testing::ElementsAre;
using testing::Le;
using testing::Pair;

// All of "geheim42", made by crypt(3) of libxcrypt 4.4; $1$ and $6$ also by openssl passwd.
const std::string kDes = "abvtfRLH11o8.";
const std::string kMd5 = "$1$saltsalt$twSdowXmPWHeEV34T6qZ7.";
const std::string kSha512 =
    "$6$saltsalt$loBl.RXQ7JLZB.0cm74Zhp/EMvUcaZRNCnDnrKfbAou3..Xeeh6CEQfOL93VNXKgbnlfN5tJdU64oO0o8M"
    "R991";
const std::vector<std::string> kHashes = {
    kDes,
    "_J9..CCCCCWhRyOY/./.",
    kMd5,
    "$5$saltsalt$VWI7yDfgappM8ncuS2VKmpkde5K7g5DgxGgIGRdiO35",
    kSha512,
    "$2b$04$abcdefghijklmnopqrstuuFKkrpUhg2Iqgd1Z/ndz3y2ySPFFNRSS",
    "$7$C6..../....saltsalt$qOB9IHxpIcHtZDZtgcQmDt.AKXyLjQ7C.klH9gC2hX7",
    "$y$j75$LdJMENpBABJJ3hIHjB1Bi.$oJOG.CRgnEoSzFn.56UpL639RA257H4h/ImypdTi1oB",
};

std::shared_ptr<const PasswordFile> file_of(std::string_view text) {
    auto result = PasswordFile::parse(text);
    if (!result.file) {
        throw std::runtime_error(result.diagnostics.front().message);
    }
    return std::make_shared<const PasswordFile>(*std::move(result.file));
}

TEST(PasswordMatches, ExactlyThePasswordTheHashWasMadeOf) {
    for (const std::string& hash : kHashes) {
        EXPECT_TRUE(is_checkable_hash(hash)) << hash;
        EXPECT_TRUE(password_matches("geheim42", hash)) << hash;
        EXPECT_FALSE(password_matches("geheim43", hash)) << hash;
        EXPECT_FALSE(password_matches("Geheim42", hash)) << hash;
        EXPECT_FALSE(password_matches("geheim4", hash)) << hash;
        EXPECT_FALSE(password_matches("", hash)) << hash;
    }
}

TEST(PasswordMatches, NothingMatchesWhatIsNoHash) {
    for (const std::string hash :
         {"", "*", "*0", "*1", "!", "x", "$", "$6$", "$nosuch$saltsalt$abcdefghijklm", "geheim42",
          "ab", "$6$saltsalt", "::vtfRLH11o8."}) {
        EXPECT_FALSE(password_matches("geheim42", hash)) << hash;
        EXPECT_FALSE(password_matches("", hash)) << hash;
    }
    EXPECT_FALSE(password_matches("geheim42", kDes + std::string(1, '\0')));
    EXPECT_FALSE(is_checkable_hash("$nosuch$saltsalt$abcdefghijklm"));
    EXPECT_FALSE(is_checkable_hash(""));
}

TEST(PasswordMatches, APasswordDoesNotEndAtAZeroByte) {
    EXPECT_FALSE(password_matches(std::string_view("geheim42\0", 9), kMd5));
    EXPECT_FALSE(password_matches(std::string_view("geheim42\0more", 13), kMd5));
    EXPECT_FALSE(password_matches(std::string(100000, 'x'), kMd5));
}

TEST(PasswordMatches, ManyThreadsMayAskAtOnce) {
    std::vector<std::thread> threads;
    std::vector<int> wrong(4);
    for (int& count : wrong) {
        threads.emplace_back([&count] {
            for (int i = 0; i < 50; ++i) {
                count += password_matches("geheim42", kMd5) ? 0 : 1;
                count += password_matches("geheim42", kDes) ? 0 : 1;
                count += password_matches("geheim41", kMd5) ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_THAT(wrong, ElementsAre(0, 0, 0, 0));
}

/// Collects answers, and can keep the checker in its callback.
class Answers {
  public:
    PasswordChecker::Callback callback() {
        return [this](std::uint64_t id, bool is_good) {
            std::unique_lock lock(mutex_);
            list_.emplace_back(id, is_good);
            thread_ = std::this_thread::get_id();
            changed_.notify_all();
            changed_.wait(lock, [this] { return !is_held_; });
        };
    }
    void hold() {
        const std::lock_guard lock(mutex_);
        is_held_ = true;
    }
    void release() {
        const std::lock_guard lock(mutex_);
        is_held_ = false;
        changed_.notify_all();
    }
    /// The answers as soon as there are `count`.
    std::vector<std::pair<std::uint64_t, bool>> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return list_.size() >= count; });
        return list_;
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return list_.size();
    }
    std::thread::id thread() {
        const std::lock_guard lock(mutex_);
        return thread_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::pair<std::uint64_t, bool>> list_;
    std::thread::id thread_;
    bool is_held_ = false;
};

TEST(PasswordChecker, AnswersInOrderOnItsOwnThread) {
    Answers answers;
    PasswordChecker checker(file_of("alice:" + kMd5 + "\nbob:" + kDes), answers.callback());
    EXPECT_TRUE(checker.submit({7, "alice", "geheim42"}));
    EXPECT_TRUE(checker.submit({3, "alice", "geheim41"}));
    EXPECT_TRUE(checker.submit({9, "bob", "geheim42"}));
    EXPECT_TRUE(checker.submit({9, "", "geheim42"}));
    EXPECT_THAT(answers.wait_for(4),
                ElementsAre(Pair(7, true), Pair(3, false), Pair(9, true), Pair(9, false)));
    EXPECT_NE(answers.thread(), std::this_thread::get_id());
}

TEST(PasswordChecker, AnUnknownUserIsRefusedEvenWithThePasswordOfItsStandIn) {
    Answers answers;
    PasswordChecker checker(file_of("alice:" + kMd5), answers.callback());
    EXPECT_TRUE(checker.submit({1, "mallory", "geheim42"}));
    EXPECT_THAT(answers.wait_for(1), ElementsAre(Pair(1, false)));
}

TEST(PasswordChecker, WithoutUsersEverybodyIsRefused) {
    Answers answers;
    PasswordChecker checker(std::make_shared<const PasswordFile>(), answers.callback());
    EXPECT_TRUE(checker.submit({1, "alice", "geheim42"}));
    EXPECT_THAT(answers.wait_for(1), ElementsAre(Pair(1, false)));
}

TEST(PasswordChecker, AJobIsCheckedAgainstTheFileOfTheMomentItBegins) {
    Answers answers;
    answers.hold();
    PasswordChecker checker(file_of("alice:" + kMd5), answers.callback());
    EXPECT_TRUE(checker.submit({1, "bob", "geheim42"}));
    answers.wait_for(1);
    EXPECT_TRUE(checker.submit({2, "bob", "geheim42"}));
    EXPECT_TRUE(checker.submit({3, "alice", "geheim42"}));
    checker.replace_file(file_of("bob:" + kDes));
    answers.release();
    EXPECT_THAT(answers.wait_for(3), ElementsAre(Pair(1, false), Pair(2, true), Pair(3, false)));
}

TEST(PasswordChecker, TakesNoMoreJobsThanItsQueueHolds) {
    Answers answers;
    answers.hold();
    PasswordChecker checker(file_of("alice:" + kDes), answers.callback());
    EXPECT_TRUE(checker.submit({0, "alice", "geheim42"}));
    answers.wait_for(1);  // this one waits no longer
    for (std::size_t i = 1; i <= PasswordChecker::kQueueMax; ++i) {
        EXPECT_TRUE(checker.submit({i, "alice", "geheim42"})) << i;
    }
    EXPECT_FALSE(checker.submit({1000, "alice", "geheim42"}));
    answers.release();
    const auto all = answers.wait_for(PasswordChecker::kQueueMax + 1);
    EXPECT_EQ(all.back(), std::make_pair(std::uint64_t{PasswordChecker::kQueueMax}, true));
    EXPECT_TRUE(checker.submit({1001, "alice", "geheim42"}));
    EXPECT_EQ(answers.wait_for(PasswordChecker::kQueueMax + 2).back().first, 1001U);
}

TEST(PasswordChecker, DropsWhatWaitsWhenItEnds) {
    Answers answers;
    {
        // A check takes long enough that all of them would take many seconds.
        PasswordChecker checker(file_of("alice:$6$rounds=200000$saltsalt$" + std::string(86, '.')),
                                answers.callback());
        for (std::size_t i = 0; i < PasswordChecker::kQueueMax; ++i) {
            EXPECT_TRUE(checker.submit({i, "alice", "geheim42"}));
        }
        answers.wait_for(1);
    }
    EXPECT_THAT(answers.count(), Le(20U));
}

}  // namespace
}  // namespace spread::daemon
