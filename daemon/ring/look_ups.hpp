#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "config/ip_address.hpp"
#include "daemon/host/host_facts.hpp"

namespace spread::daemon {

/// Looks up names on a thread of its own, since a resolver takes as long as it likes.
class LookUps {
  public:
    struct Name {
        std::string host;
        config::IpAddress::Family family{};
    };

    /// Starts the thread, with all signals blocked. `names` are asked for by their place.
    explicit LookUps(std::vector<Name> names);
    /// Does not wait for a look-up that is under way.
    ~LookUps();
    LookUps(const LookUps&) = delete;
    LookUps& operator=(const LookUps&) = delete;

    /// A name that is not being asked for. `at_once`: before those that wait.
    void ask(std::size_t name, bool at_once);

    struct Answer {
        std::size_t name = 0;
        LookUp found;
    };
    /// What has come since the last call.
    [[nodiscard]] std::vector<Answer> take();
    /// Readable when something has come.
    [[nodiscard]] int fd() const;

  private:
    struct Shared;
    static void run(const std::shared_ptr<Shared>& shared);

    std::shared_ptr<Shared> shared_;  ///< the thread may outlive this object
};

}  // namespace spread::daemon
