#include "daemon/ring/look_ups.hpp"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/signal_stack.hpp"
#include "daemon/host/wakeup.hpp"

namespace spread::daemon {

struct LookUps::Shared {
    std::vector<Name> names;
    Wakeup come;
    std::mutex mutex;
    std::condition_variable change;
    std::deque<std::size_t> waiting;
    std::vector<Answer> answers;
    bool is_over = false;
};

LookUps::LookUps(std::vector<Name> names) : shared_(std::make_shared<Shared>()) {
    shared_->names = std::move(names);
    shared_->come.arm(~Wakeup::Reasons{0});
    const BlockedSignals blocked;
    std::thread thread([shared = shared_] {
        const SignalStack stack;
        run(shared);
    });
    ::pthread_setname_np(thread.native_handle(), "names");
    thread.detach();
}

LookUps::~LookUps() {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_over = true;
    shared_->change.notify_one();
}

void LookUps::ask(std::size_t name, bool at_once) {
    const std::lock_guard lock(shared_->mutex);
    if (at_once) {
        shared_->waiting.push_front(name);
    } else {
        shared_->waiting.push_back(name);
    }
    shared_->change.notify_one();
}

std::vector<LookUps::Answer> LookUps::take() {
    shared_->come.drain();
    const std::lock_guard lock(shared_->mutex);
    shared_->come.arm(~Wakeup::Reasons{0});
    return std::exchange(shared_->answers, {});
}

int LookUps::fd() const {
    return shared_->come.fd();
}

void LookUps::run(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    for (;;) {
        shared->change.wait(lock, [&] { return shared->is_over || !shared->waiting.empty(); });
        if (shared->is_over) {
            return;
        }
        Answer answer;
        answer.name = shared->waiting.front();
        shared->waiting.pop_front();
        lock.unlock();
        const Name& name = shared->names[answer.name];
        answer.found = look_up(name.host, name.family);
        lock.lock();
        shared->answers.push_back(std::move(answer));
        shared->come.notify(1);
    }
}

}  // namespace spread::daemon
