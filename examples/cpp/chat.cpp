// What you type goes to everybody in the room, in one order for all: chat DAEMON NAME [GROUP]

#include "lines.hpp"

int main(int argc, char** argv) {
    const std::string room = examples::group(argc, argv, "room");
    auto session = examples::open(argc, argv, room);
    const auto show = spread::overloaded{
        [](const spread::Message& message) {
            std::cout << message.sender << ": " << message.text() << '\n';
        },
        [](const spread::Membership& view) {
            std::cout << "* in " << view.group << ':';
            for (const auto& member : view.members) {
                std::cout << ' ' << member;
            }
            std::cout << '\n';
        },
        [](const spread::Transition& signal) {
            std::cout << "* somebody is being lost from " << signal.group << '\n';
        },
        [](const auto&) {},
    };
    return examples::run(
        session,
        [&](const std::string& line) {
            examples::say(session, spread::Service::kAgreed, room, line);
        },
        [&](const spread::Event& event) { std::visit(show, event); });
}
