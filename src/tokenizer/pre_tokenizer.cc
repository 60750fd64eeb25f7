#include "tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/unicode.h"

namespace llmsweep {

namespace {

using Part = SplitScratch::Part;

class Finder {
 public:
  Finder(const Delimiter& delimiter, std::string_view text, SplitScratch& scratch)
      : delimiter_(delimiter), text_(text), scratch_(scratch) {}

  // The next match; empty ones only where a pattern makes them, and never right after a match.
  bool next(Match& match) {
    while (from_ <= text_.size()) {
      if (!find(match)) return false;
      if (match.begin == match.end && last_end_ == match.end) {
        from_ += from_ < text_.size() ? character_at(text_, from_).bytes : 1;
        continue;
      }
      from_ = match.end;
      last_end_ = match.end;
      return true;
    }
    return false;
  }

 private:
  bool find(Match& match) {
    if (const auto* regex = std::get_if<Regex>(&delimiter_)) {
      return regex->search(text_, from_, scratch_.regex, match);
    }
    if (const auto* literal = std::get_if<std::string>(&delimiter_)) {
      size_t at = text_.find(*literal, from_);
      match = {.begin = at, .end = at + literal->size()};
      return at != std::string_view::npos;
    }
    auto in_class = *std::get_if<bool (*)(int32_t)>(&delimiter_);
    for (size_t at = from_; at < text_.size();) {
      Character c = character_at(text_, at);
      if (in_class(c.code)) {
        match = {.begin = at, .end = at + c.bytes};
        return true;
      }
      at += c.bytes;
    }
    return false;
  }

  const Delimiter& delimiter_;
  std::string_view text_;
  SplitScratch& scratch_;
  size_t from_ = 0;
  size_t last_end_ = std::string_view::npos;
};

// Matches and what lies between them, in order.
void find_parts(const SplitStage& stage, std::string_view text, SplitScratch& scratch) {
  auto& parts = scratch.parts;
  parts.clear();
  Finder finder(stage.delimiter, text, scratch);
  size_t done = 0;
  for (Match match; finder.next(match); done = match.end) {
    if (done < match.begin) parts.push_back({done, match.begin, stage.invert});
    parts.push_back({match.begin, match.end, !stage.invert});
  }
  if (done < text.size()) parts.push_back({done, text.size(), stage.invert});
}

// Joins each delimiter with the part before it, unless that is a delimiter too.
void merge_with_previous(std::vector<Part>& parts) {
  size_t kept = 0;
  bool previous = false;
  for (const Part& part : std::vector<Part>(parts)) {
    if (part.delimiter && !previous && kept > 0) {
      parts[kept - 1].end = part.end;
    } else {
      parts[kept++] = part;
    }
    previous = part.delimiter;
  }
  parts.resize(kept);
}

void merge_with_next(std::vector<Part>& parts) {
  std::vector<Part> reversed;
  bool previous = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->delimiter && !previous && !reversed.empty()) {
      reversed.back().begin = part->begin;
    } else {
      reversed.push_back(*part);
    }
    previous = part->delimiter;
  }
  parts.assign(reversed.rbegin(), reversed.rend());
}

void join_runs(std::vector<Part>& parts) {
  size_t kept = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (kept > 0 && parts[kept - 1].delimiter == parts[i].delimiter) {
      parts[kept - 1].end = parts[i].end;
    } else {
      parts[kept++] = parts[i];
    }
  }
  parts.resize(kept);
}

void apply_behavior(SplitBehavior behavior, std::vector<Part>& parts) {
  switch (behavior) {
    case SplitBehavior::kRemoved:
      std::erase_if(parts, [](const Part& part) { return part.delimiter; });
      return;
    case SplitBehavior::kIsolated:
      return;
    case SplitBehavior::kMergedWithPrevious:
      return merge_with_previous(parts);
    case SplitBehavior::kMergedWithNext:
      return merge_with_next(parts);
    case SplitBehavior::kContiguous:
      return join_runs(parts);
  }
}

// Where in the source the first `bytes` of the piece's text end. In the byte alphabet a character
// stands for one byte; a space put before a piece stands for none.
size_t source_of(const Piece& piece, size_t bytes, bool in_alphabet) {
  if (bytes == 0) return piece.begin;
  if (bytes == piece.text.size()) return piece.end;
  auto units = [&](std::string_view text) {
    if (!in_alphabet) return text.size();
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
  };
  size_t added = units(piece.text) - std::min(units(piece.text), piece.end - piece.begin);
  size_t before = units(piece.text.substr(0, bytes));
  return piece.begin + before - std::min(added, before);
}

std::string marked(const SpaceMarkStage& stage, std::string_view text, bool first) {
  std::string out;
  for (const char c : text) {
    if (c == ' ') {
      out += stage.mark;
    } else {
      out += c;
    }
  }
  const bool before =
      stage.before == MarkBefore::kAll || (stage.before == MarkBefore::kFirst && first);
  if (before && !out.starts_with(stage.mark)) out.insert(0, stage.mark);
  return out;
}

}  // namespace

PreTokenizer::PreTokenizer(std::vector<Stage> stages) : stages_(std::move(stages)) {
  // Pieces that no stage looks at any more may stay bytes.
  while (!stages_.empty() && std::holds_alternative<ByteAlphabetStage>(stages_.back())) {
    stages_.pop_back();
  }
  in_byte_alphabet_ = std::any_of(stages_.begin(), stages_.end(), [](const Stage& stage) {
    return std::holds_alternative<ByteAlphabetStage>(stage);
  });
}

const std::vector<Piece>& PreTokenizer::split(std::string_view text, SplitScratch& scratch,
                                              bool at_start) const {
  auto& pieces = scratch.pieces;
  auto& next = scratch.next;
  pieces.clear();
  scratch.owned.clear();
  if (!text.empty()) pieces.push_back({.text = text, .begin = 0, .end = text.size()});
  bool in_alphabet = false;
  auto own = [&](std::string changed) {
    scratch.owned.push_back(std::make_unique<std::string>(std::move(changed)));
    return std::string_view(*scratch.owned.back());
  };
  for (const Stage& stage : stages_) {
    next.clear();
    if (const auto* split = std::get_if<SplitStage>(&stage)) {
      for (const Piece& piece : pieces) {
        find_parts(*split, piece.text, scratch);
        apply_behavior(split->behavior, scratch.parts);
        for (const Part& part : scratch.parts) {
          if (part.begin == part.end) continue;
          next.push_back({.text = piece.text.substr(part.begin, part.end - part.begin),
                          .begin = source_of(piece, part.begin, in_alphabet),
                          .end = source_of(piece, part.end, in_alphabet)});
        }
      }
      std::swap(pieces, next);
    } else if (std::holds_alternative<PrefixSpaceStage>(stage)) {
      for (Piece& piece : pieces) {
        if (piece.text.front() != ' ') piece.text = own(" " + std::string(piece.text));
      }
    } else if (const auto* mark = std::get_if<SpaceMarkStage>(&stage)) {
      for (Piece& piece : pieces) {
        piece.text = own(marked(*mark, piece.text, at_start && piece.begin == 0));
      }
    } else {
      for (Piece& piece : pieces) {
        std::string mapped;
        append_alphabet_of(piece.text, mapped);
        piece.text = own(std::move(mapped));
      }
      in_alphabet = true;
    }
  }
  return pieces;
}

}  // namespace llmsweep
