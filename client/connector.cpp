#include "client/connector.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

namespace spread::client {

namespace {

using std::chrono::milliseconds;

std::mt19937_64 make_random() {
    std::random_device device;
    return std::mt19937_64((std::uint64_t{device()} << 32U) | device());
}

void set_tcp(int socket, int option, long value) {
    if (value > 0) {
        const int number = static_cast<int>(value);
        // Best effort: on a Unix socket there is nothing to set.
        static_cast<void>(setsockopt(socket, IPPROTO_TCP, option, &number, sizeof number));
    }
}

void set_keepalive(int socket, const TcpKeepalive& keepalive) {
    set_tcp(socket, TCP_KEEPIDLE, keepalive.idle.count());
    set_tcp(socket, TCP_KEEPINTVL, keepalive.interval.count());
    set_tcp(socket, TCP_KEEPCNT, keepalive.probes);
    set_tcp(socket, TCP_USER_TIMEOUT, keepalive.user_timeout.count());
}

Result<Connection> connect_one(const Options& options, const std::string& server) {
    ConnectOptions wanted;
    wanted.address = server;
    wanted.private_name = options.private_name;
    wanted.wants_membership = options.wants_membership;
    wanted.priority = options.priority;
    wanted.auth_methods = options.auth_methods;
    wanted.login = options.login;
    wanted.tls = options.tls;
    wanted.timeout = options.connect_timeout;
    auto connection = connect(wanted);
    if (connection) {
        set_keepalive(connection->socket.get(), options.keepalive);
    }
    return connection;
}

}  // namespace

std::vector<std::string> server_list(const Options& options) {
    auto servers = options.servers;
    if (servers.empty()) {
        const auto port = std::to_string(kDefaultPort);
        servers = {port, port + "@localhost"};
    }
    if (options.shuffle_servers) {
        auto random = make_random();
        std::ranges::shuffle(servers, random);
    }
    return servers;
}

Result<Established> connect_any(const Options& options, const std::vector<std::string>& servers,
                                std::size_t first) {
    Error error;
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const std::size_t server = (first + i) % servers.size();
        auto connection = connect_one(options, servers[server]);
        if (connection) {
            return Established{std::move(*connection), server};
        }
        // A daemon that answered with a refusal says more than one that is not there.
        if (i == 0 || connection.error().code != ErrorCode::kCouldNotConnect) {
            error.code = connection.error().code;
        }
        error.text += (i == 0 ? "" : "; ") + connection.error().text;
    }
    return tl::unexpected(std::move(error));
}

struct Connector::Shared {
    std::mutex mutex;
    std::condition_variable stopped;
    bool is_stopped = false;
    std::optional<Result<Established>> result;
    std::shared_ptr<const Wakeup> done;

    /// False when nobody wants us to go on.
    [[nodiscard]] bool sleep(std::chrono::duration<double, std::milli> time) {
        std::unique_lock lock(mutex);
        return !stopped.wait_for(lock, time, [this] { return is_stopped; });
    }
    void finish(Result<Established> outcome) {
        const std::scoped_lock lock(mutex);
        if (!is_stopped) {
            result = std::move(outcome);
            done->notify();
        }
    }
    void search(Options options, const std::vector<std::string>& servers, std::size_t lost);
};

void Connector::Shared::search(Options options, const std::vector<std::string>& servers,
                               std::size_t lost) {
    const Reconnect policy = options.reconnect.value_or(Reconnect{});
    const Deadline name_wanted_until = Clock::now() + policy.name_in_use_max;
    auto random = make_random();
    const auto between = [&](double low, double high) {
        return std::uniform_real_distribution<double>(low, high)(random);
    };
    milliseconds pause = policy.wait_min;
    double first_pause = between(0, static_cast<double>(pause.count()));
    for (int round = 1; sleep(std::chrono::duration<double, std::milli>(first_pause)); ++round) {
        auto found = connect_any(options, servers, lost + 1);
        if (found) {
            finish(std::move(found));
            return;
        }
        bool is_over = policy.rounds_max >= 0 && round >= policy.rounds_max;
        if (found.error().code == ErrorCode::kRejectNotUnique &&
            Clock::now() >= name_wanted_until) {
            is_over = is_over || !policy.may_change_name;
            options.private_name.clear();
        }
        if (is_over) {
            finish(std::move(found));
            return;
        }
        first_pause =
            static_cast<double>(pause.count()) * between(1 - policy.jitter, 1 + policy.jitter);
        pause = std::min(pause * 2, policy.wait_max);
    }
}

Connector::Connector(const Options& options, std::vector<std::string> servers, std::size_t lost,
                     std::shared_ptr<const Wakeup> done)
    : shared_(std::make_shared<Shared>()) {
    shared_->done = std::move(done);
    try {
        std::thread([shared = shared_, options, servers = std::move(servers), lost] {
            shared->search(options, servers, lost);
        }).detach();
    } catch (const std::system_error& error) {
        shared_->finish(fail(ErrorCode::kCouldNotConnect,
                             std::string("no thread to reconnect with: ") + error.what()));
    }
}

Connector::~Connector() {
    const std::scoped_lock lock(shared_->mutex);
    shared_->is_stopped = true;
    shared_->stopped.notify_all();
}

std::optional<Result<Established>> Connector::poll() {
    const std::scoped_lock lock(shared_->mutex);
    return std::exchange(shared_->result, std::nullopt);
}

}  // namespace spread::client
