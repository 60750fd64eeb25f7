#include "llmsweep/tokenizer/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "tokenizer/sentence_piece.h"
#include "tokenizer/tiktoken.h"

namespace llmsweep {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFile = size_t{256} << 20;

bool is_rank_file(const fs::path& file) {
  return file.extension() == ".tiktoken" || file.filename() == "tiktoken.model";
}

// T5's spiece.model, XLM-R's sentencepiece.bpe.model, Mistral's tokenizer.model.v3: whatever it is
// called, it begins with a piece.
bool is_piece_file(const fs::path& file) {
  constexpr size_t kStart = 4096;
  if (file.filename().string().find(".model") == std::string::npos) return false;
  std::string start(kStart, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(stream.gcount()));
  return looks_like_sentence_piece(start);
}

fs::path file_in(const fs::path& folder) {
  for (const char* name : {"tokenizer.json", "tekken.json", "tiktoken.model", "tokenizer.model"}) {
    if (is_file(folder / name)) return folder / name;
  }
  fs::path found;
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const fs::path& file = entry.path();
    if (is_file(file) && (file.extension() == ".tiktoken" || is_piece_file(file))) {
      found = file;
      names.push_back(printable(file.filename().string(), 60));
    }
  }
  if (names.size() == 1) return found;
  std::sort(names.begin(), names.end());
  throw Error{{.what = names.empty()
                           ? "the folder holds no tokenizer.json, tekken.json, tokenizer.model or "
                             "rank file"
                           : "the folder holds several tokenizers: " + join(names, ", "),
               .where = folder.string(),
               .next = "name the file, or set workload.tokenizer: server"}};
}

// The pattern of a rank file by its name; Llama's are all called tokenizer.model, and are told by
// how many ranks they hold.
std::string known_pattern(const fs::path& file, std::string_view ranks) {
  std::string stem = file.stem().string();
  for (const auto& name : tiktoken_patterns()) {
    if (stem == name) return name;
  }
  if (file.filename() != "tokenizer.model") return {};
  const auto lines = std::count(ranks.begin(), ranks.end(), '\n');
  const bool ended = !ranks.empty() && ranks.back() == '\n';
  const auto count = lines + (ended ? 0 : 1);
  return count == 128000 ? "llama3" : count == 200000 ? "llama4" : "";
}

// A rank file with the control tokens, and the hint at its pattern, that lie beside it.
std::shared_ptr<const Tokenizer> load_rank_file(const fs::path& file, std::string_view ranks,
                                                std::string pattern) {
  std::vector<AddedToken> added;
  if (pattern.empty()) pattern = known_pattern(file, ranks);
  fs::path config_path = file.parent_path() / "tokenizer_config.json";
  std::error_code ignored;
  if (file.filename() == "tiktoken.model" && fs::is_regular_file(config_path, ignored)) {
    std::string config = read_file(config_path, kMaxFile);
    added = read_added_tokens_decoder(config, config_path.string());
    bool kimi = config.find("tokenization_kimi") != std::string::npos;
    if (pattern.empty() && kimi) pattern = "kimi_k2";
  }
  return parse_rank_file({.ranks = ranks,
                          .pattern = std::move(pattern),
                          .added = std::move(added),
                          .name = file.string()});
}

}  // namespace

std::shared_ptr<const Tokenizer> load_tokenizer(const std::string& path) {
  std::string pattern;
  fs::path file = path;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    if (size_t mark = path.rfind('#'); mark != std::string::npos) {
      file = path.substr(0, mark);
      pattern = path.substr(mark + 1);
    }
  }
  if (!fs::exists(file, ignored)) {
    throw Error{{.what = "there is no such tokenizer file (none is ever downloaded)",
                 .where = file.string(),
                 .next = "scripts/fetch-tokenizer gets a named one; workload.tokenizer: server "
                         "counts with the server's own"}};
  }
  if (is_folder(file)) file = file_in(file);
  const std::string bytes = read_file(file, kMaxFile);
  if (looks_like_sentence_piece(bytes)) return parse_sentence_piece(bytes, file.string());
  if (is_rank_file(file) || !pattern.empty() || looks_like_ranks(bytes)) {
    return load_rank_file(file, bytes, pattern);
  }
  return parse_tokenizer_json(bytes, file.string());
}

}  // namespace llmsweep
