#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/host/unique_fd.hpp"

namespace spread::spsim {

/// A child process that answers one task after the other. What goes wrong in a task, an assertion
/// or an endless loop, ends the child and not us; the next task gets a new child.
class Worker {
  public:
    using Work = std::function<std::string(std::string_view task)>;

    explicit Worker(Work work);
    ~Worker();  ///< kills the child
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Only when no task is under way.
    void start(std::string_view task);
    /// Readable when receive() will not wait.
    [[nodiscard]] int fd() const { return socket_.get(); }
    /// Waits for the answer. Nothing: the child died of it.
    [[nodiscard]] std::optional<std::string> receive();
    /// Ends the child, whatever it does.
    void kill();
    /// What the task has used of a processor. Real time says nothing: the machine may be busy, or
    /// all of us may have been stopped for a while.
    [[nodiscard]] std::chrono::nanoseconds cpu_used() const;
    /// Whether an answer comes before the task has used more than this of a processor.
    [[nodiscard]] bool wait(std::chrono::nanoseconds cpu_patience) const;

    /// How the last child ended, "signal 6 (Aborted)", and what it wrote to standard error.
    [[nodiscard]] const std::string& obituary() const { return obituary_; }
    [[nodiscard]] const std::vector<std::string>& last_words() const { return last_words_; }

  private:
    void spawn();
    void bury();
    /// Since the child began; zero when there is none.
    [[nodiscard]] std::chrono::nanoseconds cpu_clock() const;
    [[noreturn]] void serve(int socket);

    Work work_;
    pid_t child_ = -1;
    std::chrono::nanoseconds cpu_at_start_{0};  ///< of the task
    daemon::UniqueFd socket_;
    daemon::UniqueFd errors_;  ///< a file in memory: the child's standard error
    std::string obituary_;
    std::vector<std::string> last_words_;
};

}  // namespace spread::spsim
