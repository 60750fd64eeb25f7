#include <fmt/format.h>
#include <simdjson.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <ostream>

#include "cli/commands.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {

namespace {

std::string read_input(const std::string& path) {
  if (path != "-") return read_file(path);
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

void append_ids(const std::vector<int32_t>& ids, std::string& line) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) line += ", ";
    fmt::format_to(std::back_inserter(line), "{}", ids[i]);
  }
}

// {"text": …} lines in, {"ids": […]} lines out, in order. Invalid UTF-8 is repaired, as everywhere.
void encode_lines(const std::string& path, Encoder& encoder, SpecialTokens special,
                  std::ostream& out) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) throw Error({.what = "cannot read the file", .where = path, .next = {}});
  }
  std::istream& in = path == "-" ? std::cin : file;
  simdjson::dom::parser parser;
  int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (trim(line).empty()) continue;
    std::string valid = repair_utf8(line);
    std::string_view text;
    simdjson::dom::element root;
    bool good = parser.parse(valid).get(root) == simdjson::SUCCESS &&
                root["text"].get(text) == simdjson::SUCCESS;
    if (!good) {
      throw Error({.what = "expected a JSON object with a text",
                   .where = fmt::format("{}:{}", path, number),
                   .next = "each line is {\"text\": \"…\"}"});
    }
    std::string answer = "{\"ids\": [";
    append_ids(encoder.encode(text, special), answer);
    out << answer << "]}\n";
  }
}

std::string short_name(const std::string& text) {
  return "\"" + printable(text.substr(0, 200), 40) + "\"";
}

}  // namespace

int tokens_command(const TokensOptions& options, Console& console) {
  auto tokenizer = load_tokenizer(options.tokenizer);
  auto encoder = tokenizer->encoder();
  SpecialTokens special = options.plain ? SpecialTokens::kPlain : SpecialTokens::kParse;
  for (const auto& note : tokenizer->info().notes) console.err << "note: " << note << '\n';
  if (!options.jsonl.empty()) {
    encode_lines(options.jsonl, *encoder, special, console.out);
    return kExitOk;
  }
  if (options.files.empty() && options.texts.empty()) {
    throw Error({.what = "nothing to count",
                 .where = "llmsweep tokens",
                 .next = "name a FILE (- is the standard input), --text or --jsonl"});
  }
  const TokenizerInfo& info = tokenizer->info();
  console.out << fmt::format("tokenizer  {} ({}, {} tokens, SHA-256 {})\n", info.path, info.kind,
                             info.vocabulary, info.sha256);
  auto show = [&](const std::string& name, const std::string& text) {
    std::vector<int32_t> ids = encoder->encode(text, special);
    bool same = tokenizer->decode(ids) == text;
    double ratio =
        ids.empty() ? 0 : static_cast<double>(text.size()) / static_cast<double>(ids.size());
    console.out << fmt::format("{:>9} tokens  {:>10} bytes  {:.2f} bytes a token  {}  {}\n",
                               ids.size(), text.size(), ratio,
                               same ? "round trip exact" : "round trip differs", name);
    if (!options.ids) return;
    std::string line;
    append_ids(ids, line);
    console.out << "[" << line << "]\n";
  };
  for (const auto& text : options.texts) show(short_name(text), text);
  for (const auto& file : options.files) show(file, read_input(file));
  return kExitOk;
}

}  // namespace llmsweep
