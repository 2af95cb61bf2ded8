#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace spread::chaos {

/// The last events of a run as text, written out when somebody will have to find out what happened.
class Journal {
  public:
    void note(const std::string& who, std::string what) {
        if (lines_.size() == kLinesMax) {
            lines_.pop_front();
        }
        lines_.push_back({std::chrono::system_clock::now(), who + " " + std::move(what)});
    }

    void write(const std::filesystem::path& file) const {
        std::ofstream out(file);
        for (const auto& [time, text] : lines_) {
            const auto micros =
                std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch())
                    .count();
            out << micros / 1'000'000 << '.'
                << std::to_string(1'000'000 + micros % 1'000'000).substr(1) << ' ' << text << '\n';
        }
    }

  private:
    static constexpr std::size_t kLinesMax = 400'000;

    struct Line {
        std::chrono::system_clock::time_point time;
        std::string text;
    };

    std::deque<Line> lines_;
};

}  // namespace spread::chaos
