#include "client/c/registry.hpp"

#include <pthread.h>

#include <atomic>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>

namespace spread::c_api {

/// Uses are counted by hand, not by shared_ptr: in a forked child, the threads that held some are
/// not there to give them back.
struct MailboxUse::Entry {
    Entry(int descriptor, const protocol::NameField& private_group)
        : mailbox(descriptor, private_group) {}

    Mailbox mailbox;
    std::atomic<int> uses{1};  // the table's own
};

namespace {

using Entry = MailboxUse::Entry;

struct Registry {
    std::mutex mutex;
    std::unordered_map<int, Entry*> entries;
};

void release(Entry* entry) {
    if (entry->uses.fetch_sub(1) == 1) {
        delete entry;
    }
}

/// Lives as long as the process: other threads may be inside a call when it exits.
Registry& registry();

void before_fork() {
    registry().mutex.lock();
}

void after_fork_in_parent() {
    registry().mutex.unlock();
}

void after_fork_in_child() {
    Registry& all = registry();
    new (&all.mutex) std::mutex;
    for (const auto& [number, entry] : all.entries) {
        entry->uses.store(1);
        entry->mailbox.after_fork();
    }
}

Registry& registry() {
    static Registry* const instance = [] {
        auto* made = new Registry;
        return made;
    }();
    static const int handlers =
        pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    static_cast<void>(handlers);
    return *instance;
}

}  // namespace

MailboxUse::MailboxUse(MailboxUse&& other) noexcept
    : entry_(std::exchange(other.entry_, nullptr)) {}

MailboxUse::~MailboxUse() {
    if (entry_ != nullptr) {
        release(entry_);
    }
}

Mailbox* MailboxUse::operator->() const {
    return &entry_->mailbox;
}

Mailbox& MailboxUse::operator*() const {
    return entry_->mailbox;
}

void add_mailbox(int descriptor, const protocol::NameField& private_group) {
    auto* entry = new Entry(descriptor, private_group);
    Registry& all = registry();
    Entry* stale = nullptr;
    {
        const std::scoped_lock lock(all.mutex);
        stale = std::exchange(all.entries[descriptor], entry);
    }
    if (stale != nullptr) {
        stale->mailbox.close();
        stale->mailbox.stream().disown();
        release(stale);
    }
}

MailboxUse use_mailbox(int number) {
    Registry& all = registry();
    const std::scoped_lock lock(all.mutex);
    const auto found = all.entries.find(number);
    if (found == all.entries.end()) {
        return MailboxUse();
    }
    found->second->uses.fetch_add(1);
    return MailboxUse(found->second);
}

MailboxUse remove_mailbox(int number) {
    Registry& all = registry();
    const std::scoped_lock lock(all.mutex);
    const auto found = all.entries.find(number);
    if (found == all.entries.end()) {
        return MailboxUse();
    }
    Entry* const entry = found->second;
    all.entries.erase(found);
    return MailboxUse(entry);
}

}  // namespace spread::c_api
