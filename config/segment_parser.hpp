#pragma once

#include <cstddef>
#include <vector>

#include "config/daemon_parser.hpp"
#include "config/parser.hpp"
#include "config/token_stream.hpp"

namespace spread::config {

/// Reads segments, and counts what is limited over the whole file.
class SegmentParser {
  public:
    explicit SegmentParser(TokenStream& in) : in_(in) {}

    /// Reads a segment at its first word and adds it to `tree`, unless it is one too many.
    void parse(SyntaxTree& tree);

  private:
    bool parse_header(SegmentTerm& segment, Token& open);
    void parse_address(SegmentTerm& segment);
    bool parse_unicast(SegmentTerm& segment);
    void parse_body(SegmentTerm& segment, const Token& open);
    void add_daemon(SegmentTerm& segment);
    void report_unclosed(const SegmentTerm& segment, const Token& open);
    bool at_option_in_segment();

    TokenStream& in_;
    std::size_t segment_count_ = 0;
    std::size_t daemon_count_ = 0;
    void check_lone_name(const SegmentTerm& segment, const DaemonTerm& daemon, bool starts_line);

    std::vector<StanzaSpan> stanzas_;  ///< of the segment being read
};

}  // namespace spread::config
