// Workers that share tasks and take over from each other: workers DAEMON NAME [GROUP]
//
// A line that is typed is a task for whoever's turn it is. All members of a view get the same tasks
// in one order, so that everybody knows without asking whose it is: the first one takes the first
// task, and so on. Those who were in the view are the task's witnesses; when its owner is lost, the
// next witness takes over. A task may thus be done twice, but is not forgotten while a witness
// lives.

#include <algorithm>
#include <sstream>
#include <vector>

#include "lines.hpp"

namespace {

struct Task {
    std::string sender;  // with the number, the task's identity
    int number = 0;
    std::string text;
    std::vector<std::string> witnesses;  // in the order in which they take over
    bool is_begun = false;               // by us
};

class Worker {
  public:
    Worker(spread::Session& session, std::string group)
        : session_(session), group_(std::move(group)) {}

    void submit(const std::string& text) {
        // SAFE: whoever begins with it knows that all daemons have it.
        examples::say(session_, spread::Service::kSafe, group_,
                      "task " + std::to_string(++submitted_) + " " + text);
    }

    void operator()(const spread::Message& message) {
        std::istringstream words{std::string(message.text())};
        std::string verb;
        int number = 0;
        std::string rest;
        words >> verb >> number >> std::ws;
        std::getline(words, rest);
        if (verb == "task" && !members_.empty()) {
            Task task{message.sender, number, rest, members_, false};
            const auto first = turn_++ % members_.size();
            std::rotate(task.witnesses.begin(),
                        task.witnesses.begin() + static_cast<std::ptrdiff_t>(first),
                        task.witnesses.end());
            tasks_.push_back(std::move(task));
        } else if (verb == "done") {
            std::erase_if(tasks_, [&](const Task& task) {
                return task.number == number && task.sender == rest;
            });
        }
        work();
    }

    void operator()(const spread::Membership& view) {
        // Who did not come along into this view has missed what we know, or is gone.
        const auto together = view.came_with_us();
        for (auto& task : tasks_) {
            std::erase_if(task.witnesses, [&](const std::string& witness) {
                return std::find(together.begin(), together.end(), witness) == together.end();
            });
        }
        members_ = view.members;
        turn_ = 0;
        std::cout << "* workers: " << members_.size() << '\n';
        work();
    }

    void operator()(const auto& /*other events*/) {}

  private:
    /// Does what has become ours.
    void work() {
        const std::string self = session_.private_group();
        for (auto& task : tasks_) {
            if (!task.is_begun && !task.witnesses.empty() && task.witnesses.front() == self) {
                task.is_begun = true;
                std::cout << "doing " << task.text << '\n';
                examples::say(session_, spread::Service::kAgreed, group_,
                              "done " + std::to_string(task.number) + " " + task.sender);
            }
        }
    }

    spread::Session& session_;
    const std::string group_;
    std::vector<std::string> members_;
    std::size_t turn_ = 0;  // tasks since the view began
    std::vector<Task> tasks_;
    int submitted_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const auto group = examples::group(argc, argv, "workers");
    auto session = examples::open(argc, argv, group);
    Worker worker(session, group);
    return examples::run(
        session, [&](const std::string& line) { worker.submit(line); },
        [&](const spread::Event& event) { std::visit(worker, event); });
}
