#include "dataset/excerpt.h"

#include <numeric>

#include "dataset/nonce.h"
#include "llmsweep/base/random.h"

namespace llmsweep {

namespace {

constexpr uint64_t kExcerptStream = 0x65786365727074;    // "excerpt"
constexpr uint64_t kRecordsAPrompt = uint64_t{1} << 24;  // of an endless set

}  // namespace

Excerpt::Excerpt(const Dataset& dataset, Dataset::Reader& reader, Start start)
    : dataset_(dataset), reader_(reader), seed_(start.seed) {
  if (dataset.endless()) {
    first_ = (start.prompt * 64 + start.attempt) * kRecordsAPrompt;
    return;
  }
  auto size = static_cast<uint64_t>(dataset.size());
  Random random(start.seed ^ kExcerptStream, start.prompt * 64 + start.attempt);
  do {
    stride_ = 1 + random.below(size);
  } while (std::gcd(stride_, size) != 1);
  first_ = start.attempt == 0 ? start.prompt % size : random.below(size);
}

std::optional<Record> Excerpt::next() {
  if (dataset_.endless()) {
    if (given_ == kRecordsAPrompt) return std::nullopt;
    return reader_.read(first_ + given_++);
  }
  auto size = static_cast<uint64_t>(dataset_.size());
  if (given_ == size) return std::nullopt;
  __extension__ using Wide = unsigned __int128;
  auto place = static_cast<uint64_t>((first_ + Wide{given_++} * stride_) % size);
  return reader_.read(Permutation(size, seed_)(place));
}

std::string Excerpt::join_turns(const Record& record) {
  std::string text;
  for (const auto& turn : record.turns) {
    if (turn.first == "system" || turn.first == "developer") continue;
    if (!text.empty()) text += "\n\n";
    text += turn.second;
  }
  return text;
}

}  // namespace llmsweep
