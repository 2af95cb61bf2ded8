#include "tests/golden/replay.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "protocol/session_wire.hpp"
#include "tests/golden/mask.hpp"

namespace spread::golden {
namespace {

using protocol::kNameFieldBytes;
using protocol::kSessionHeaderBytes;

/// Two clients' requests that were recorded one after the other, without an answer in between that
/// would show that the first one has been dealt with, are sent this far apart, so that the daemon
/// does not see them at once.
constexpr std::chrono::milliseconds kSettle(50);

/// Within this time anything a daemon sends on its own accord would have arrived.
constexpr std::chrono::milliseconds kQuiet(100);

/// Longest piece that is sent in single bytes.
constexpr std::size_t kSinglesMax = 1000;

struct Client {
    support::RawConnection connection;
    protocol::SpreadVersion version;
    bool may_have_any_name = false;
    std::string recorded_group;  ///< private group in the recording
    std::string private_group;   ///< and here
    bool ended = false;
};

class Replay {
  public:
    Replay(const Scenario& scenario, Cluster& cluster, Pieces pieces,
           std::chrono::milliseconds patience)
        : scenario_(scenario), cluster_(cluster), pieces_(pieces), patience_(patience) {}

    void run() {
        for (std::size_t i = 0; i < scenario_.lines.size(); ++i) {
            const Line& line = scenario_.lines[i];
            try {
                play(i, line);
            } catch (const std::exception& problem) {
                // The file's first line is the header, and editors count from 1.
                throw std::runtime_error(scenario_.name + ", line " + std::to_string(i + 2) +
                                         " or near it, connection " + line.connection + ", " +
                                         line.what + ": " + problem.what());
            }
        }
        std::this_thread::sleep_for(kQuiet);
        for (auto& [name, client] : clients_) {
            if (!client.ended && client.connection.has_input_within({})) {
                throw std::runtime_error(scenario_.name + ": connection " + name +
                                         " got more than was recorded");
            }
        }
    }

  private:
    void play(std::size_t index, const Line& line) {
        switch (line.direction) {
            case Direction::kNote:
                if (line.what == "link cut") {
                    cluster_.cut_link();
                } else if (line.what == "link restored") {
                    cluster_.restore_link();
                }
                return;
            case Direction::kToDaemon:
                wait_before_sending(index);
                send(client_of(line), line);
                return;
            case Direction::kToClient: expect(client_of(line), line); return;
        }
    }

    void wait_before_sending(std::size_t index) {
        // Back to the last answer or event: what was sent since then may still be on its way.
        for (std::size_t k = index; k-- > 0;) {
            const Line& earlier = scenario_.lines[k];
            if (earlier.direction == Direction::kNote) {
                // What matters is how long after the event it is sent.
                const std::chrono::duration<double> gap(scenario_.lines[index].time - earlier.time);
                std::this_thread::sleep_for(gap);
                return;
            }
            if (earlier.direction == Direction::kToClient) {
                return;
            }
            if (earlier.connection != scenario_.lines[index].connection) {
                std::this_thread::sleep_for(kSettle);
                return;
            }
        }
    }

    /// The daemon a connection goes to is told by the private group it is given later on.
    [[nodiscard]] std::string daemon_of(const std::string& connection) const {
        for (const Line& line : scenario_.lines) {
            if (line.connection == connection && line.what == "accept") {
                const auto hash = std::ranges::find(line.bytes.rbegin(), line.bytes.rend(),
                                                    static_cast<std::byte>('#'));
                std::string name;
                for (auto at = hash.base(); at != line.bytes.end(); ++at) {
                    name += static_cast<char>(*at);
                }
                return name;
            }
        }
        return "d1";
    }

    Client& client_of(const Line& line) {
        auto found = clients_.find(line.connection);
        if (found == clients_.end()) {
            found = clients_
                        .emplace(line.connection,
                                 Client{.connection = cluster_.connect(daemon_of(line.connection)),
                                        .version = {},
                                        .may_have_any_name = false,
                                        .recorded_group = {},
                                        .private_group = {},
                                        .ended = false})
                        .first;
        }
        return found->second;
    }

