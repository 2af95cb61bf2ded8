#include "tests/checker/total_order.hpp"

#include <algorithm>
#include <utility>

namespace spread::checker {

namespace {

constexpr std::uint64_t kSpacing = std::uint64_t{1} << 36;  ///< between appended nodes
constexpr std::uint64_t kStep = std::uint64_t{1} << 24;     ///< behind a node inside the list
constexpr std::uint64_t kRoom = std::uint64_t{1} << 20;     ///< each gets when labels are spread

}  // namespace

TotalOrder::TotalOrder()
    : label_(1), next_(1), prev_(1), ahead_mark_(1), back_mark_(1), parent_(1) {}

TotalOrder::Node TotalOrder::add() {
    label_.push_back(0);
    next_.push_back(0);
    prev_.push_back(0);
    ahead_mark_.push_back(0);
    back_mark_.push_back(0);
    parent_.push_back(0);
    return node(static_cast<Index>(label_.size() - 1));
}

void TotalOrder::insert_after(Index where, Index what) {
    if (where == last_) {
        label_[what] = label_[where] + kSpacing;
        prev_[what] = where;
        next_[where] = what;
        next_[what] = 0;
        last_ = what;
        return;
    }
    if (label_[next_[where]] - label_[where] < 2) {
        make_room_after(where);
    }
    const Index follower = next_[where];
    const std::uint64_t gap = label_[follower] - label_[where];
    label_[what] = label_[where] + std::min(gap / 2, kStep);
    prev_[what] = where;
    next_[what] = follower;
    next_[where] = what;
    prev_[follower] = what;
}

void TotalOrder::unlink(Index what) {
    next_[prev_[what]] = next_[what];
    if (next_[what] != 0) {
        prev_[next_[what]] = prev_[what];
    } else {
        last_ = prev_[what];
    }
}

void TotalOrder::make_room_after(Index where) {
    // Takes in followers until they have enough room together, and spreads them.
    Index stop = next_[where];
    std::uint64_t shares = 1;
    while (stop != 0 && label_[stop] - label_[where] < shares * kRoom) {
        stop = next_[stop];
        ++shares;
    }
    const std::uint64_t share = stop == 0 ? kSpacing : (label_[stop] - label_[where]) / shares;
    std::uint64_t label = label_[where];
    for (Index at = next_[where]; at != stop; at = next_[at]) {
        label += share;
        label_[at] = label;
    }
}

void TotalOrder::move_after(Index where, std::vector<Index> nodes) {
    std::sort(nodes.begin(), nodes.end(), [&](Index a, Index b) { return label_[a] < label_[b]; });
    for (const Index moved : nodes) {
        unlink(moved);
    }
    for (const Index moved : nodes) {
        insert_after(where, moved);
        where = moved;
    }
}

bool TotalOrder::expand(Search& search, bool forward, Index goal, std::uint64_t bound,
                        const Edges& edges) {
    const Index from = search.reached[search.done++];
    scratch_.clear();
    if (forward) {
        edges.successors(node(from), scratch_);
    } else {
        edges.predecessors(node(from), scratch_);
    }
    std::vector<std::uint32_t>& mark = forward ? ahead_mark_ : back_mark_;
    for (const Node neighbour : scratch_) {
        const Index at = index(neighbour);
        const bool outside = forward ? label_[at] > bound : label_[at] < bound;
        if (label_[at] == 0 || outside || mark[at] == stamp_) {
            continue;
        }
        if (forward) {
            parent_[at] = from;
        }
        if (at == goal) {
            return true;
        }
        mark[at] = stamp_;
        search.reached.push_back(at);
    }
    return false;
}

std::vector<TotalOrder::Node> TotalOrder::path(Index from, Index to) const {
    std::vector<Node> nodes;
    for (Index at = to; at != from; at = parent_[at]) {
        nodes.push_back(node(at));
    }
    nodes.push_back(node(from));
    std::reverse(nodes.begin(), nodes.end());
    return nodes;
}

std::vector<TotalOrder::Node> TotalOrder::put_before(Node first, Node second, const Edges& edges) {
    const Index x = index(first);
    const Index y = index(second);
    if (x == y) {
        return {first};
    }
    if (label_[x] < label_[y]) {
        return {};
    }
    const std::uint64_t low = label_[y];
    const std::uint64_t high = label_[x];
    ++stamp_;
    Search back{.reached = {x}};
    Search ahead{.reached = {y}};
    // A path from y to x would lie between them, so both searches would find it; while neither
    // is over they take turns.
    while (true) {
        if (expand(ahead, true, x, high, edges)) {
            return path(y, x);
        }
        if (expand(back, false, y, low, edges)) {
            while (!expand(ahead, true, x, high, edges)) {  // for the parents
            }
            return path(y, x);
        }
        if (back.is_over()) {
            // Nothing behind y leads to x but these.
            move_after(prev_[y], std::move(back.reached));
            return {};
        }
        if (ahead.is_over()) {
            move_after(x, std::move(ahead.reached));
            return {};
        }
    }
}

}  // namespace spread::checker
