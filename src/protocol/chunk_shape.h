// Recognises a chunk that differs from an earlier one only in its texts and whole numbers, which is
// how the chunks of a level differ, and so spares it the JSON parser.
//
// It has to say exactly what the parser would. So every byte outside of those values is compared,
// and a value is only taken where its text cannot matter: a number of up to 12 digits without a
// sign, or a text that is empty on neither side and whose escapes are valid (bytes that are not
// UTF-8 are forgiven by the parser too). Anything else is not recognised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/api_dialect.h"
#include "protocol/chunk.h"

namespace llmsweep {

class ChunkShape {
 public:
  // From now on `payload`, a JSON object that was read as `chunk`, is what others are compared
  // with, unless it is none of the many that a stream repeats (no output, the last one, too long).
  // `keys` are those of the API that both are of.
  void learn(std::string_view payload, const Chunk& chunk, const ChunkKeys& keys);
  // What `payload` says, where it has that shape; else null. Its views lie in `payload`, or here;
  // it is valid until the next call.
  const Chunk* read(std::string_view payload);

 private:
  // kOutput: of a key of texts that are output, until it is known whether it is one of the two.
  enum class Role : uint8_t { kNone, kId, kOutput, kAnswer, kOther, kCount };
  struct Value {
    size_t begin, end;  // of a text without its quotes, or of the digits of a number
    bool number;
    Role role;
    std::optional<int64_t> Chunk::*count;  // of a kCount
    int64_t known = 0;                     // its number in text_
    bool escaped = false;                  // a text with escapes, in text_
  };

  bool find_values(std::string_view payload, const Chunk& chunk, const ChunkKeys& keys);
  void add_value(std::string_view payload, size_t begin, size_t end, std::string_view key,
                 const ChunkKeys& keys);
  // False where the values are not what `chunk` says that they are.
  bool find_texts(std::string_view payload, const Chunk& chunk);
  bool has_counts(const Chunk& chunk) const;
  void take_text(const Value& value, std::string_view found, bool escaped);

  std::string text_;           // empty: nothing learnt
  std::vector<Value> values_;  // in the order of the text
  std::vector<Value> found_;   // of the payload that is being learnt
  Chunk chunk_;                // of the payload that was read last; the model's view lies in text_
  int unused_ = 0;             // tries to learn since a chunk was last recognised
};

}  // namespace llmsweep
