#include "daemon/driver/ring_port.hpp"

#include <utility>
#include <variant>

namespace spread::driver {

void RingPort::add(membership::Submission&& submission) {
    if (submission.control) {
        waiting_control_.push_back(std::move(submission));
    } else if (submission.ahead) {
        waiting_ahead_.push_back(std::move(submission));
    } else {
        waiting_.push_back(std::move(submission));
    }
}

std::size_t RingPort::push() {
    bool control = false;
    while (!waiting_control_.empty() &&
           queues_.control.try_push(std::move(waiting_control_.front()))) {
        waiting_control_.pop_front();
        control = true;
    }
    if (control) {
        ring_.notify(RingQueues::kControl);
    }
    // Those ahead first: an ordinary message of the same sender must not be seen before them.
    std::size_t ahead = 0;
    while (!waiting_ahead_.empty() && queues_.ahead.try_push(std::move(waiting_ahead_.front()))) {
        waiting_ahead_.pop_front();
        ++ahead;
    }
    if (ahead > 0) {
        ring_.notify(RingQueues::kAhead);
    }
    std::size_t pushed = 0;
    while (!waiting_.empty() && waiting_ahead_.empty() && queues_.submit_has_room()) {
        const std::size_t bytes = waiting_.front().body.size();
        // Counted first: the consumer may take it away at once.
        queues_.submitted_bytes.fetch_add(bytes, std::memory_order_relaxed);
        if (!queues_.submissions.try_push(std::move(waiting_.front()))) {
            queues_.submitted_bytes.fetch_sub(bytes, std::memory_order_relaxed);
            break;
        }
        waiting_.pop_front();
        ++pushed;
    }
    if (pushed > 0) {
        ring_.notify(RingQueues::kSubmission);
    }
    return ahead + pushed;
}

bool RingPort::can_push() const {
    return (!waiting_control_.empty() && queues_.control.size() < queues_.control.capacity()) ||
           (!waiting_ahead_.empty() && queues_.ahead.size() < queues_.ahead.capacity()) ||
           (!waiting_.empty() && waiting_ahead_.empty() && queues_.submit_has_room());
}

std::optional<membership::DeliveryEvent> RingPort::next_event() {
    membership::DeliveryEvent* front = queues_.deliveries.front();
    if (front == nullptr) {
        return std::nullopt;
    }
    std::optional<membership::DeliveryEvent> event(std::move(*front));
    queues_.deliveries.pop();
    if (const auto* delivery = std::get_if<membership::Delivery>(&*event)) {
        queues_.delivered_bytes.fetch_sub(delivery->body.size(), std::memory_order_release);
    }
    return event;
}

void RingPort::tell_of_room() {
    if (queues_.deliveries_are_low()) {
        ring_.notify(RingQueues::kDeliveryRoom);
    }
}

bool RingPort::is_drained() {
    return queues_.ring_stopped.load(std::memory_order_acquire) && !has_event();
}

}  // namespace spread::driver
