#include "daemon/clients/batch_scheduling.hpp"

#include <sched.h>

#include <chrono>

namespace spread::daemon {

void BatchScheduling::begin(protocol::Instant now) {
    window_start_ = now;
    may_change_ = ::sched_getscheduler(0) == SCHED_OTHER;
}

void BatchScheduling::end_window(protocol::Instant now) {
    const double seconds = std::chrono::duration<double>(now - window_start_).count();
    const double rate = static_cast<double>(frames_) / seconds;
    window_start_ = now;
    frames_ = 0;
    const bool wanted = rate >= (is_on_ ? kOffRate : kOnRate);
    if (wanted == is_on_ || !may_change_) {
        return;
    }
    const sched_param none{};
    // 0 is the calling thread.
    if (::sched_setscheduler(0, wanted ? SCHED_BATCH : SCHED_OTHER, &none) == 0) {
        is_on_ = wanted;
    } else {
        may_change_ = false;  // forbidden here: it would be so the next time
    }
}

}  // namespace spread::daemon
