#include "tests/support/ring_probe.hpp"

#include <string>

#include "tests/support/test_client.hpp"

namespace spread::support {

void wait_for_ring(const std::vector<DaemonProcess*>& daemons, std::chrono::milliseconds patience) {
    // A name of its own for every probe: a daemon frees a name only when the ring has agreed.
    static int probes = 0;
    const std::string user = "probe" + std::to_string(++probes);
    const std::string group = "ring-" + user;
    std::vector<TestClient> clients;
    std::vector<std::string> members;
    for (const DaemonProcess* daemon : daemons) {
        clients.push_back(TestClient::tcp(daemon->spec().address, daemon->port(), user));
        members.push_back(clients.back().private_group());
    }
    for (auto& client : clients) {
        client.join(group);
    }
    for (auto& client : clients) {
        client.wait_for_members(group, members, patience);
    }
    for (auto& client : clients) {
        client.kill();
    }
    for (auto& client : clients) {
        client.connection().drain();
    }
}

}  // namespace spread::support
