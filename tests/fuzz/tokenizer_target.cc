#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/targets.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/tokenizer/tokenizer.h"
#include "tokenizer/sentence_piece.h"
#include "tokenizer/small.h"

namespace llmsweep {
namespace {

void hold(bool belief) {
  if (!belief) std::abort();
}

// Ids, counts and the text that they stand for. `total`: every byte has a token, so that nothing
// can be lost on the way.
void require_round_trip(const Tokenizer& tokenizer, std::string_view text, bool total) {
  const std::unique_ptr<Encoder> encoder = tokenizer.encoder();
  for (const SpecialTokens special : {SpecialTokens::kPlain, SpecialTokens::kParse}) {
    const std::vector<int32_t> ids = encoder->encode(text, special);
    hold(encoder->count(text, special) == static_cast<int64_t>(ids.size()));
    const std::string decoded = tokenizer.decode(ids);
    hold(is_valid_utf8(decoded));
    if (total) hold(decoded == tokenizer.normalize(text));
  }
}

void require_boundaries(const Tokenizer& tokenizer, std::string_view text) {
  const std::string normal = tokenizer.normalize(text);
  hold(is_valid_utf8(normal));
  if (tokenizer.holds_added_token(normal)) return;
  const std::unique_ptr<Encoder> encoder = tokenizer.encoder();
  Boundary last;
  for (const Boundary& boundary : encoder->boundaries(normal, 8)) {
    hold(boundary.end > last.end && boundary.end <= normal.size());
    hold(boundary.tokens >= last.tokens);
    last = boundary;
  }
  if (last.end == normal.size()) {
    hold(encoder->count(normal, SpecialTokens::kPlain) == last.tokens);
  }
}

// Split patterns as the model families use them: GPT-2's own, Llama 3's and Qwen's, digits apart,
// DeepSeek's sequence, and a normalizer.
std::vector<std::shared_ptr<const Tokenizer>> small_tokenizers() {
  const std::string bytes = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})";
  const auto split_by = [&](const std::string& pattern) {
    return R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":")" + pattern +
           R"("},"behavior":"Isolated","invert":false},)" + bytes + "]}";
  };
  const std::string added =
      R"([{"id":600,"content":"<|end|>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}])";
  return {
      small_tokenizer(),
      small_tokenizer({.added = added}),
      small_tokenizer(
          {.pre_tokenizer = split_by(
               R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+)")}),
      small_tokenizer({.pre_tokenizer = split_by(R"(\\p{N}{1,3}|[一-龥]+|\\s?\\p{L}+|.|\\n)")}),
      small_tokenizer({.normalizer = R"({"type":"NFC"})", .added = added}),
  };
}

}  // namespace

void fuzz_tokenizer_json(std::string_view input) {
  std::shared_ptr<const Tokenizer> tokenizer;
  try {
    tokenizer = looks_like_sentence_piece(input) ? parse_sentence_piece(input, "input")
                                                 : parse_tokenizer_json(input, "input");
  } catch (const Error&) {
    return;
  }
  for (const std::string_view text :
       {"", "hello world", " \t\n12345 \xe4\xb8\x80\xff'll <|end|>"}) {
    require_round_trip(*tokenizer, text, false);
    require_boundaries(*tokenizer, text);
  }
}

void fuzz_tokenization(std::string_view input) {
  static const std::vector<std::shared_ptr<const Tokenizer>> tokenizers = small_tokenizers();
  if (input.empty()) return;
  const Tokenizer& tokenizer =
      *tokenizers[static_cast<unsigned char>(input.front()) % tokenizers.size()];
  input.remove_prefix(1);
  require_round_trip(tokenizer, input, true);
  require_boundaries(tokenizer, input);
}

}  // namespace llmsweep
