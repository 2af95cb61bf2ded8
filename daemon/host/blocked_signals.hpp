#pragma once

#include <pthread.h>

#include <array>
#include <csignal>

namespace spread::daemon {

/// What ends a process that has gone wrong. Raised by a fault of a thread that blocks it, it would
/// end the process unheard.
inline constexpr std::array kFatalSignals{SIGABRT, SIGSEGV, SIGBUS, SIGFPE,
                                          SIGILL,  SIGSYS,  SIGTRAP};

/// From now on the calling thread leaves all signals but fatal ones to others.
inline void block_signals(sigset_t* before = nullptr) {
    sigset_t all;
    ::sigfillset(&all);
    for (const int number : kFatalSignals) {
        ::sigdelset(&all, number);
    }
    ::pthread_sigmask(SIG_SETMASK, &all, before);
}

/// The same while it lives; threads that are started meanwhile stay so.
class BlockedSignals {
  public:
    BlockedSignals() { block_signals(&before_); }
    ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

  private:
    sigset_t before_{};
};

}  // namespace spread::daemon
