#include "tokenizer/json_parts.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/sha256.h"
#include "tokenizer/native_tokenizer.h"
#include "tokenizer/tekken.h"

namespace llmsweep {

namespace {

[[noreturn]] void refuse_file(const std::string& what, const std::string& name) {
  throw Error{{.what = "no tokenizer, but " + what,
               .where = name,
               .next = "give the tokenizer.json or tokenizer.model of the same model, or set "
                       "workload.tokenizer: server"}};
}

// Files that lie beside a tokenizer, or hold one.
void refuse_other_texts(std::string_view text, const std::string& name) {
  struct Beginning {
    std::string_view bytes;
    const char* what;
  };
  constexpr Beginning kBeginnings[] = {
      {"\x1f\x8b", "a file compressed by gzip"},
      {"\x28\xb5\x2f\xfd", "a file compressed by zstd"},
      {"PK\x03\x04", "a ZIP archive"},
      {"GGUF", "a model in GGUF, whose vocabulary is not read"},
      {"version https://git-lfs", "the pointer of a Git LFS file that was not fetched"},
      {"#version", "a list of merges without its vocabulary (merges.txt)"},
      {"[PAD]\n", "the vocabulary of a WordPiece tokenizer (vocab.txt)"},
      {"<", "an HTML or XML page"}};
  for (const Beginning& beginning : kBeginnings) {
    if (text.starts_with(beginning.bytes)) refuse_file(beginning.what, name);
  }
}

void refuse_other_objects(const TokenizerJson& root) {
  if (root.find("model")) return;
  for (const char* key : {"tokenizer_class", "added_tokens_decoder", "chat_template"}) {
    if (root.find(key)) {
      refuse_file("its settings without a vocabulary (tokenizer_config.json)", root.file());
    }
  }
  if (root.find("model_type") || root.find("architectures")) {
    refuse_file("the settings of a model (config.json)", root.file());
  }
  const auto map = root.map();
  const bool ids = std::all_of(map.begin(), map.end(),
                               [](const auto& field) { return field.value.is_number(); });
  if (ids && map.size() > 0) {
    refuse_file("a vocabulary without its merges (vocab.json)", root.file());
  }
}

}  // namespace

std::shared_ptr<const Tokenizer> parse_tokenizer_json(std::string_view json, std::string name) {
  simdjson::dom::parser parser;
  simdjson::dom::element root_value;
  auto code = parser.parse(json.data(), json.size()).get(root_value);
  if (code != simdjson::SUCCESS) {
    refuse_other_texts(json, name);
    throw Error{
        {.what = std::string("the tokenizer is not valid JSON: ") + simdjson::error_message(code),
         .where = name,
         .next = "get the file again, or set workload.tokenizer: server"}};
  }
  TokenizerJson root(root_value, name, "");
  if (is_tekken(root)) return parse_tekken(root, sha256_hex(json));
  refuse_other_objects(root);
  const TokenizerJson model_place = root.at("model");
  refuse_other_models(model_place);
  StageList stages = read_pre_tokenizer(root.find("pre_tokenizer"));
  ModelPart model = read_model(model_place, stages.byte_level);
  const bool by_characters = model.model.by_characters;
  NativeParts parts;
  parts.normalizer = read_normalizer(root.find("normalizer"));
  if (by_characters) {
    parts.texts = read_decoder(root.find("decoder"));
    if (!root.find("decoder")) parts.texts.bytes = model.model.byte_fallback;
    parts.marks = parts.normalizer.take_space_marks(parts.texts.mark);
    if (parts.texts.mark.empty()) parts.texts.mark = stages.mark;
  }
  parts.added = read_added_tokens(root.find("added_tokens"), model, parts.info.notes);
  int64_t beyond = 0;
  for (const AddedToken& token : parts.added) beyond += token.id >= model.size ? 1 : 0;
  for (const auto& [content, id] : model.outside) {
    // Reached only as added tokens, but they can be decoded.
    if (model.model.vocabulary.bytes_of(id).empty()) model.model.vocabulary.add(content, id);
  }
  parts.pre_tokenizer = PreTokenizer(std::move(stages.stages));
  parts.model = std::move(model.model);
  parts.unigram = std::move(model.unigram);
  parts.info.path = name;
  parts.info.sha256 = sha256_hex(json);
  parts.info.vocabulary = model.size + beyond;
  parts.info.kind = parts.unigram   ? "SentencePiece Unigram"
                    : by_characters ? "SentencePiece BPE"
                                    : "byte-level BPE";
  if (root.find("truncation")) {
    parts.info.notes.emplace_back("the file's truncation setting is not applied");
  }
  return std::make_shared<NativeTokenizer>(std::move(parts));
}

}  // namespace llmsweep
