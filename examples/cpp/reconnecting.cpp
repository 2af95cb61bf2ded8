// A member that outlives its daemon: reconnecting DAEMON DAEMON...
//
// What a program with a copy of some state has to do about a gap: throw the copy away, or ask
// another member for it, before it goes on.

#include <iostream>
#include <spread/session.hpp>

int main(int argc, char** argv) {
    spread::Options options;
    options.servers.assign(argv + 1, argv + argc);
    options.private_name = "keeper";
    options.reconnect.emplace();  // for ever, from 100 ms to 5 s between rounds
    options.ping_interval = std::chrono::seconds(2);
    auto session = spread::Session::connect(options);
    if (!session || !session->join("room")) {
        std::cerr << (session ? "cannot join" : session.error().text) << '\n';
        return 1;
    }
    while (auto event = session->receive()) {
        std::visit(spread::overloaded{
                       [](const spread::Message& message) { std::cout << message.text() << '\n'; },
                       [](const spread::Disconnected& gone) {
                           std::cout << "-- gap: " << gone.error.text << "; up to number "
                                     << gone.handed_over << " may have been delivered, "
                                     << gone.unsent.size() << " messages were not\n";
                       },
                       [](const spread::Reconnected& back) {
                           std::cout << "-- back as " << back.private_group << " at "
                                     << back.address << '\n';
                       },
                       [](const spread::Membership& view) {
                           std::cout << "-- view " << view.id.index << ": " << view.members.size()
                                     << " members, " << view.came_with_us().size()
                                     << " came with us\n";
                       },
                       [](const auto&) {}},
                   *event);
    }
}
