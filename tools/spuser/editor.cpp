// Line editing by libedit, a character at a time so that nobody waits for the end of a line.
#include "tools/spuser/lines.hpp"

#ifdef SPREAD_HAVE_LIBEDIT

#include <histedit.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <deque>

namespace spread::spuser {
namespace {

constexpr int kHistoryLines = 1000;
constexpr char kEndOfInput = 4;  // Ctrl-D

class Edited final : public Editor {
  public:
    Edited(std::FILE* in, std::FILE* out)
        : out_(out), edit_(el_init("spuser", in, out, out)), history_(history_init()) {
        HistEvent event{};
        history(history_, &event, H_SETSIZE, kHistoryLines);
        history(history_, &event, H_SETUNIQUE, 1);
        el_set(edit_, EL_CLIENTDATA, this);
        el_set(edit_, EL_PROMPT, &Edited::prompt_of);
        el_set(edit_, EL_EDITOR, "emacs");
        el_set(edit_, EL_SIGNAL, 1);  // gives the terminal back before Ctrl-C ends us
        el_set(edit_, EL_HIST, ::history, history_);
        el_source(edit_, nullptr);  // the user's ~/.editrc
    }
    ~Edited() override {
        end_typing();
        history_end(history_);
        el_end(edit_);
    }
    Edited(const Edited&) = delete;
    Edited& operator=(const Edited&) = delete;

    void show(std::string_view prompt) override {
        prompt_ = prompt;
        if (!is_typing_) {
            is_typing_ = true;
            el_set(edit_, EL_UNBUFFERED, 1);  // shows the prompt as well
        } else if (is_hidden_) {
            el_set(edit_, EL_REFRESH);
        }
        is_hidden_ = false;
    }

    void hide() override {
        if (!is_typing_ || is_hidden_) {
            return;
        }
        const LineInfo* line = el_line(edit_);
        const auto before =
            static_cast<std::size_t>(std::count_if(line->buffer, line->cursor, [](char c) {
                return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
            }));
        const std::size_t row = (prompt_.size() + before) / columns();
        std::fputs("\r", out_);
        if (row > 0) {
            std::fprintf(out_, "\x1b[%zuA", row);
        }
        std::fputs("\x1b[J", out_);
        std::fflush(out_);
        is_hidden_ = true;
    }

    bool fill() override {
        if (!is_typing_) {
            return true;
        }
        int count = 0;
        const char* text = el_gets(edit_, &count);
        if (text == nullptr || count <= 0) {
            const bool has_ended = count < 0;
            if (has_ended) {
                end_typing();
            }
            return !has_ended;
        }
        const std::string_view line(text, static_cast<std::size_t>(count));
        if (line.size() == 1 && line.front() == kEndOfInput) {
            end_typing();
            std::fputs("\n", out_);
            return false;
        }
        if (line.back() == '\n' || line.back() == '\r') {
            lines_.emplace_back(line.substr(0, line.size() - 1));
            end_typing();
            if (!lines_.back().empty()) {
                HistEvent event{};
                history(history_, &event, H_ENTER, lines_.back().c_str());
            }
        }
        return true;
    }
    [[nodiscard]] bool has_line() const override { return !lines_.empty(); }
    std::optional<std::string> next() override {
        if (lines_.empty()) {
            return std::nullopt;
        }
        std::string line = std::move(lines_.front());
        lines_.pop_front();
        return line;
    }
    std::string take_rest() override { return {}; }

  private:
    static char* prompt_of(EditLine* edit) {
        Edited* self = nullptr;
        el_get(edit, EL_CLIENTDATA, &self);
        return self->prompt_.data();
    }
    [[nodiscard]] std::size_t columns() const {
        winsize size{};
        constexpr std::size_t kUsual = 80;
        return ioctl(fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                              : kUsual;
    }
    /// The terminal is as before.
    void end_typing() {
        if (is_typing_) {
            is_typing_ = false;
            is_hidden_ = false;
            el_set(edit_, EL_UNBUFFERED, 0);
        }
    }

    std::FILE* out_;
    EditLine* edit_;
    History* history_;
    std::string prompt_;
    std::deque<std::string> lines_;
    bool is_typing_ = false;
    bool is_hidden_ = false;
};

}  // namespace

std::unique_ptr<Editor> Editor::open(std::FILE* in, std::FILE* out) {
    return std::make_unique<Edited>(in, out);
}

}  // namespace spread::spuser

#else

namespace spread::spuser {

std::unique_ptr<Editor> Editor::open(std::FILE* /*in*/, std::FILE* /*out*/) {
    return nullptr;
}

}  // namespace spread::spuser

#endif
