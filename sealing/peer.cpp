#include "sealing/peer.hpp"

#include <algorithm>

namespace spread::sealing {
namespace {

constexpr int kRejectsMax = 8;
constexpr int kChangesMax = 3;
constexpr protocol::Duration kRejectsWithin = std::chrono::seconds(1);
constexpr protocol::Duration kChangesWithin = std::chrono::seconds(10);

/// Counts `count` up within a span of time.
int count_within(int& count, protocol::Instant& since, protocol::Instant now,
                 protocol::Duration span) {
    if (count == 0 || now - since > span) {
        count = 0;
        since = now;
    }
    return ++count;
}

}  // namespace

Stranger* Peer::find_stranger(StreamId stream) {
    for (const auto& stranger : strangers_) {
        if (stranger->id == stream) {
            return stranger.get();
        }
    }
    return nullptr;
}

Stranger& Peer::add_stranger(StreamId stream, Backend backend) {
    auto made = std::unique_ptr<Stranger>(new Stranger{stream, Contexts(backend, Use::kOpen)});
    if (strangers_.size() < kStrangersMax) {
        return *strangers_.emplace_back(std::move(made));
    }
    auto& oldest =
        *std::min_element(strangers_.begin(), strangers_.end(),
                          [](const auto& a, const auto& b) { return a->seen < b->seen; });
    oldest = std::move(made);
    return *oldest;
}

void Peer::promote(StreamId stream, Backend backend) {
    if (previous && previous->id == stream) {
        std::swap(previous, current);
        return;
    }
    auto proven =
        std::unique_ptr<PeerStream>(new PeerStream{stream, Contexts(backend, Use::kOpen), {}});
    const auto stranger = std::find_if(strangers_.begin(), strangers_.end(),
                                       [&](const auto& one) { return one->id == stream; });
    if (stranger != strangers_.end()) {
        proven->contexts = std::move((*stranger)->contexts);
        strangers_.erase(stranger);
    }
    for (const auto& [id, high] : former_) {
        if (id == stream) {
            proven->window.forget_below(high);
        }
    }
    remember(std::exchange(previous, std::exchange(current, std::move(proven))));
}

void Peer::remember(std::unique_ptr<PeerStream> stream) {
    if (!stream) {
        return;
    }
    former_.erase(std::remove_if(former_.begin(), former_.end(),
                                 [&](const auto& one) { return one.first == stream->id; }),
                  former_.end());
    former_.emplace_back(stream->id, stream->window.high());
    if (former_.size() > kFormerMax) {
        former_.pop_front();
    }
}

bool Peer::may_be_put_back(protocol::Instant now) {
    return count_within(rejects_, rejects_since_, now, kRejectsWithin) >= kRejectsMax;
}

bool Peer::changes_too_often(protocol::Instant now) {
    return count_within(changes_, changes_since_, now, kChangesWithin) > kChangesMax;
}

void Peer::keep_only(const KeyRing& keys) {
    for (const auto& stream : {current.get(), previous.get()}) {
        if (stream != nullptr) {
            stream->contexts.keep_only(keys);
        }
    }
    for (const auto& stranger : strangers_) {
        stranger->contexts.keep_only(keys);
    }
}

}  // namespace spread::sealing
