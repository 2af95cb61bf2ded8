#include "tests/golden/scenario.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "protocol/session_wire.hpp"

namespace spread::golden {
namespace {

Direction direction_of(const std::string& text) {
    if (text == "c2d") {
        return Direction::kToDaemon;
    }
    if (text == "d2c") {
        return Direction::kToClient;
    }
    if (text == "note") {
        return Direction::kNote;
    }
    throw std::runtime_error("unknown direction " + text);
}

bool ends_client(const Line& line) {
    return line.direction == Direction::kToDaemon &&
           (line.what == "eof" ||
            (line.what == "message" && (request_type(line.bytes) & protocol::kKillMess) != 0));
}

}  // namespace

std::uint32_t request_type(const Bytes& message) {
    if (message.size() < protocol::kSessionHeaderBytes) {
        return 0;
    }
    return protocol::decode_session_header(
               std::span(message).first<protocol::kSessionHeaderBytes>())
        .type;
}

Scenario load_scenario(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::string text;
    Scenario scenario;
    while (std::getline(stream, text)) {
        const auto json = nlohmann::json::parse(text);
        if (json.contains("scenario")) {
            scenario.name = json.at("scenario");
            scenario.notes = json.at("notes");
            const std::string daemon = json.at("daemon");
            scenario.has_two_daemons = daemon.find("two daemons") != std::string::npos;
            continue;
        }
        Line line;
        line.time = json.at("t");
        line.connection = json.at("conn");
        line.direction = direction_of(json.at("dir"));
        line.what = json.at("what");
        line.bytes = support::bytes_of_hex(json.value("hex", std::string()));
        if (json.contains("repeat")) {
            const auto unit = support::bytes_of_hex(json["repeat"].at("hex").get<std::string>());
            const std::size_t total = json["repeat"].at("total_bytes");
            for (std::size_t i = 0; i < total; ++i) {
                line.bytes.push_back(unit[i % unit.size()]);
            }
        }
        scenario.lines.push_back(std::move(line));
    }
    if (scenario.name.empty() || scenario.lines.empty()) {
        throw std::runtime_error("not a recorded conversation: " + file.string());
    }
    return scenario;
}

void settle_order(Scenario& scenario) {
    auto& lines = scenario.lines;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].what != "partial" || lines[i].direction != Direction::kToDaemon) {
            continue;
        }
        const auto reaction = std::find_if(
            lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(i), [&](const Line& line) {
                return line.connection == lines[i].connection &&
                       line.direction == Direction::kToClient &&
                       (line.what == "eof" || line.what == "reject");
            });
        std::rotate(reaction, lines.begin() + static_cast<std::ptrdiff_t>(i),
                    lines.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
    // From the back, so that a disconnect moved behind the client's last message stays in front of
    // the end of its stream.
    for (std::size_t i = lines.size(); i-- > 0;) {
        if (!ends_client(lines[i])) {
            continue;
        }
        std::size_t last = i;
        for (std::size_t k = i + 1; k < lines.size(); ++k) {
            if (lines[k].connection == lines[i].connection &&
                lines[k].direction == Direction::kToClient && lines[k].what != "eof") {
                last = k;
            }
        }
        std::rotate(lines.begin() + static_cast<std::ptrdiff_t>(i),
                    lines.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                    lines.begin() + static_cast<std::ptrdiff_t>(last) + 1);
    }
}

std::vector<std::string> scenario_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(SPREAD_TEST_DATA "/golden")) {
        if (entry.path().extension() == ".jsonl") {
            names.push_back(entry.path().stem().string());
        }
    }
    std::ranges::sort(names);
    return names;
}

std::filesystem::path scenario_file(const std::string& name) {
    return std::filesystem::path(SPREAD_TEST_DATA "/golden") / (name + ".jsonl");
}

}  // namespace spread::golden
