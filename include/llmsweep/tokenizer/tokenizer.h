// Counts tokens as the server does: text to token ids and back.
//
// A Tokenizer is immutable and shared by threads; each thread encodes with an Encoder of its own,
// which holds the scratch memory. Text that is not valid UTF-8 is repaired (U+FFFD) before it is
// encoded. No tokenizer adds BOS or EOS: those belong to the template overhead, not to content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace llmsweep {

struct TokenizerInfo {
  std::string path;        // as given; for the server's own: its URL
  std::string sha256;      // of the file; empty for the server's own
  int64_t vocabulary = 0;  // distinct tokens, added ones included; 0: unknown
  std::string kind;        // "byte-level BPE", "SentencePiece BPE", "tekken", "tiktoken", …
  std::vector<std::string> notes;  // what a reader must know, such as ids that the file misstates
};

// Whether an added token's text (such as <|im_end|>) inside the text becomes that token, as it does
// for text that a user types, or is taken for plain text.
enum class SpecialTokens { kParse, kPlain };

// The end of a pre-token: text before byte `end` encodes, alone, to `tokens` tokens.
struct Boundary {
  size_t end = 0;
  int64_t tokens = 0;
};

// One thread an object. Must not outlive its Tokenizer.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual std::vector<int32_t> encode(std::string_view text,
                                      SpecialTokens special = SpecialTokens::kParse) = 0;
  virtual int64_t count(std::string_view text, SpecialTokens special = SpecialTokens::kParse) = 0;
  // The boundaries of `text`, up to the first with at least `enough` tokens; ascending in both
  // members. `text` must be normalized (see Tokenizer::normalize), valid UTF-8, and hold no added
  // token. Empty where the tokenizer cannot tell (the server's own).
  virtual std::vector<Boundary> boundaries(std::string_view text, int64_t enough) = 0;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual const TokenizerInfo& info() const = 0;
  virtual std::unique_ptr<Encoder> encoder() const = 0;
  // All ids' bytes joined, then repaired. An id outside the vocabulary gives nothing.
  virtual std::string decode(std::span<const int32_t> ids) const = 0;
  // The text of one token where it stands inside a text.
  virtual std::string text_of(int32_t id) const { return decode(std::span(&id, 1)); }
  // What the tokenizer turns `text` into before it splits it, such as NFC; repaired UTF-8. Marks
  // that a vocabulary has in the place of spaces are not in it.
  virtual std::string normalize(std::string_view text) const = 0;
  // Whether any added token's text occurs in `text`, but for those of white space alone.
  virtual bool holds_added_token(std::string_view text) const = 0;

  // For a single text; many texts want one Encoder.
  std::vector<int32_t> encode(std::string_view text,
                              SpecialTokens special = SpecialTokens::kParse) const {
    return encoder()->encode(text, special);
  }
  int64_t count(std::string_view text, SpecialTokens special = SpecialTokens::kParse) const {
    return encoder()->count(text, special);
  }
};

// Reads, never downloads: a Hugging Face tokenizer.json; Mistral's tekken.json; SentencePiece's
// tokenizer.model; a .tiktoken, tiktoken.model or Llama's tokenizer.model rank file; or a folder
// that holds one of them. A rank file says nothing of how text is split: its pattern
// is named after a '#' ("ranks.tiktoken#o200k_base") or known from the file's name. Throws Error
// that names a construct it does not know and the way round it.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::string& path);

// The same from bytes. `name` is what info().path and errors say.
std::shared_ptr<const Tokenizer> parse_tokenizer_json(std::string_view json, std::string name);
std::shared_ptr<const Tokenizer> parse_tiktoken(std::string_view ranks, const std::string& pattern,
                                                std::string name);
// Names that parse_tiktoken knows: "cl100k_base", "o200k_base", "kimi_k2", …
std::vector<std::string> tiktoken_patterns();

// Whether `text` holds what looks like a control token of any model family in wide use: for where
// the vocabulary is not known.
bool holds_control_text(std::string_view text);

// A tokenizer elsewhere, such as the server's own /tokenize. `encode` is called from any thread,
// never concurrently with itself, and may throw Error or MeasurementError. `decode` may be empty.
struct RemoteTokenizer {
  TokenizerInfo info;
  std::function<std::vector<int32_t>(std::string_view text)> encode;
  std::function<std::string(std::span<const int32_t> ids)> decode;
};
std::shared_ptr<const Tokenizer> make_remote_tokenizer(RemoteTokenizer remote);

}  // namespace llmsweep
