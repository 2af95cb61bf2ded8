// Writes the recordings of tests/data/golden as seeds for the fuzz targets. Run by hand, when
// recordings or the language of a target change:
//
//     build/dev/bin/fuzz_golden_seeds tests/data/golden tests/fuzz/corpus

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/raw_connection.hpp"

namespace {

using spread::support::Bytes;
namespace fs = std::filesystem;

/// Of one seed: more is thrown away by the fuzzers.
constexpr std::size_t kSeedBytesMax = 4096;

void write(const fs::path& file, Bytes bytes) {
    bytes.resize(std::min(bytes.size(), kSeedBytesMax));
    fs::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    for (const std::byte b : bytes) {
        out.put(static_cast<char>(b));
    }
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + file.string());
    }
}

/// A recording as a program of session_core_fuzz.
class Program {
  public:
    /// The lenient limits, method NULL, no rules.
    Program() { add({0x4f, 0x00, 0x00}); }

    void say(const std::string& client, const Bytes& bytes) {
        auto place = std::ranges::find(clients_, client);
        if (place == clients_.end()) {
            add({0x00, 0x01});
            place = clients_.insert(clients_.end(), client);
        }
        const auto index = static_cast<std::uint8_t>(place - clients_.begin());
        for (std::size_t at = 0; at < bytes.size(); at += 255) {
            const std::size_t count = std::min<std::size_t>(255, bytes.size() - at);
            add({0x07, index, static_cast<std::uint8_t>(count)});
            program_.insert(program_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                            bytes.begin() + static_cast<std::ptrdiff_t>(at + count));
        }
        add({0x59, 0x0c, index, 0xff});  // the ring goes on; what was written is sent
    }

    void end(const std::string& client) {
        const auto place = std::ranges::find(clients_, client);
        if (place != clients_.end()) {
            add({0x18, static_cast<std::uint8_t>(place - clients_.begin()), 0x59});
            clients_.erase(place);
        }
    }

    void split_and_merge() { add({0x0b, 0x02}); }
    [[nodiscard]] const Bytes& bytes() const { return program_; }

  private:
    void add(std::initializer_list<std::uint8_t> bytes) {
        for (const std::uint8_t b : bytes) {
            program_.push_back(static_cast<std::byte>(b));
        }
    }

    Bytes program_;
    std::vector<std::string> clients_;
};

void convert(const fs::path& recording, const fs::path& corpus) {
    Program program;
    std::map<std::string, Bytes> from_daemon;
    std::ifstream lines(recording);
    std::string line;
    while (std::getline(lines, line)) {
        const auto json = nlohmann::json::parse(line);
        if (!json.contains("dir")) {
            continue;
        }
        const std::string client = json.at("conn");
        const std::string what = json.at("what");
        const Bytes bytes = spread::support::bytes_of_hex(json.value("hex", std::string()));
        if (json.at("dir") == "c2d") {
            what == "eof" ? program.end(client) : program.say(client, bytes);
        } else if (json.at("dir") == "note") {
            program.split_and_merge();
        } else if (what == "message" && !json.contains("repeat")) {
            auto& stream = from_daemon[client];
            if (stream.empty()) {
                stream.push_back(std::byte{1});
            }
            stream.insert(stream.end(), bytes.begin(), bytes.end());
        }
    }
    const std::string name = "golden-" + recording.stem().string();
    write(corpus / "session_core" / name, program.bytes());
    for (const auto& [client, stream] : from_daemon) {
        write(corpus / "client" / (name + "-" + client), stream);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: fuzz_golden_seeds RECORDINGS CORPUS\n");
        return 2;
    }
    try {
        for (const auto& entry : fs::directory_iterator(argv[1])) {
            if (entry.path().extension() == ".jsonl") {
                convert(entry.path(), argv[2]);
            }
        }
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "fuzz_golden_seeds: %s\n", problem.what());
        return 1;
    }
    return 0;
}
