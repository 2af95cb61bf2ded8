#pragma once

#include <csignal>
#include <cstddef>
#include <memory>

namespace spread::daemon {

/// While it lives, signals of the calling thread whose handlers ask for it (SA_ONSTACK) run on a
/// stack of their own, so that they run after an overflow of the thread's stack as well.
class SignalStack {
  public:
    /// Enough for the registers of any processor, and for a handler that makes a few calls.
    static constexpr std::size_t kBytes = 64U << 10U;

    SignalStack() : memory_(std::make_unique<std::byte[]>(kBytes)) {
        stack_t stack{};
        stack.ss_sp = memory_.get();
        stack.ss_size = kBytes;
        ::sigaltstack(&stack, &before_);
    }
    ~SignalStack() { ::sigaltstack(&before_, nullptr); }
    SignalStack(const SignalStack&) = delete;
    SignalStack& operator=(const SignalStack&) = delete;

  private:
    std::unique_ptr<std::byte[]> memory_;
    stack_t before_{};
};

}  // namespace spread::daemon
