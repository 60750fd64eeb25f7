#include "tokenizer/json_parts.h"

#include <simdjson.h>

#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/sha256.h"
#include "tokenizer/native_tokenizer.h"
#include "tokenizer/tekken.h"

namespace llmsweep {

std::shared_ptr<const Tokenizer> parse_tokenizer_json(std::string_view json, std::string name) {
  simdjson::dom::parser parser;
  simdjson::dom::element root_value;
  auto code = parser.parse(json.data(), json.size()).get(root_value);
  if (code != simdjson::SUCCESS) {
    throw Error{
        {.what = std::string("the tokenizer is not valid JSON: ") + simdjson::error_message(code),
         .where = name,
         .next = "get the file again, or set workload.tokenizer: server"}};
  }
  TokenizerJson root(root_value, name, "");
  if (is_tekken(root)) return parse_tekken(root, sha256_hex(json));
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
  parts.info.path = name;
  parts.info.sha256 = sha256_hex(json);
  parts.info.vocabulary = model.size + beyond;
  parts.info.kind = by_characters ? "SentencePiece BPE" : "byte-level BPE";
  if (root.find("truncation")) {
    parts.info.notes.emplace_back("the file's truncation setting is not applied");
  }
  return std::make_shared<NativeTokenizer>(std::move(parts));
}

}  // namespace llmsweep
