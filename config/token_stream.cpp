#include "config/token_stream.hpp"

#include "config/options.hpp"
#include "config/text.hpp"

namespace spread::config {

const Token& TokenStream::peek(std::size_t ahead) {
    while (tokens_.size() <= ahead) {
        tokens_.push_back(lexer_.next());
    }
    return tokens_[ahead];
}

Token TokenStream::take() {
    Token token = peek();
    tokens_.pop_front();
    return token;
}

bool TokenStream::at_statement() {
    return at(TokenKind::kWord) &&
           (peek().text == kSegmentWord || find_option(peek().text) != nullptr);
}

void TokenStream::skip_line() {
    while (on_same_line() && !at(TokenKind::kCloseBrace)) {
        if (at(TokenKind::kOpenBrace)) {
            skip_block();
        } else {
            take();
        }
    }
}

void TokenStream::skip_block() {
    std::size_t depth = 0;
    while (!at(TokenKind::kEnd)) {
        if (is_word(peek(), kSegmentWord)) {
            braces_owed_ += depth;
            return;
        }
        const Token token = take();
        if (token.kind == TokenKind::kOpenBrace) {
            ++depth;
        } else if (token.kind == TokenKind::kCloseBrace && --depth == 0) {
            return;
        }
    }
}

void TokenStream::skip_equals_and_value() {
    if (at(TokenKind::kEquals)) {
        take();
        if (at(TokenKind::kOpenBrace)) {
            skip_block();
        } else if (on_same_line() && !at(TokenKind::kCloseBrace)) {
            take();
        }
    }
}

void TokenStream::refuse_foreign_comment() {
    const Token token = take();
    error(token, in_quotes(token.text) + " starts no comment here; use '#'");
}

bool TokenStream::settle_brace() {
    if (braces_owed_ == 0) {
        return false;
    }
    --braces_owed_;
    return true;
}

}  // namespace spread::config
