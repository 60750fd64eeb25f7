#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "cli/format_option.h"
#include "cli/text_line.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/tokenizer/tokenizer.h"

namespace llmsweep {
namespace {

struct TokensOptions {
  std::string tokenizer;
  std::vector<std::string> files;  // "-": the standard input
  std::vector<std::string> texts;
  std::string jsonl;
  bool plain = false;
  bool ids = false;
  std::string format = "text";
};

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

void refuse_utf16(std::string_view line, const std::string& where) {
  if (!line.starts_with("\xFF\xFE") && !line.starts_with("\xFE\xFF")) return;
  throw Error({.what = "the file is in the encoding UTF-16",
               .where = where,
               .next = "convert it: iconv -f UTF-16 -t UTF-8 FILE"});
}

// {"text": …} lines in, {"ids": […]} lines out, in order. Invalid UTF-8 is repaired, as everywhere.
void encode_lines(const std::string& path, Encoder& encoder, SpecialTokens special,
                  std::ostream& out) {
  std::optional<RegularFile> file;
  if (path != "-") file.emplace(path, RegularFile::Accept::kInherited);
  LineReader lines(
      [&file](char* into, size_t size) {
        if (file) return file->read(into, size);
        std::cin.read(into, static_cast<std::streamsize>(size));
        return static_cast<size_t>(std::cin.gcount());
      },
      path);
  TextLine parsed;
  while (std::optional<std::string_view> line = lines.next()) {
    if (lines.number() == 1) {
      refuse_utf16(*line, lines.where());
      if (line->starts_with("\xEF\xBB\xBF")) line->remove_prefix(3);
    }
    if (trim(*line).empty()) continue;
    const std::optional<std::string_view> text = parsed.read(*line);
    if (!text) {
      throw Error({.what = "expected a JSON object with a text",
                   .where = lines.where(),
                   .next = "each line is {\"text\": \"…\"}"});
    }
    std::string answer = "{\"ids\": [";
    append_ids(encoder.encode(*text, special), answer);
    out << answer << "]}\n";
  }
}

struct Counted {
  std::string name;
  size_t bytes = 0;
  std::vector<int32_t> ids;
  bool round_trip = false;
};

std::string text_of(const Counted& counted, bool with_ids) {
  const size_t tokens = counted.ids.size();
  const double ratio =
      tokens == 0 ? 0 : static_cast<double>(counted.bytes) / static_cast<double>(tokens);
  std::string text = fmt::format(
      "{:>9} tokens  {:>10} bytes  {:.2f} bytes a token  {}  {}\n", tokens, counted.bytes, ratio,
      counted.round_trip ? "round trip exact" : "round trip differs", counted.name);
  if (!with_ids) return text;
  text += "[";
  append_ids(counted.ids, text);
  return text + "]\n";
}

nlohmann::ordered_json json_of(const Counted& counted, bool with_ids) {
  nlohmann::ordered_json json = {{"name", counted.name},
                                 {"tokens", counted.ids.size()},
                                 {"bytes", counted.bytes},
                                 {"round_trip_exact", counted.round_trip}};
  if (with_ids) json["ids"] = counted.ids;
  return json;
}

void write_json(const TokenizerInfo& info, const std::vector<Counted>& texts, bool with_ids,
                std::ostream& out) {
  nlohmann::ordered_json json = {{"tokenizer",
                                  {{"path", info.path},
                                   {"kind", info.kind},
                                   {"vocabulary", info.vocabulary},
                                   {"sha256", info.sha256}}},
                                 {"texts", nlohmann::ordered_json::array()}};
  for (const Counted& counted : texts) json["texts"].push_back(json_of(counted, with_ids));
  out << json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

std::string short_name(const std::string& text) {
  return "\"" + printable(text.substr(0, 200), 40) + "\"";
}

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
  const bool json = options.format == kJsonFormat;
  if (!json) {
    console.out << fmt::format("tokenizer  {} ({}, {} tokens, SHA-256 {})\n", info.path, info.kind,
                               info.vocabulary, info.sha256);
  }
  std::vector<Counted> all;
  auto count = [&](const std::string& name, const std::string& text) {
    Counted counted{.name = name, .bytes = text.size(), .ids = encoder->encode(text, special)};
    counted.round_trip = tokenizer->decode(counted.ids) == text;
    if (!json) console.out << text_of(counted, options.ids);
    if (json) all.push_back(std::move(counted));
  };
  for (const auto& text : options.texts) count(short_name(text), text);
  for (const auto& file : options.files) count(file, read_input(file));
  if (json) write_json(info, all, options.ids, console.out);
  return kExitOk;
}

}  // namespace

void add_tokens(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<TokensOptions>();
  CLI::App* command = app.add_subcommand("tokens", "Count the tokens of texts, as the server does");
  command
      ->add_option(
          "--tokenizer", options->tokenizer,
          "tokenizer.json, tekken.json, tokenizer.model, FILE.tiktoken#PATTERN, or a folder that "
          "holds one")
      ->type_name("FILE")
      ->required();
  command->add_option("FILE", options->files, "Files to count; - is the standard input")
      ->type_name("FILE");
  command->add_option("--text", options->texts, "A text to count (repeatable)")
      ->allow_extra_args(false);
  command
      ->add_option("--jsonl", options->jsonl,
                   "Read {\"text\": …} lines, write {\"ids\": […]} lines")
      ->type_name("FILE");
  command->add_flag("--plain", options->plain,
                    "Take added tokens such as <|im_end|> for plain text");
  command->add_flag("--ids", options->ids, "Print the ids too");
  add_format(*command, options->format);
  command->footer(
      "Examples:\n"
      "  llmsweep tokens --tokenizer tokenizer.json --text 'Hello, world' --ids\n"
      "  llmsweep tokens --tokenizer o200k_base.tiktoken README.md docs/*.md\n"
      "  llmsweep tokens --tokenizer ranks.tiktoken#kimi_k2 --jsonl texts.jsonl > ids.jsonl\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return tokens_command(*options, console); };
  });
}

}  // namespace llmsweep
