#pragma once

#include <memory>

#include "client/c/mailbox.hpp"

namespace spread::c_api {

/// A use of a mailbox. The descriptor is closed when the last use ends, never under somebody who is
/// still inside a call: the number would be given to the next connection.
class MailboxUse {
  public:
    MailboxUse() = default;
    MailboxUse(MailboxUse&& other) noexcept;
    MailboxUse& operator=(MailboxUse&&) = delete;
    MailboxUse(const MailboxUse&) = delete;
    MailboxUse& operator=(const MailboxUse&) = delete;
    ~MailboxUse();

    explicit operator bool() const { return entry_ != nullptr; }
    Mailbox* operator->() const;
    Mailbox& operator*() const;

    struct Entry;

  private:
    friend MailboxUse use_mailbox(int number);
    friend MailboxUse remove_mailbox(int number);
    explicit MailboxUse(Entry* entry) : entry_(entry) {}

    Entry* entry_ = nullptr;
};

/// Makes a mailbox of a descriptor, which is its own from now on, and its number known. If the
/// number still stands for another mailbox, the program closed that one's descriptor itself.
void add_mailbox(int descriptor, const protocol::NameField& private_group);

/// False for a number that is no mailbox. One short lock for all mailboxes.
[[nodiscard]] MailboxUse use_mailbox(int number);

/// The number is no mailbox from now on; the last use of it.
[[nodiscard]] MailboxUse remove_mailbox(int number);

}  // namespace spread::c_api
