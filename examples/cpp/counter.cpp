// A counter of which every member has a copy: counter DAEMON NAME [GROUP]
//
// Numbers that are typed are added to it, at all members in one order. What a newcomer needs
// besides is the value so far: in every new view each member says what it has, and the first one
// who has something decides. What was added since the view began comes on top. A report names its
// view, since it may arrive in a later one.

#include <cstdio>
#include <optional>
#include <sstream>

#include "lines.hpp"

namespace {

class Counter {
  public:
    Counter(spread::Session& session, std::string group)
        : session_(session), group_(std::move(group)) {}

    void add(const std::string& line) {
        std::istringstream words(line);
        long number = 0;
        if (words >> number && words.eof()) {
            say("add " + std::to_string(number));
        } else {
            std::cout << "a number, please" << std::endl;
        }
    }

    void operator()(const spread::Membership& view) {
        std::array<char, 40> text{};
        std::snprintf(text.data(), text.size(), "%08X:%08X:%08X",
                      static_cast<unsigned>(view.id.proc_id), static_cast<unsigned>(view.id.time),
                      static_cast<unsigned>(view.id.index));
        view_ = text.data();
        without_ = view.members.size();
        is_decided_ = false;
        since_view_ = 0;
        say((value_ ? "have " + std::to_string(*value_) : "none") + " " + view_);
    }

    void operator()(const spread::Message& message) {
        std::istringstream words{std::string(message.text())};
        std::string verb;
        std::string view;
        long number = 0;
        words >> verb;
        if (verb == "add" && words >> number) {
            since_view_ += number;
            if (value_) {
                set(*value_ + number);
            }
        } else if (verb == "have" && words >> number >> view && view == view_) {
            decide(number);
        } else if (verb == "none" && words >> view && view == view_ && --without_ == 0) {
            decide(0);  // nobody knows: a new counter
        }
    }

    void operator()(const auto& /*other events*/) {}

  private:
    void say(const std::string& text) {
        examples::say(session_, spread::Service::kAgreed, group_, text);
    }
    void decide(long when_the_view_began) {
        if (!is_decided_) {
            is_decided_ = true;
            if (value_ != when_the_view_began + since_view_) {
                set(when_the_view_began + since_view_);
            }
        }
    }
    void set(long value) {
        value_ = value;
        std::cout << "value " << value << '\n';
    }

    spread::Session& session_;
    const std::string group_;
    std::optional<long> value_;
    std::string view_;         // identifier of the current one
    std::size_t without_ = 0;  // members who have not yet said that they do not know
    bool is_decided_ = false;  // somebody has said what the value was when the view began
    long since_view_ = 0;      // added in it so far
};

}  // namespace

int main(int argc, char** argv) {
    const auto group = examples::group(argc, argv, "counter");
    auto session = examples::open(argc, argv, group);
    Counter counter(session, group);
    return examples::run(
        session, [&](const std::string& line) { counter.add(line); },
        [&](const spread::Event& event) { std::visit(counter, event); });
}
