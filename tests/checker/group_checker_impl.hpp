#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/checker/group_checker.hpp"
#include "tests/checker/group_history.hpp"
#include "tests/checker/total_order.hpp"
#include "tests/checker/violation.hpp"

namespace spread::checker {

/// A rolling digest of a sequence.
constexpr std::uint64_t folded(std::uint64_t digest, std::uint64_t value) {
    digest = (digest ^ value) * 0x9e3779b97f4a7c15U;
    return digest ^ (digest >> 32);
}

/// How each property is held:
///
///   P1a, P1b, G9   group_messages.cpp: one order of all messages and views must agree with every
///                  client's reading and with cause (an author has read before it sends)
///   G1             group_checker.cpp: requests of one client take effect in their order
///   G2             group_views.cpp: one id names one view, for ever
///   G3 to G6, G11  the same: a view and what its reader had seen before
///   G7, G8, G10    group_passages.cpp: what came between two views, compared among readers
///   G12, G13       group_messages.cpp: own messages, and those of one author, in sending order
///   G13, L2        group_dues.cpp: what is due to whom by its author's and its own daemon having
///                  stayed together
///   G11, G14       with configurations of daemons, and all else that is due at the end:
///                  group_finish.cpp
struct GroupChecker::Impl : History {
    std::optional<Violation> violation;
    Feed feed = Feed::kAsItHappens;

    [[nodiscard]] bool has_failed() const { return violation.has_value(); }
    void fail(std::string_view property, std::string summary, std::vector<std::string> evidence);

    // ---- Messages ----

    void on_send(ClientIndex index, const Multicast& multicast);
    void on_message(ClientIndex index, std::string_view sender, const Multicast& multicast);
    /// G1: it is for this client, now.
    void check_addressee(ClientIndex index, MessageIndex message);
    /// G12: its own messages come back in sending order.
    void check_own(ClientIndex index, const SentMessage& message);
    /// G13: those of one author come in sending order.
    void check_fifo(ClientIndex index, MessageIndex message);
    /// G13: and none to this group is missing.
    void check_gap(ClientIndex index, Seat& seat, MessageIndex message, std::uint32_t at);
    [[nodiscard]] bool were_together(ClientIndex index, NameId group, NameId author,
                                     std::uint32_t begin, std::uint32_t end) const;
    void fail_order(ClientIndex index, std::span<const Node> cycle);
    void replay_fifo(ClientIndex index);

    // ---- Views ----

    /// A view as its reader gets it: with the place of that reader.
    struct Reading {
        ViewRecord record;
        std::int64_t own_index = 0;
        std::size_t own_set = 0;
        [[nodiscard]] const std::vector<NameId>& companions() const { return record.sets[own_set]; }
    };

    void on_view(ClientIndex index, const View& view);
    /// The view that its id names (G2).
    ViewIndex place_view(ClientIndex index, ViewRecord record);
    void note_silent_member(NameId member, NameId group);
    void on_signal(ClientIndex index, std::string_view group, const protocol::GroupId& id);
    void on_self_leave(ClientIndex index, std::string_view group);
    /// G1: this client gets memberships.
    bool check_wanted(ClientIndex index, std::string_view what);
    /// What a view says of itself (G3, G5, G6).
    void check_shape(ClientIndex index, const ViewRecord& record);
    void check_sets(ClientIndex index, const ViewRecord& record);
    void check_member_order(ClientIndex index, const ViewRecord& record);
    /// What it says to this client (G3, G6).
    void check_reader(ClientIndex index, const Reading& reading);
    /// The first after a join (G1).
    void check_first(ClientIndex index, const Seat& seat, const Reading& reading);
    /// After another one (G4, G5, G8, G11, G14).
    void check_step(ClientIndex index, const Seat& seat, const Reading& reading);
    [[nodiscard]] bool was_in_epoch(const Seat& seat, const ViewRecord& record);
    void check_change_step(ClientIndex index, const Seat& seat, const ViewRecord& record);
    void check_network_step(ClientIndex index, const Seat& seat, const Reading& reading);
    void check_interim_step(ClientIndex index, const Seat& seat, const Reading& reading);
    void fail_view(std::string_view property, ClientIndex index, const ViewRecord& record,
                   const std::string& what);
    /// Names in `a` that are not in `b`.
    [[nodiscard]] std::vector<NameId> without(const std::vector<NameId>& a,
                                              const std::vector<NameId>& b);
    [[nodiscard]] std::string list(const std::vector<NameId>& ids) const;

    // ---- Passages from view to view ----

    /// `to` is kNone for a leaver.
    void close_passage(ClientIndex index, Seat& seat, ViewIndex to, std::uint32_t set);
    void check_past(ClientIndex index, const Seat& seat, ViewIndex to, std::uint32_t set);
    void check_set_order(ClientIndex index, const ViewRecord& record, std::uint32_t set);
    /// G7, or at the end of the history G13.
    void compare_passage(Passage& passage, ViewIndex from, const Passage::Witness& witness,
                         const Seat& seat, std::string_view property);
    /// G10 for those who took different steps from one view.
    void compare_safe(ViewIndex from, const Passage& one, const Passage& other);
    /// message * 2, plus 1 behind the signal; ascending.
    [[nodiscard]] std::vector<std::uint64_t> content(const Passage::Witness& witness,
                                                     NameId group) const;
    /// It may be missing at a client of this name: the author wanted it so (or may have).
    [[nodiscard]] bool may_be_discarded(MessageIndex message, NameId name) const;

    // ---- What is due, whoever sent it ----

    /// A client's stay in a group, as far as a reader's log shows it.
    struct KnownStay {
        NameId group = kNone;
        std::uint32_t begin = 0;  ///< its first view, in the log
    };
    /// G13: between two messages of one author that a client got, none is missing.
    void finish_gaps(ClientIndex index);
    [[nodiscard]] bool is_addressed(const Client& client, const SentMessage& message,
                                    std::span<const KnownStay> stays, std::uint32_t before) const;
    /// L2: what a client that is still there sent has come to all who are still there.
    void finish_dues();
    [[nodiscard]] bool is_due(const SentMessage& message, ClientIndex reader) const;

    // ---- The end ----

    void finish(bool quiet);
    void finish_client(ClientIndex index);
    void finish_open_views();
    void finish_safe();
    void finish_silent_members(ClientIndex index);
    [[nodiscard]] ClientIndex silent_member(const Client& reader, NameId member, NameId group,
                                            std::uint32_t at) const;
    void finish_signals(ClientIndex index);
    [[nodiscard]] ClientIndex only_connection(NameId name) const;
    [[nodiscard]] bool has(ClientIndex client, MessageIndex message) const {
        return received_by[client][message];
    }
    std::vector<std::vector<bool>> received_by;  ///< by client and message; of those still there

    [[nodiscard]] NameId daemon_of(NameId member);
    std::vector<NameId> daemon_of_member;  ///< by name

    std::vector<std::uint32_t> marks;  ///< by name; set when it equals the stamp
    std::uint32_t stamp = 0;
    void mark(NameId id);
    [[nodiscard]] bool is_marked(NameId id) const {
        return id < marks.size() && marks[id] == stamp;
    }

    std::vector<bool> needs_replay;  ///< clients that got a message before its send was fed
    std::vector<MessageIndex> awaiting_send;
    bool is_finished = false;
};

}  // namespace spread::checker
