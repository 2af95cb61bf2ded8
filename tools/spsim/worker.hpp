#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/unique_fd.hpp"

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
    /// Whether an answer comes within the time.
    [[nodiscard]] bool wait_ms(int timeout) const;

    /// How the last child ended, "signal 6 (Aborted)", and what it wrote to standard error.
    [[nodiscard]] const std::string& obituary() const { return obituary_; }
    [[nodiscard]] const std::vector<std::string>& last_words() const { return last_words_; }

  private:
    void spawn();
    void bury();
    [[noreturn]] void serve(int socket);

    Work work_;
    pid_t child_ = -1;
    daemon::UniqueFd socket_;
    daemon::UniqueFd errors_;  ///< a file in memory: the child's standard error
    std::string obituary_;
    std::vector<std::string> last_words_;
};

}  // namespace spread::spsim
