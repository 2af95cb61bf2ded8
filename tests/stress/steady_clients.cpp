#include "tests/stress/steady_clients.hpp"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "protocol/session_wire.hpp"

namespace spread::stress {
namespace {

constexpr std::size_t kProblemsMax = 20;
/// At the start of each body: sender, number, time.
constexpr std::size_t kStampBytes = 4 + 8 + 8;

std::uint64_t nanoseconds_now() {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(Clock::now().time_since_epoch()).count());
}

}  // namespace

SteadyClients::SteadyClients(Loop& loop, const Door& door, Options options)
    : loop_(loop),
      options_(options),
      group_("steady-" + std::to_string(getpid())),
      members_(options.clients),
      last_ordered_(options.clients) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const Way way = i % 2 == 0 ? Way::kTcp : Way::kUnix;
        auto client = std::make_unique<Client>(
            loop_, door,
            Client::Options{.name = "steady" + std::to_string(i), .way = way, .number = i});
        client->on_message = [this, i](const client::MessageView& m) { on_message(i, m); };
        client->on_end = [this, i](const std::string& why) {
            complain(i, "lost its session: " + why);
        };
        members_[i].client = std::move(client);
    }
}

SteadyClients::~SteadyClients() {
    for (const Member& member : members_) {
        loop_.cancel(member.next_send);
    }
}

void SteadyClients::start() {
    for (Member& member : members_) {
        Client& client = *member.client;
        client.on_open = [this, &client] { client.join(group_); };
        client.connect();
    }
    const bool all_in = loop_.run_until([this] {
        return std::ranges::all_of(
            members_, [this](const Member& member) { return member.view == members_.size(); });
    });
    if (!all_in || !problems_.empty()) {
        throw std::runtime_error("the well-behaved clients do not get together" +
                                 (problems_.empty() ? "" : ": " + problems_.front()));
    }
    running_ = true;
    sending_ = true;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        // Not all in the same moment.
        members_[i].next_send =
            loop_.after(options_.interval * static_cast<int>(i) / static_cast<int>(members_.size()),
                        [this, i] { send(i); });
    }
}

void SteadyClients::send(std::size_t index) {
    Member& member = members_[index];
    if (!sending_ || !member.client->is_open()) {
        return;
    }
    member.next_send = loop_.after(options_.interval, [this, index] { send(index); });
    std::vector<std::byte> body(std::max(kStampBytes, options_.body_bytes));
    protocol::ByteWriter writer(body);
    writer.write_le(static_cast<std::uint32_t>(index));
    writer.write_le(++member.sent);
    writer.write_le(nanoseconds_now());
    member.client->multicast(protocol::kAgreedMess, group_, body);
}

void SteadyClients::on_message(std::size_t index, const client::MessageView& message) {
    Member& member = members_[index];
    if (message.is_regular()) {
        if (++received_ != options_.overlooked) {
            on_regular(index, message);
        }
        return;
    }
    if (message.is_regular_membership() && message.sender() == group_ && !running_) {
        member.view = message.group_count();
        return;
    }
    complain(index, fmt::format("got a message of type {:#x} from \"{}\"", message.type,
                                protocol::escaped(message.sender())));
}

void SteadyClients::on_regular(std::size_t index, const client::MessageView& message) {
    protocol::ByteReader reader(message.body);
    Place place{};
    place.sender = reader.read_le<std::uint32_t>();
    place.number = reader.read_le<std::uint64_t>();
    const auto sent_at = reader.read_le<std::uint64_t>();
    if (!reader.ok() || place.sender >= members_.size() ||
        message.sender() != members_[place.sender].client->private_group() ||
        message.group_count() != 1 || message.group(0).view() != group_ ||
        message.body.size() != std::max(kStampBytes, options_.body_bytes)) {
        complain(index, "got a stranger's message, from " + protocol::escaped(message.sender()));
        return;
    }
    const auto microseconds = (nanoseconds_now() - sent_at) / 1000;
    latencies_.add(static_cast<std::uint32_t>(std::min<std::uint64_t>(microseconds, UINT32_MAX)));
    check_order(index, place);
}

void SteadyClients::check_order(std::size_t index, const Place& place) {
    const std::uint64_t at = members_[index].position++;
    if (at - order_begin_ == order_.size()) {
        std::uint64_t& last = last_ordered_[place.sender];
        if (place.number != last + 1) {
            complain(index, fmt::format("got message {} of sender {} behind its message {}",
                                        place.number, place.sender, last));
        }
        last = place.number;
        order_.push_back(place);
    } else {
        const Place& expected = order_[at - order_begin_];
        if (expected.sender != place.sender || expected.number != place.number) {
            complain(index,
                     fmt::format("got message {} of sender {} where another got {} of {}",
                                 place.number, place.sender, expected.number, expected.sender));
        }
    }
    // Everybody's past needs no remembering.
    const auto slowest = std::ranges::min_element(members_, {}, &Member::position)->position;
    while (order_begin_ < slowest) {
        order_.pop_front();
        ++order_begin_;
    }
}

void SteadyClients::finish() {
    sending_ = false;
    const bool all_there = loop_.run_until([this] {
        return !problems_.empty() || std::ranges::all_of(members_, [this](const Member& member) {
            return member.position == sent();
        });
    });
    if (all_there) {
        return;
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
        complain(i, fmt::format("got {} of {} messages", members_[i].position, sent()));
    }
}

std::uint64_t SteadyClients::sent() const {
    std::uint64_t sum = 0;
    for (const Member& member : members_) {
        sum += member.sent;
    }
    return sum;
}

void SteadyClients::complain(std::size_t index, const std::string& what) {
    if (problems_.size() < kProblemsMax) {
        problems_.push_back(fmt::format("well-behaved client {} {}", index, what));
    }
}

}  // namespace spread::stress
