#include "daemon/clients/password_check.hpp"

#include <crypt.h>
#include <pthread.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/signal_stack.hpp"

namespace spread::daemon {

namespace {

using access::PasswordFile;

/// Looks at every byte, whatever the first ones say. Lengths are no secret: the kind of hash gives
/// them away.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) {
        return false;
    }
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    }
    return difference == 0;
}

bool is_good(const PasswordFile& file, const PasswordChecker::Job& job) {
    const std::string* const known = file.hash_of(job.user);
    const std::string* const hash = known != nullptr ? known : file.stand_in_for(job.user);
    const bool matches = hash != nullptr && password_matches(job.password, *hash);
    return known != nullptr && matches;
}

}  // namespace

bool password_matches(std::string_view password, const std::string& hash) noexcept {
    std::array<char, CRYPT_MAX_PASSPHRASE_SIZE + 1> phrase{};
    if (password.size() >= phrase.size() || password.find('\0') != std::string_view::npos ||
        hash.empty()) {
        return false;
    }
    std::copy(password.begin(), password.end(), phrase.begin());
    crypt_data work{};  // 32 KiB, and all that crypt_r() remembers
    const char* const made = ::crypt_r(phrase.data(), hash.c_str(), &work);
    // A failure is a null pointer or a text with '*', which no hash has.
    const bool is_same = made != nullptr && made[0] != '*' && equal_in_constant_time(made, hash);
    ::explicit_bzero(phrase.data(), phrase.size());
    ::explicit_bzero(&work, sizeof work);
    return is_same;
}

bool is_checkable_hash(const std::string& hash) noexcept {
    const int verdict = ::crypt_checksalt(hash.c_str());
    return verdict != CRYPT_SALT_INVALID && verdict != CRYPT_SALT_METHOD_DISABLED;
}

PasswordChecker::PasswordChecker(std::shared_ptr<const PasswordFile> file, Callback done)
    : done_(std::move(done)), file_(std::move(file)), thread_([this] { run(); }) {
    ::pthread_setname_np(thread_.native_handle(), "password");
}

PasswordChecker::~PasswordChecker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

bool PasswordChecker::submit(Job job) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= kQueueMax) {
            return false;
        }
        waiting_.push_back(std::move(job));
    }
    changed_.notify_one();
    return true;
}

void PasswordChecker::replace_file(std::shared_ptr<const PasswordFile> file) {
    const std::lock_guard lock(mutex_);
    file_ = std::move(file);
}

void PasswordChecker::run() {
    // Signals are for the thread that waits for them.
    block_signals();
    const SignalStack stack;

    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_) {
            return;
        }
        Job job = std::move(waiting_.front());
        waiting_.pop_front();
        const std::shared_ptr<const PasswordFile> file = file_;
        lock.unlock();
        const bool good = is_good(*file, job);
        ::explicit_bzero(job.password.data(), job.password.size());
        done_(job.id, good);
        lock.lock();
    }
}

}  // namespace spread::daemon