    void send(Client& client, const Line& line) {
        if (line.what == "eof") {
            client.connection.finish_sending();
            return;
        }
        Bytes bytes = line.bytes;
        if (line.what == "connect") {
            const auto opening = protocol::decode_connect(bytes);
            if (opening && *opening) {
                client.version = (*opening)->request.version;
                client.may_have_any_name = (*opening)->request.private_name.empty();
            }
        } else if (line.what == "message") {
            use_real_name(client, bytes);
        }
        const bool in_pieces =
            pieces_ == Pieces::kSingleBytes ||
            (pieces_ == Pieces::kSingleRequests && !client.private_group.empty());
        // Nothing new would be learned from the thousands of bytes of a large body.
        if (in_pieces && bytes.size() < kSinglesMax) {
            for (const std::byte& b : bytes) {
                client.connection.send_if_open(std::span(&b, 1));
            }
        } else {
            // The daemon may close at the first bytes it dislikes, before the rest is sent.
            client.connection.send_if_open(bytes);
        }
    }

    /// Where the daemon invented the name, the recording has another one.
    static void use_real_name(const Client& client, Bytes& message) {
        if (client.private_group == client.recorded_group) {
            return;
        }
        const protocol::NameField real(client.private_group);
        for (std::size_t at = 4; at + kNameFieldBytes <= message.size();
             at = at == 4 ? kSessionHeaderBytes : at + kNameFieldBytes) {
            const protocol::NameField field{
                std::span(message).subspan(at).first<kNameFieldBytes>()};
            if (field.view() == client.recorded_group) {
                std::ranges::copy(real.bytes(), message.begin() + static_cast<std::ptrdiff_t>(at));
            }
        }
    }

    void expect(Client& client, const Line& line) {
        if (line.what == "eof") {
            client.connection.expect_end(patience_);
            client.ended = true;
        } else if (line.what == "accept") {
            expect_accept(client, line);
        } else if (line.what == "message") {
            expect_message(client, line);
        } else {
            expect_bytes(client.connection.read(line.bytes.size(), patience_), line.bytes);
        }
    }

    static void expect_bytes(const Bytes& received, const Bytes& recorded) {
        if (received != recorded) {
            throw std::runtime_error("bytes differ\n  recorded " + support::hex_of(recorded) +
                                     "\n  received " + support::hex_of(received));
        }
    }

    void expect_accept(Client& client, const Line& line) {
        const auto recorded = protocol::decode_accept(client.version, line.bytes);
        if (!recorded || !*recorded) {
            throw std::runtime_error("the recorded accept makes no sense");
        }
        client.recorded_group = (*recorded)->private_group;
        const std::size_t head = line.bytes.size() - client.recorded_group.size();
        Bytes received = client.connection.read(head, patience_);
        const Bytes name =
            client.connection.read(std::to_integer<std::size_t>(received.back()), patience_);
        received.insert(received.end(), name.begin(), name.end());
        const auto accepted = protocol::decode_accept(client.version, received);
        if (!accepted || !*accepted) {
            throw std::runtime_error("no accept: " + support::hex_of(received));
        }
        client.private_group = (*accepted)->private_group;
        if (client.may_have_any_name) {
            const auto parts = protocol::parse_private_group(client.private_group);
            if (!parts || parts->daemon != "d1") {
                throw std::runtime_error("an illegal name was invented: " + client.private_group);
            }
        } else if (client.private_group != client.recorded_group) {
            throw std::runtime_error("private group " + client.private_group + " instead of " +
                                     client.recorded_group);
        }
    }

    void expect_message(Client& client, const Line& line) {
        Bytes received = client.connection.read(kSessionHeaderBytes, patience_);
        const auto header = protocol::decode_session_header(
            std::span<const std::byte>(received).first<kSessionHeaderBytes>());
        if (header.num_groups < 0 || header.data_len < 0 ||
            protocol::frame_bytes(header) > protocol::kSessionFrameMax) {
            throw std::runtime_error("lengths make no sense: " + support::hex_of(received));
        }
        const Bytes rest =
            client.connection.read(protocol::frame_bytes(header) - kSessionHeaderBytes, patience_);
        received.insert(received.end(), rest.begin(), rest.end());
        const auto difference = mask_.difference(line.bytes, received, client.private_group);
        if (difference) {
            throw std::runtime_error(*difference);
        }
    }

    const Scenario& scenario_;
    Cluster& cluster_;
    Pieces pieces_;
    std::chrono::milliseconds patience_;
    Mask mask_;
    std::map<std::string, Client> clients_;
};

}  // namespace

void replay(const Scenario& scenario, Cluster& cluster, Pieces pieces,
            std::chrono::milliseconds patience) {
    Replay(scenario, cluster, pieces, patience).run();
}

}  // namespace spread::golden
