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
        (submission.ahead ? ahead_ : normal_).push_back(std::move(submission));
    }
}

Submission* SendQueue::current() {
    if (in_progress_ != nullptr) {
        return &in_progress_->front();
    }
    Lane* const lane = next_lane();
    return lane == nullptr ? nullptr : &lane->front();
}

SendQueue::Lane* SendQueue::next_lane() {
    if (!control_.empty()) {
        return &control_;
    }
    if (paused_) {
        return nullptr;
    }
    if (!ahead_.empty()) {
        return &ahead_;
    }
    return normal_.empty() ? nullptr : &normal_;
}

void SendQueue::advance(std::size_t bytes) {
    const Submission* message = current();
    SPREAD_ASSERT(message != nullptr && offset_ + bytes <= message->body.size());
    if (in_progress_ == nullptr) {
        in_progress_ = next_lane();
    }
    offset_ += bytes;
    if (offset_ == message->body.size()) {
        pop(*in_progress_);
        in_progress_ = nullptr;
        offset_ = 0;
    }
}

Submission SendQueue::take_current() {
    Lane* const next = next_lane();
    SPREAD_ASSERT(in_progress_ == nullptr && next != nullptr);
    Lane& lane = *next;
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
