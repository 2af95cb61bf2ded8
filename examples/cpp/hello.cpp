// Joins a group, says hello, and shows what comes: hello [DAEMON]

#include <iostream>
#include <spread/session.hpp>

int main(int argc, char** argv) {
    spread::Options options;
    if (argc > 1) {
        options.servers = {argv[1]};
    }
    auto session = spread::Session::connect(options);
    if (!session) {
        std::cerr << session.error().text << '\n';
        return 1;
    }
    std::cout << "I am " << session->private_group() << '\n';
    if (auto joined = session->join("room"); !joined) {
        std::cerr << joined.error().text << '\n';
        return 1;
    }
    if (auto sent = session->multicast(spread::Service::kAgreed, "room", "hello"); !sent) {
        std::cerr << sent.error().text << '\n';
        return 1;
    }
    while (auto event = session->receive(std::chrono::seconds(5))) {
        std::visit(spread::overloaded{[](const spread::Message& message) {
                                          std::cout << message.sender << ": " << message.text()
                                                    << '\n';
                                      },
                                      [](const spread::Membership& view) {
                                          std::cout << view.group << " has " << view.members.size()
                                                    << " members\n";
                                      },
                                      [](const auto&) {}},
                   *event);
    }
}
