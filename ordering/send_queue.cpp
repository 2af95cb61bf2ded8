#include "ordering/send_queue.hpp"

#include <utility>

#include "protocol/assert.hpp"

namespace spread::ordering {

void SendQueue::push(Submission&& submission) {
    if (submission.control) {
        control_bytes_ += submission.body.size();
        control_.push_back(std::move(submission));
    } else {
        bytes_ += submission.body.size();
        normal_.push_back(std::move(submission));
    }
}

Submission* SendQueue::current() {
    if (in_progress_ != nullptr) {
        return &in_progress_->front();
    }
    if (!control_.empty()) {
        return &control_.front();
    }
    if (!paused_ && !normal_.empty()) {
        return &normal_.front();
    }
    return nullptr;
}

void SendQueue::advance(std::size_t bytes) {
    const Submission* message = current();
    SPREAD_ASSERT(message != nullptr && offset_ + bytes <= message->body.size());
    if (in_progress_ == nullptr) {
        in_progress_ = control_.empty() ? &normal_ : &control_;
    }
    offset_ += bytes;
    if (offset_ == message->body.size()) {
        pop(*in_progress_);
        in_progress_ = nullptr;
        offset_ = 0;
    }
}

Submission SendQueue::take_current() {
    SPREAD_ASSERT(in_progress_ == nullptr && current() != nullptr);
    Lane& lane = control_.empty() ? normal_ : control_;
    const std::size_t size = lane.front().body.size();
    Submission submission = std::move(lane.front());
    (&lane == &control_ ? control_bytes_ : bytes_) -= size;
    lane.pop_front();
    return submission;
}

void SendQueue::pop(Lane& lane) {
    (&lane == &control_ ? control_bytes_ : bytes_) -= lane.front().body.size();
    lane.pop_front();
}

}  // namespace spread::ordering
