#include "daemon/session/password_queue.hpp"

#include <algorithm>

namespace spread::session {
namespace {

using access::PeerAddress;
using protocol::SessionId;

auto is_of(SessionId session) {
    return [session](const PasswordCheck& check) { return check.session == session; };
}

}  // namespace

void PasswordQueue::push(const PeerAddress& peer, PasswordCheck check) {
    const PeerAddress address = peer.place();
    const auto [place, is_new_place] = places_.try_emplace(address);
    if (is_new_place) {
        turns_.push_back(address);
    }
    const auto [line, is_new_user] = place->second.users.try_emplace(check.user);
    if (is_new_user) {
        place->second.turns.push_back(check.user);
    }
    waiting_.emplace(check.session, std::pair(address, check.user));
    line->second.push_back(std::move(check));
}

void PasswordQueue::push_last(PasswordCheck check) {
    last_.push_back(std::move(check));
}

void PasswordQueue::remove(SessionId session) {
    const auto found = waiting_.find(session);
    if (found == waiting_.end()) {
        std::erase_if(last_, is_of(session));
        return;
    }
    const auto [address, user] = std::move(found->second);
    waiting_.erase(found);
    const auto place = places_.find(address);
    std::erase_if(place->second.users.at(user), is_of(session));
    remove_if_empty(place, user);
}

void PasswordQueue::remove_if_empty(Places::iterator place, const std::string& user) {
    auto& [address, queues] = *place;
    const auto line = queues.users.find(user);
    if (!line->second.empty()) {
        return;
    }
    queues.users.erase(line);
    std::erase(queues.turns, user);
    if (queues.users.empty()) {
        std::erase(turns_, address);
        places_.erase(place);
    }
}

std::optional<PasswordQueue::Turn> PasswordQueue::pop() {
    if (turns_.empty()) {
        if (last_.empty()) {
            return std::nullopt;
        }
        Turn turn{std::move(last_.front()), true};
        last_.pop_front();
        return turn;
    }
    // Whoever has had its turn goes to the end.
    std::rotate(turns_.begin(), turns_.begin() + 1, turns_.end());
    const auto place = places_.find(turns_.back());
    auto& turns = place->second.turns;
    std::rotate(turns.begin(), turns.begin() + 1, turns.end());
    const std::string user = turns.back();
    auto& line = place->second.users.at(user);
    Turn turn{std::move(line.front()), false};
    line.pop_front();
    waiting_.erase(turn.check.session);
    remove_if_empty(place, user);
    return turn;
}

}  // namespace spread::session
