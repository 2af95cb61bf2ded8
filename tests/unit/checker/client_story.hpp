#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/membership_frames.hpp"
#include "tests/checker/group_checker.hpp"

namespace spread::checker {

/// Writes histories of clients and lets the checker judge them, with the clients' events as
/// written, or one client after the other. Client "a1" is user a at daemon d1: "#a#d1".
class ClientStory {
  public:
    using GroupId = protocol::GroupId;

    enum class Order : std::uint8_t { kAsWritten, kByClient, kByClientBackward };

    ClientStory& connect(std::string_view clients, bool wants_membership = true);
    ClientStory& join(std::string_view clients, const std::string& group = "g");
    ClientStory& leave(std::string_view clients, const std::string& group = "g");
    /// To groups and clients, separated by blanks.
    ClientStory& send(const std::string& client, std::uint64_t message,
                      std::string_view destinations = "g",
                      ClientService service = ClientService::kAgreed, bool self_discard = false);
    ClientStory& safe(const std::string& client, std::uint64_t message,
                      std::string_view destinations = "g") {
        return send(client, message, destinations, ClientService::kSafe);
    }

    ClientStory& joined(std::string_view readers, GroupId id, std::string_view members,
                        const std::string& subject, const std::string& group = "g");
    ClientStory& gone(std::string_view readers, GroupId id, std::string_view members,
                      const std::string& subject, const std::string& group = "g");
    ClientStory& killed(std::string_view readers, GroupId id, std::string_view members,
                        const std::string& subject, const std::string& group = "g");
    /// Sets are separated by '|'; absent: one of all members.
    ClientStory& network(std::string_view readers, GroupId id, std::string_view members,
                         std::string_view sets = {}, const std::string& group = "g");
    ClientStory& signal(std::string_view readers, GroupId id, const std::string& group = "g");
    ClientStory& left(const std::string& client, const std::string& group = "g");
    ClientStory& got(std::string_view readers, std::vector<std::uint64_t> messages);
    ClientStory& end(std::string_view clients, ClientEnd end = ClientEnd::kAsked);
    /// Configuration of a daemon: "d1", members "d1 d2".
    ClientStory& configuration(const std::string& daemon, bool transitional,
                               std::string_view members);
    /// Any view at all.
    ClientStory& view(const std::string& client, View view);
    ClientStory& received(const std::string& client, const std::string& sender,
                          const Multicast& multicast);

    /// The property that is broken; empty when none is.
    [[nodiscard]] std::string verdict(Order order = Order::kAsWritten, bool quiet = true) const;
    /// What was said with it.
    [[nodiscard]] Violation violation() const;

    [[nodiscard]] static std::string name(std::string_view client);
    [[nodiscard]] static std::vector<std::string> names(std::string_view clients);

  private:
    using Act = std::function<void(GroupChecker&, std::map<std::size_t, ClientId>&)>;
    struct Event {
        std::string who;
        Act act;
    };

    void judge(GroupChecker& checker, Order order, bool quiet) const;
    void add(const std::string& client, std::function<void(GroupChecker&, ClientId)> act);
    ClientStory& change(std::string_view readers, GroupId id, Cause cause, std::string_view members,
                        const std::string& subject, const std::string& group);

    std::vector<Event> events_;
    std::map<std::string, std::size_t> connections_;  // latest of each client
    std::size_t connected_ = 0;
    std::map<std::uint64_t, std::pair<std::string, Multicast>> sent_;
};

}  // namespace spread::checker
