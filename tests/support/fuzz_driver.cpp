// Runs a fuzz target without libFuzzer: every seed file as it is, then mutations of the seeds that
// are the same on every run. Prints the input that crashed.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kInputMax = 4096;
/// Mutated inputs in all; some seconds with sanitizers.
constexpr std::size_t kMutations = 10000;

const Input* current = nullptr;

/// Only what is allowed in a signal handler.
void report_input(int number) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    constexpr std::string_view kHead = "\nthe input was (hexadecimal): ";
    static_cast<void>(!write(STDERR_FILENO, kHead.data(), kHead.size()));
    for (const std::uint8_t byte : *current) {
        const std::array<char, 2> digits{kDigits[byte >> 4U], kDigits[byte & 15U]};
        static_cast<void>(!write(STDERR_FILENO, digits.data(), digits.size()));
    }
    static_cast<void>(!write(STDERR_FILENO, "\n", 1));
    signal(number, SIG_DFL);
    raise(number);
}

void run(const Input& input) {
    current = &input;
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

/// xorshift64*: the same sequence everywhere.
class Random {
  public:
    std::size_t below(std::size_t bound) {
        state_ ^= state_ >> 12U;
        state_ ^= state_ << 25U;
        state_ ^= state_ >> 27U;
        return static_cast<std::size_t>((state_ * 0x2545f4914f6cdd1dU) >> 33U) % bound;
    }

  private:
    std::uint64_t state_ = 0x9e3779b97f4a7c15U;
};

Input mutate(const std::vector<Input>& seeds, Random& random) {
    Input input = seeds[random.below(seeds.size())];
    // Values on which lengths and counts tend to break.
    constexpr std::array<std::uint8_t, 8> kEdges{0, 1, 0x1f, 0x20, 0x7f, 0x80, 0xfe, 0xff};
    for (std::size_t changes = 1 + random.below(4); changes > 0; --changes) {
        const std::size_t at = random.below(input.size() + 1);
        const auto position = input.begin() + static_cast<std::ptrdiff_t>(at);
        const auto rest = static_cast<std::size_t>(input.end() - position);
        switch (random.below(6)) {
            case 0: input.resize(at); break;
            case 1: input.insert(position, static_cast<std::uint8_t>(random.below(256))); break;
            case 2:
                input.erase(position, position + static_cast<std::ptrdiff_t>(
                                                     std::min(rest, random.below(8))));
                break;
            case 3:
                std::fill_n(position, std::min(rest, 1 + random.below(4)),
                            kEdges[random.below(kEdges.size())]);
                break;
            case 4: {
                const Input& other = seeds[random.below(seeds.size())];
                input.insert(
                    position, other.begin(),
                    other.begin() + static_cast<std::ptrdiff_t>(random.below(other.size() + 1)));
                break;
            }
            default:
                if (rest > 0) {
                    *position = static_cast<std::uint8_t>(*position ^ (1U << random.below(8)));
                }
        }
    }
    input.resize(std::min(input.size(), kInputMax));
    return input;
}

void load(const std::filesystem::path& path, std::vector<Input>& seeds) {
    if (std::filesystem::is_directory(path)) {
        std::vector<std::filesystem::path> entries;
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            entries.push_back(entry.path());
        }
        std::sort(entries.begin(), entries.end());
        for (const auto& entry : entries) {
            load(entry, seeds);
        }
        return;
    }
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace

int main(int argc, char** argv) {
    for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
        signal(number, report_input);
    }
    std::vector<Input> seeds;
    for (int i = 1; i < argc; ++i) {
        load(argv[i], seeds);
    }
    const std::size_t files = seeds.size();
    seeds.emplace_back();  // mutations of nothing are random bytes
    for (const Input& seed : seeds) {
        run(seed);
    }
    Random random;
    for (std::size_t i = 0; i < kMutations; ++i) {
        run(mutate(seeds, random));
    }
    std::printf("%zu seed files, %zu mutations\n", files, kMutations);
    return 0;
}
