#include "tokenizer/unigram.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace llmsweep {
namespace {

using Pieces = std::map<std::string, std::pair<int32_t, double>>;
constexpr int32_t kUnknownId = 0;
constexpr double kUnknownScore = -20;

size_t bytes_of_character(const std::string& text, size_t at) {
  size_t bytes = 1;
  while (at + bytes < text.size() &&
         (static_cast<unsigned char>(text[at + bytes]) & 0xC0) == 0x80) {
    ++bytes;
  }
  return bytes;
}

// The best rounded sum of the whole text, from its start on and with nothing kept from one word to
// the next. Neighbours without a piece are one. A sum in floats below -100,000 counts from 0 again.
std::vector<int32_t> best_of_whole(const Pieces& pieces, const std::string& text, bool floats) {
  struct Node {
    bool reached = false;
    double score = 0;
    int32_t id = 0;
    size_t begin = 0;
  };
  std::vector<Node> nodes(text.size() + 1);
  for (size_t begin = 0; begin < text.size(); begin += bytes_of_character(text, begin)) {
    if (const double sum = nodes[begin].score; floats && sum < -100'000) {
      for (size_t at = begin; at <= std::min(text.size(), begin + 16); ++at) {
        nodes[at].score = static_cast<float>(nodes[at].score - sum);
      }
    }
    const size_t one = bytes_of_character(text, begin);
    for (size_t end = begin + 1; end <= std::min(text.size(), begin + 16); ++end) {
      const auto found = pieces.find(text.substr(begin, end - begin));
      if (found == pieces.end() && end != begin + one) continue;
      const auto [id, score] =
          found != pieces.end() ? found->second : std::pair(kUnknownId, kUnknownScore);
      double sum = nodes[begin].score + score;
      if (floats) sum = static_cast<float>(sum);
      if (nodes[end].reached && sum <= nodes[end].score) continue;
      nodes[end] = {true, sum, id, begin};
    }
  }
  std::vector<int32_t> ids;
  for (size_t end = text.size(); end > 0; end = nodes[end].begin) {
    if (nodes[end].id == kUnknownId && !ids.empty() && ids.back() == kUnknownId) continue;
    ids.push_back(nodes[end].id);
  }
  return {ids.rbegin(), ids.rend()};
}

// Every text of one to three of the letters, with and without a mark before it, so that a word can
// be cut in many ways whose scores differ by `unequal` a piece at most: ties, but for rounding.
Pieces tied_pieces(double unequal, std::mt19937_64& random) {
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() < 3) {
      for (const char c : {'a', 'b', 'c'}) texts.push_back(texts[i] + c);
    }
  }
  Pieces pieces;
  std::uniform_real_distribution<double> noise(-unequal, unequal);
  for (const std::string& text : texts) {
    for (const std::string mark : {"", "\xE2\x96\x81"}) {
      const std::string piece = mark + text;
      const double characters = static_cast<double>(text.size()) + (mark.empty() ? 0 : 1);
      const auto id = static_cast<int32_t>(pieces.size()) + 1;
      if (piece.empty()) continue;
      pieces[piece] = {id, static_cast<float>(-1.1 * characters + noise(random))};
    }
  }
  return pieces;
}

std::string words(int count, bool unknown, std::mt19937_64& random) {
  std::vector<std::string> known;
  for (int i = 0; i < 60; ++i) {
    std::string word = "\xE2\x96\x81";
    for (uint64_t left = 1 + random() % 7; left > 0; --left) word += "abc"[random() % 3];
    if (unknown && i % 5 == 0) word += i % 2 == 0 ? "\xC3\xA9" : "x\xE4\xB8\xADy";
    known.push_back(word);
  }
  std::string text;
  for (int i = 0; i < count; ++i) text += known[random() % known.size()];
  return text;
}

UnigramModel model_of(const Pieces& pieces, UnigramModel::Sums sums) {
  UnigramModel model(sums, kUnknownId);
  for (const auto& [text, scored] : pieces) model.add(text, scored.first, scored.second);
  model.finish(kUnknownScore);
  return model;
}

TEST(UnigramWalk, IsThatOfTheWholeTextWhereRoundingDecides) {
  std::mt19937_64 random(1);
  for (const double unequal : {0.0, 1e-7, 1e-5, 1e-3, 0.1, 2.0}) {
    for (const auto sums : {UnigramModel::Sums::kFloat, UnigramModel::Sums::kDouble}) {
      const Pieces pieces = tied_pieces(unequal, random);
      const UnigramModel model = model_of(pieces, sums);
      UnigramScratch scratch;
      for (const int count : {1, 3, 30, 300, 3000, 40'000}) {
        if (count == 40'000 && unequal != 1e-3) continue;  // the sum passes -100,000 twice
        const std::string text = words(count, count % 2 == 0, random);
        std::vector<int32_t> ids;
        model.encode(text, scratch, ids);
        EXPECT_EQ(ids, best_of_whole(pieces, text, sums == UnigramModel::Sums::kFloat))
            << unequal << ", " << count << " words";
      }
    }
  }
}

// Every text of the set and no other, with its own id and score; random ones share beginnings.
TEST(PieceArray, HoldsItsPiecesAndNothingElse) {
  std::mt19937_64 random(3);
  std::map<std::string, int32_t> wanted;
  std::vector<WeightedPiece> pieces;
  for (int32_t id = 0; id < 20'000; ++id) {
    std::string text;
    const uint64_t letters = id % 3 == 0 ? 255 : 4;
    for (uint64_t left = 1 + random() % 9; left > 0; --left) {
      text += static_cast<char>(1 + random() % letters);
    }
    wanted[text] = id;  // of two that are the same the last one counts
    pieces.push_back({.text = text, .id = id, .score = -1.0 * id});
  }
  const PieceArray array(pieces);
  const auto find = [&](const std::string& text) {
    const PieceArray::Node* node = &array.root();
    for (size_t i = 0; node != nullptr && i < text.size(); ++i) node = array.next(*node, text[i]);
    return node != nullptr && node->ends_piece() ? node->id() : -1;
  };
  for (const auto& [text, id] : wanted) {
    ASSERT_EQ(find(text), id) << text;
    for (const std::string other :
         {text.substr(0, text.size() - 1), text + "\x01", text + "\xFF"}) {
      const auto found = wanted.find(other);
      ASSERT_EQ(find(other), found == wanted.end() ? -1 : found->second);
    }
  }
  const PieceArray none;
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(none.next(none.root(), static_cast<char>(byte)), nullptr);
  }
}

TEST(UnigramWalk, SaysWhereEachIdEnds) {
  std::mt19937_64 random(2);
  const Pieces pieces = tied_pieces(0.5, random);
  const UnigramModel model = model_of(pieces, UnigramModel::Sums::kFloat);
  std::map<int32_t, size_t> bytes;
  for (const auto& [text, scored] : pieces) bytes[scored.first] = text.size();
  UnigramScratch scratch;
  scratch.wants_ends = true;
  const std::string text = words(300, true, random);
  for (int again = 0; again < 2; ++again) {  // searched, then known
    std::vector<int32_t> ids;
    model.encode(text, scratch, ids);
    ASSERT_EQ(scratch.ends.size(), ids.size());
    size_t end = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != kUnknownId) {
        end += bytes.at(ids[i]);
      } else {
        while (scratch.ends[i] > end) end += bytes_of_character(text, end);
      }
      ASSERT_EQ(scratch.ends[i], end) << i;
    }
    EXPECT_EQ(end, text.size());
  }
}

}  // namespace
}  // namespace llmsweep
