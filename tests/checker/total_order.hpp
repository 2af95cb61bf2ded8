#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spread::checker {

/// Keeps one order of all nodes that agrees with every edge so far, and finds the cycle when there
/// is none (online topological order, after Pearce and Kelly, with list labels after Dietz and
/// Sleator).
///
/// A new node goes right behind the one it was seen after. As long as the observers agree, every
/// further edge then runs forward already and costs one comparison. An edge that runs backward is
/// searched from both ends, and whichever search ends first tells which nodes to move.
class TotalOrder {
  public:
    using Node = std::uint32_t;
    static constexpr Node kNoNode = 0xffffffffU;

    /// Who knows the edges. They are asked for only when an edge runs backward.
    class Edges {
      public:
        virtual ~Edges() = default;
        virtual void successors(Node node, std::vector<Node>& out) const = 0;
        virtual void predecessors(Node node, std::vector<Node>& out) const = 0;
    };

    TotalOrder();

    /// A node without a place.
    Node add();
    [[nodiscard]] bool is_placed(Node node) const { return label_[index(node)] != 0; }
    [[nodiscard]] bool before(Node a, Node b) const { return label_[index(a)] < label_[index(b)]; }

    void place_last(Node node) { insert_after(last_, index(node)); }
    void place_after(Node node, Node where) { insert_after(index(where), index(node)); }

    /// Both are placed. Afterwards `first` is before `second`, and the result empty; or there is a
    /// path of edges from `second` to `first`, which is the result, both ends included.
    [[nodiscard]] std::vector<Node> put_before(Node first, Node second, const Edges& edges);

  private:
    using Index = std::uint32_t;  // of a node plus one; 0 is the head of the list

    struct Search {
        std::vector<Index> reached;  // in the order of discovery; those before `done` are expanded
        std::size_t done = 0;
        [[nodiscard]] bool is_over() const { return done == reached.size(); }
    };

    static Index index(Node node) { return node + 1; }
    static Node node(Index at) { return at - 1; }

    void insert_after(Index where, Index what);
    void unlink(Index what);
    void make_room_after(Index where);
    void move_after(Index where, std::vector<Index> nodes);
    /// Expands one node; true when it met the other search's start.
    bool expand(Search& search, bool forward, Index goal, std::uint64_t bound, const Edges& edges);
    [[nodiscard]] std::vector<Node> path(Index from, Index to) const;

    std::vector<std::uint64_t> label_;  // 0: not placed (and the head)
    std::vector<Index> next_;
    std::vector<Index> prev_;
    Index last_ = 0;

    // Of the searches; a mark is current when it equals the stamp.
    std::vector<std::uint32_t> ahead_mark_;
    std::vector<std::uint32_t> back_mark_;
    std::vector<Index> parent_;  // of the forward search
    std::uint32_t stamp_ = 0;
    std::vector<Node> scratch_;
};

}  // namespace spread::checker
