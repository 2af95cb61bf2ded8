#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "daemon/access/password_file.hpp"

namespace spread::daemon {

/// Whether `hash` is a hash of `password`, by crypt(3): every kind of hash the host's library
/// knows, the 13-byte DES hashes of stock included. Takes as long as the kind of hash demands; the
/// comparison itself takes the same time for every wrong password. Safe to call from any thread. A
/// password with a NUL in it matches nothing, nor does an invalid hash.
[[nodiscard]] bool password_matches(std::string_view password, const std::string& hash) noexcept;

/// Whether this host's crypt(3) can check such a hash at all.
[[nodiscard]] bool is_checkable_hash(const std::string& hash) noexcept;

/// Checks passwords on a thread of its own, because a good hash takes from milliseconds to seconds
/// and nobody else may wait for that. An unknown user takes the time of a known one.
///
/// All members may be called from any thread, but not from the callback.
class PasswordChecker {
  public:
    static constexpr std::size_t kQueueMax = 256;

    struct Job {
        std::uint64_t id = 0;  ///< the caller's; comes back with the answer
        std::string user;
        std::string password;
    };
    /// Called on the thread of the checker, one call at a time, in the order of submission.
    using Callback = std::function<void(std::uint64_t id, bool is_good)>;

    PasswordChecker(std::shared_ptr<const access::PasswordFile> file, Callback done);
    /// Drops what waits, and waits for the check under way. There is no callback afterwards.
    ~PasswordChecker();
    PasswordChecker(const PasswordChecker&) = delete;
    PasswordChecker& operator=(const PasswordChecker&) = delete;

    /// False when kQueueMax jobs wait already: the job is not taken.
    [[nodiscard]] bool submit(Job job);

    /// Jobs that are not begun yet are checked against this one.
    void replace_file(std::shared_ptr<const access::PasswordFile> file);

  private:
    void run();

    Callback done_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<const access::PasswordFile> file_;  // guarded by mutex_, as what follows
    std::deque<Job> waiting_;
    bool stopping_ = false;
    std::thread thread_;  // last: runs as soon as it is made
};

}  // namespace spread::daemon
