#include "tests/stress/conversation.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"
#include "tests/support/raw_connection.hpp"

namespace spread::stress {
namespace {

using protocol::Rng;

constexpr std::size_t kUsers = 200;
constexpr std::size_t kBytesMax = 1U << 20U;

std::string user_name(std::size_t number) {
    return "h" + std::to_string(number);
}

void append(Bytes& to, std::span<const std::byte> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

Bytes noise(Rng& rng, std::size_t count) {
    Bytes bytes(count);
    for (std::byte& b : bytes) {
        b = static_cast<std::byte>(rng.next() >> 24U);
    }
    return bytes;
}

Bytes handshake(Rng& rng, const std::string& user) {
    protocol::ConnectRequest opening;
    opening.flags = rng.chance(2, 3) ? 1 : 0;
    opening.private_name = user;
    if (rng.chance(1, 5)) {
        opening.version = {3, 17, 3};
    }
    Bytes bytes = protocol::encode_connect(opening);
    append(bytes, protocol::encode_auth_choice(std::array<std::string, 1>{"NULL"}));
    return bytes;
}

/// Few, so that strangers meet.
std::string group_name(Rng& rng) {
    const std::uint64_t number = rng.below(24);
    return number == 0 ? "" : std::string(1 + rng.below(2), 'g') + std::to_string(number);
}

struct Request {
    std::uint32_t type = protocol::kAgreedMess;
    std::size_t groups = 1;
    std::size_t body = 0;
    bool mutated = false;
};

void append_request(Bytes& to, Rng& rng, const std::string& user, const Request& request) {
    protocol::SessionHeader header;
    header.order = rng.chance(1, 4) ? protocol::ByteOrder::kBig : protocol::ByteOrder::kLittle;
    header.type = request.type;
    header.private_group_name = protocol::NameField("#" + user + "#d1");
    header.num_groups = static_cast<std::int32_t>(request.groups);
    header.hint = protocol::make_hint(static_cast<std::int16_t>(rng.below(100)), header.order);
    header.data_len = static_cast<std::int32_t>(request.body);
    if (request.mutated) {
        switch (rng.below(6)) {
            case 0: header.type ^= 1U << rng.below(32); break;
            case 1:
                header.num_groups = static_cast<std::int32_t>(rng.next() >> rng.below(60));
                break;
            case 2: header.data_len = static_cast<std::int32_t>(rng.next() >> rng.below(60)); break;
            case 3: header.hint[rng.below(4)] ^= static_cast<std::byte>(1U << rng.below(8)); break;
            case 4: header.type = static_cast<std::uint32_t>(rng.next()); break;
            default:
                header.private_group_name = protocol::NameField("#" + user_name(rng.below(kUsers)) +
                                                                (rng.chance(1, 2) ? "#d1" : "#d9"));
        }
    }
    std::array<std::byte, protocol::kSessionHeaderBytes> head{};
    protocol::encode_session_header(header, head);
    append(to, head);
    for (std::size_t i = 0; i < request.groups; ++i) {
        if (rng.chance(1, 40)) {
            append(to, noise(rng, protocol::kNameFieldBytes));
        } else {
            append(to, protocol::NameField(group_name(rng)).bytes());
        }
    }
    to.resize(to.size() + request.body, static_cast<std::byte>(rng.below(256)));
}

Request draw_request(Rng& rng) {
    constexpr std::array kTypes = {
        protocol::kJoinMess,   protocol::kJoinMess,
        protocol::kJoinMess,   protocol::kLeaveMess,
        protocol::kAgreedMess, protocol::kReliableMess,
        protocol::kSafeMess,   protocol::kFifoMess | protocol::kSelfDiscard};
    Request request;
    request.type = kTypes[rng.below(kTypes.size())];
    if ((request.type & protocol::kRegularMess) != 0) {
        request.groups = rng.chance(1, 10) ? rng.below(101) : 1 + rng.below(3);
        request.body = rng.chance(1, 20) ? rng.below(140001) : rng.below(600);
    }
    return request;
}

/// Keeps within what is legal together: 144000 bytes of groups and body.
Request legal(Request request) {
    request.body = std::min(
        request.body, protocol::kMessageContentMax - request.groups * protocol::kNameFieldBytes);
    return request;
}

/// A number of four bytes somewhere: that is where lengths, counts and types are.
void change_number(Bytes& bytes, Rng& rng) {
    if (bytes.size() < 4) {
        return;
    }
    constexpr std::array<std::uint32_t, 8> kEdges = {0,      1,          100,        101,
                                                     144000, 0x7fffffff, 0x80000000, 0xffffffff};
    const std::uint32_t value = kEdges[rng.below(kEdges.size())];
    const std::size_t at = rng.below(bytes.size() - 3);
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
    }
}

void mutate(Bytes& bytes, Rng& rng, const std::vector<Recording>& recordings) {
    const std::size_t at = rng.below(bytes.size() + 1);
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t rest = bytes.size() - at;
    switch (rng.below(7)) {
        case 0:
            if (rest > 0) {
                *place ^= static_cast<std::byte>(1U << rng.below(8));
            }
            return;
        case 1: bytes.resize(at); return;
        case 2: {
            const Bytes again(place, place + static_cast<std::ptrdiff_t>(
                                                 std::min<std::size_t>(rest, 1 + rng.below(200))));
            bytes.insert(place, again.begin(), again.end());
            return;
        }
        case 3: {
            const auto& other = recordings[rng.below(recordings.size())];
            const Bytes& piece = other.pieces[rng.below(other.pieces.size())];
            bytes.insert(place, piece.begin(), piece.end());
            return;
        }
        case 4:
            bytes.erase(place, place + static_cast<std::ptrdiff_t>(
                                           std::min<std::size_t>(rest, 1 + rng.below(64))));
            return;
        case 5: {
            const Bytes more = noise(rng, 1 + rng.below(64));
            bytes.insert(place, more.begin(), more.end());
            return;
        }
        default: change_number(bytes, rng);
    }
}

/// The recorded messages under another name, so that many can go on at the same time.
Bytes renamed(const Recording& recording, Rng& rng, const std::string& user) {
    Bytes bytes = handshake(rng, user);
    const protocol::NameField self("#" + user + "#d1");
    for (const Bytes& piece : recording.pieces) {
        if (piece.size() < protocol::kSessionHeaderBytes ||
            piece.size() == protocol::kAuthChoiceBytes) {
            continue;
        }
        Bytes message = piece;
        std::ranges::copy(self.bytes(), message.begin() + 4);
        append(bytes, message);
    }
    return bytes;
}

Bytes mutated_recording(Rng& rng, const std::vector<Recording>& recordings) {
    const Recording& recording = recordings[rng.below(recordings.size())];
    Bytes bytes;
    if (rng.chance(1, 3)) {
        for (const Bytes& piece : recording.pieces) {
            append(bytes, piece);
        }
    } else {
        bytes = renamed(recording, rng, user_name(rng.below(kUsers)));
    }
    for (std::uint64_t changes = rng.below(6); changes > 0; --changes) {
        mutate(bytes, rng, recordings);
    }
    return bytes;
}

Bytes bytes_of(Kind kind, Rng& rng, const std::vector<Recording>& recordings) {
    const std::string user = user_name(rng.below(kUsers));
    if (kind == Kind::kNoise) {
        return noise(rng, 1 + rng.below(rng.chance(1, 10) ? 65536 : 400));
    }
    if (kind == Kind::kRecording) {
        return mutated_recording(rng, recordings);
    }
    Bytes bytes = handshake(rng, user);
    switch (kind) {
        case Kind::kHalfHandshake: bytes.resize(rng.below(bytes.size())); break;
        case Kind::kPrefix:
            for (std::uint64_t count = rng.below(8); count > 0; --count) {
                append_request(bytes, rng, user, legal(draw_request(rng)));
            }
            append(bytes, noise(rng, rng.below(2000)));
            break;
        case Kind::kRequests:
            for (std::uint64_t count = 1 + rng.below(8); count > 0; --count) {
                Request request = draw_request(rng);
                request.mutated = rng.chance(1, 3);
                append_request(bytes, rng, user, request);
            }
            break;
        case Kind::kJoinFlood:
            for (std::uint64_t count = rng.below(300); count > 0; --count) {
                append_request(bytes, rng, user,
                               {rng.chance(2, 3) ? protocol::kJoinMess : protocol::kLeaveMess});
            }
            break;
        default: {
            append_request(bytes, rng, user, {protocol::kJoinMess});
            const std::size_t size = rng.below(4) == 0 ? rng.below(20000) : rng.below(500);
            for (std::uint64_t count = rng.below(200); count > 0; --count) {
                append_request(bytes, rng, user, {protocol::kFifoMess, 1 + rng.below(4), size});
            }
        }
    }
    if (rng.chance(1, 4)) {
        append_request(bytes, rng, user, {protocol::kKillMess});
    }
    return bytes;
}

}  // namespace

const char* to_string(Kind kind) {
    switch (kind) {
        case Kind::kNoise: return "random bytes";
        case Kind::kRecording: return "mutated recordings";
        case Kind::kPrefix: return "valid starts with garbage";
        case Kind::kRequests: return "changed requests";
        case Kind::kJoinFlood: return "floods of joins";
        case Kind::kMessageFlood: return "floods of messages";
        case Kind::kHalfHandshake: return "half handshakes";
    }
    return "unknown";
}

std::vector<Recording> load_recordings(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() == ".jsonl") {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    std::vector<Recording> recordings;
    for (const auto& file : files) {
        std::map<std::string, Recording> clients;
        std::ifstream lines(file);
        std::string line;
        while (std::getline(lines, line)) {
            const auto json = nlohmann::json::parse(line);
            // Long bodies are written as `repeat`; their headers alone are hostile enough.
            if (json.value("dir", "") == "c2d" && json.contains("hex")) {
                const std::string client = json.at("conn");
                auto& recording = clients[client];
                recording.name = file.stem().string() + "-" + client;
                recording.pieces.push_back(
                    support::bytes_of_hex(json.at("hex").get<std::string>()));
            }
        }
        for (auto& [client, recording] : clients) {
            recordings.push_back(std::move(recording));
        }
    }
    if (recordings.empty()) {
        throw std::runtime_error("no recordings in " + directory.string());
    }
    return recordings;
}

Conversation draw_conversation(Rng rng, const std::vector<Recording>& recordings) {
    // Out of ten: what reaches deep is drawn more often.
    constexpr std::array kDeck = {Kind::kNoise,        Kind::kRecording, Kind::kRecording,
                                  Kind::kRecording,    Kind::kPrefix,    Kind::kRequests,
                                  Kind::kRequests,     Kind::kJoinFlood, Kind::kMessageFlood,
                                  Kind::kHalfHandshake};
    Conversation plan;
    plan.kind = kDeck[rng.below(kDeck.size())];
    plan.way = rng.chance(1, 2) ? Way::kTcp : Way::kUnix;
    plan.bytes = bytes_of(plan.kind, rng, recordings);
    plan.bytes.resize(std::min(plan.bytes.size(), kBytesMax));
    switch (rng.below(6)) {
        case 0: plan.pace = Pace::kByteByByte; break;
        case 1:
        case 2: plan.pace = Pace::kPieces; break;
        default: break;
    }
    plan.reads = !rng.chance(1, 5);
    constexpr std::array kEndings = {Ending::kClose, Ending::kReset, Ending::kHalfClose,
                                     Ending::kStay};
    plan.ending = kEndings[rng.below(kEndings.size())];
    // A few stay until the daemon loses patience with an unfinished handshake.
    plan.lifetime = std::chrono::milliseconds(rng.chance(1, 500) ? 12000 : 20 + rng.below(150));
    return plan;
}

std::vector<std::string> hostile_names(const std::vector<Recording>& recordings) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < kUsers; ++i) {
        names.insert(user_name(i));
    }
    for (const Recording& recording : recordings) {
        const auto opening = protocol::decode_connect(recording.pieces.front());
        if (opening && *opening && !(*opening)->request.private_name.empty()) {
            names.insert((*opening)->request.private_name);
        }
    }
    return {names.begin(), names.end()};
}

}  // namespace spread::stress
