#include "llmsweep/tokenizer/tokenizer.h"

#include <filesystem>
#include <system_error>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "tokenizer/tiktoken.h"

namespace llmsweep {

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFile = size_t{256} << 20;

bool is_rank_file(const fs::path& file) {
  return file.extension() == ".tiktoken" || file.filename() == "tiktoken.model";
}

fs::path file_in(const fs::path& folder) {
  for (const char* name : {"tokenizer.json", "tiktoken.model"}) {
    if (is_file(folder / name)) return folder / name;
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".tiktoken") return entry.path();
  }
  bool sentence_piece = there_is(folder / "tokenizer.model");
  throw Error{{.what = sentence_piece ? "the folder holds only a SentencePiece tokenizer.model, "
                                        "which is not supported"
                                      : "the folder holds no tokenizer.json and no rank file",
               .where = folder.string(),
               .next = "name the file, or set workload.tokenizer: server"}};
}

std::string pattern_from_name(const fs::path& file) {
  std::string stem = file.stem().string();
  for (const auto& name : tiktoken_patterns()) {
    if (stem == name) return name;
  }
  return {};
}

// A rank file with the control tokens, and the hint at its pattern, that lie beside it.
std::shared_ptr<const Tokenizer> load_rank_file(const fs::path& file, std::string pattern) {
  std::string ranks = read_file(file, kMaxFile);
  std::vector<AddedToken> added;
  if (pattern.empty()) pattern = pattern_from_name(file);
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
  if (is_rank_file(file) || !pattern.empty()) return load_rank_file(file, pattern);
  return parse_tokenizer_json(read_file(file, kMaxFile), file.string());
}

}  // namespace llmsweep
