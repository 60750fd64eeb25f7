#include "tokenizer/test_vocabulary.h"

#include <openssl/evp.h>

#include <map>
#include <nlohmann/json.hpp>

#include "llmsweep/base/files.h"
#include "tokenizer/byte_alphabet.h"

namespace llmsweep {
namespace {

std::string folder() {
  return std::string(LLMSWEEP_SOURCE_DIR) + "/tests/tokenizer/vocabulary/";
}

// An id is its token's rank: the vocabulary is in the order of its merges.
std::string rank_lines(const nlohmann::json& vocabulary) {
  std::map<int, std::string> lines;
  for (const auto& [letters, id] : vocabulary.items()) {
    std::string bytes;
    append_bytes_of(letters, bytes);
    lines[id] = base64_of(bytes);
  }
  std::string ranks;
  for (const auto& [id, token] : lines) ranks += token + " " + std::to_string(id) + "\n";
  return ranks;
}

}  // namespace

std::string base64_of(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                       reinterpret_cast<const unsigned char*>(bytes.data()),
                                       static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

std::string test_vocabulary_file() {
  return folder() + "tokenizer.json";
}

std::shared_ptr<const Tokenizer> test_vocabulary(const std::string& pipeline) {
  nlohmann::json document = nlohmann::json::parse(read_file(test_vocabulary_file()));
  if (pipeline == "o200k_base") {
    const std::string ranks = rank_lines(document["model"]["vocab"]);
    return parse_tiktoken(ranks, pipeline, pipeline);
  }
  document.update(nlohmann::json::parse(read_file(folder() + "pipelines.json")).at(pipeline));
  return parse_tokenizer_json(document.dump(), pipeline);
}

}  // namespace llmsweep
