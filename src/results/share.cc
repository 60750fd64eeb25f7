#include "llmsweep/results/share.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <regex>

#include "llmsweep/base/redactor.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"

namespace llmsweep {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kWithheld = "<not shared>";
constexpr size_t kShortestWord = 3;
constexpr size_t kShortestFreeText = 6;   // "auto" and "high" are everywhere
constexpr size_t kLongestText = 4 << 10;  // std::regex recurses

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

// Where `word` stands in `text`, whatever its case, and not as a part of another word.
void withhold_word(std::string& text, std::string_view word) {
  for (size_t at = 0; at + word.size() <= text.size();) {
    const size_t end = at + word.size();
    const bool begins =
        at == 0 || !is_word_character(text[at - 1]) || !is_word_character(word.front());
    const bool ends =
        end == text.size() || !is_word_character(text[end]) || !is_word_character(word.back());
    if (begins && ends && same_word(std::string_view(text).substr(at, word.size()), word)) {
      text.replace(at, word.size(), kWithheld);
      at += kWithheld.size();
    } else {
      ++at;
    }
  }
}

// URLs, mail addresses, IP addresses, names of hosts (with a port, below a domain that is known, or
// of three parts and more that are no file's), paths of Windows and shares, and absolute paths of
// two parts or more but for those of the API.
const std::regex& identifying() {
  static const std::regex pattern(
      R"([A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>()]+)"
      R"(|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+)"
      R"(|\[[0-9A-Fa-f:.%]*:[0-9A-Fa-f:.%]*:[0-9A-Za-z:.%]*\](:[0-9]+)?)"
      R"(|\b[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){5,7}\b)"
      R"(|\b[0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?)"
      R"(|::[0-9A-Fa-f]{1,4}\b)"
      R"(|\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b(:[0-9]+)?)"
      R"(|\b[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+:[0-9]{2,5}\b|\blocalhost:[0-9]+\b)"
      R"(|\b([A-Za-z0-9_-]+\.)+(internal|local|lan|corp|intranet|private|localdomain|home|arpa)"
      R"(|com|net|org|edu|gov|mil|io|ai|dev|cloud|app|eu|de|uk|fr|ch|at|nl|us|cn|jp|kr|in|au|ca))"
      R"((?![.-]?\w))"
      R"(|\b[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z][A-Za-z0-9-]*)+\.)"
      R"((?!(jsonl?|ya?ml|gz|zst|txt|csv|py|cc|md|html|bin|gguf|pt|safetensors|model|parquet)\b))"
      R"([A-Za-z]{2,}(?![.-]?\w))"
      R"(|\b[A-Za-z]:[\\/][^\s"'<>|,;]*|\\\\[A-Za-z0-9._$-]+\\[^\s"'<>|,;]*)"
      R"(|(~|\.\.?)?(/[^\s/"'<>(),;:]+){2,}/?)",
      std::regex::ECMAScript | std::regex::optimize);
  return pattern;
}

bool of_the_api(std::string_view path) {
  return path.starts_with("/v1/") || path.starts_with("/chat/");
}

std::string without_identifying(const std::string& text) {
  std::string shown;
  auto from = text.begin();
  for (std::sregex_iterator match(text.begin(), text.end(), identifying()), end; match != end;
       ++match) {
    const std::string found = match->str();
    const auto begin = text.begin() + match->position();
    // "tokens/s/GPU" and "org/name/part" are no paths.
    const bool inside = found.front() == '/' && begin != text.begin() &&
                        (is_word_character(*(begin - 1)) || *(begin - 1) == '-');
    shown.append(from, begin);
    shown += inside || of_the_api(found) ? found : std::string(kWithheld);
    from = begin + match->length();
  }
  shown.append(from, text.end());
  return shown;
}

bool is_path(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../") ||
         text.starts_with('~') || text.starts_with("\\\\") ||
         (text.size() > 2 && text.substr(1, 2) == ":\\");
}

std::string_view file_name(std::string_view path) {
  const std::string_view separators = is_path(path) ? "/\\" : "/";
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.find_last_of(separators) + 1);  // npos + 1 is 0
}

// "http://user@host:8000/v1" as "host:8000".
std::string_view authority_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  return url.substr(url.rfind('@') + 1);
}

// What of a spec's endpoint is nobody's business.
constexpr std::array<std::string_view, 6> kWithheldKeys = {"url",     "urls",         "headers",
                                                           "ca_file", "api_key_file", "extra_body"};
// Files, whose names say what was measured.
constexpr std::array<std::string_view, 3> kFileKeys = {"dataset", "tokenizer", "simulator"};

template <size_t kSize>
bool is_one_of(std::string_view key, const std::array<std::string_view, kSize>& keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Numbers and switches say how it was measured, texts may be anything.
void withhold_texts(OrderedJson& value) {
  if (value.is_string()) value = std::string(kWithheld);
  if (!value.is_structured()) return;
  for (auto& [key, member] : value.items()) withhold_texts(member);
}

void share_json(const Sharing& sharing, OrderedJson& value) {
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    value = is_path(text) ? sharing.text(file_name(text)) : sharing.text(text);
  }
  if (!value.is_structured()) return;
  const bool object = value.is_object();
  for (auto& [key, member] : value.items()) {
    if (object && is_one_of(key, kFileKeys) && member.is_string()) {
      const std::string file = member.get<std::string>();
      member = sharing.text(file.find("://") == std::string::npos ? file_name(file) : file);
    } else if (object && is_one_of(key, kWithheldKeys)) {
      withhold_texts(member);
    } else {
      share_json(sharing, member);
    }
  }
}

bool is_request_field(const std::string& name) {
  return from_name<RequestField>(name).has_value() || name == "max_tokens" ||
         name == "max_completion_tokens" || name == "max_new_tokens";
}

// What a server said of a request may hold anything.
void leave_out_texts(LevelStats& level) {
  level.pooled.requests.errors.clear();
  for (RunStats& run : level.runs) {
    run.requests.errors.clear();
    if (!run.telemetry) continue;
    for (SourceReading& source : run.telemetry->sources) {
      source.url.clear();
      source.error.clear();
    }
  }
}

}  // namespace

Sharing::Sharing(const SweepResult& result, const std::vector<std::string>& also)
    : result_(result) {
  const Provenance& by = result.provenance;
  learn(by.host);
  learn(by.host.substr(0, by.host.find('.')));
  for (const MergedClient& client : result.clients) {
    learn(client.host);
    learn(client.host.substr(0, client.host.find('.')));
  }
  learn_address(by.resolved_address);
  for (const std::string& address : by.resolved_addresses) learn_address(address);
  for (const std::string* path :
       {&result.workload.dataset, &result.workload.tokenizer_path, &result.system.checkpoint}) {
    learn_path(*path);
  }
  learn_path(result.model);
  learn_spec();
  for (const std::string& word : also) learn(word);
  std::sort(words_.begin(), words_.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
}

void Sharing::learn(std::string_view word) {
  if (word.size() >= kShortestWord) words_.emplace_back(word);
}

// "host:8000", "[::1]:8000": with the port and without it.
void Sharing::learn_address(std::string_view address) {
  learn(address);
  const size_t colon = address.rfind(':');
  const bool port = colon != std::string_view::npos && colon + 1 < address.size() &&
                    address.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  if (port) learn(address.substr(0, colon));
  if (port && address.starts_with('[')) learn(address.substr(1, colon - 2));
}

// A path, the folder that it lies in, and whose home that is.
void Sharing::learn_path(std::string_view path) {
  if (!is_path(path)) return;
  learn(path);
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos && slash > 0) learn(path.substr(0, slash));
  for (const std::string_view homes : {"/home/", "/Users/"}) {
    if (!path.starts_with(homes)) continue;
    const std::string_view user = path.substr(homes.size());
    if (user.find('/') != std::string_view::npos) learn(user.substr(0, user.find('/')));
  }
}

void Sharing::learn_spec() {
  const OrderedJson spec = OrderedJson::parse(result_.spec_json, nullptr, false);
  if (!spec.is_object()) return;
  const OrderedJson flat = spec.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (!value.is_string()) continue;
    const std::string text = value.get<std::string>();
    learn_path(text);
    const bool free_text = pointer.find("/headers/") != std::string::npos ||
                           pointer.find("/extra_body/") != std::string::npos;
    if (free_text && text.size() >= kShortestFreeText && text != kRedacted &&
        text != result_.model) {
      learn(text);
    }
    if (const std::string_view authority = authority_of(text); !authority.empty()) {
      learn(text);
      learn_address(authority);
    }
  }
}

std::string Sharing::text(std::string_view text) const {
  std::string shown(text.substr(0, kLongestText));
  // A user's name within a path would hide that it is one, so names come last.
  const auto is_name = [](const std::string& word) { return word.find('/') == std::string::npos; };
  for (const std::string& word : words_) {
    if (!is_name(word)) withhold_word(shown, word);
  }
  shown = without_identifying(shown);
  for (const std::string& word : words_) {
    if (is_name(word)) withhold_word(shown, word);
  }
  return shown;
}

SweepResult Sharing::result() const {
  SweepResult shared = result_;
  shared.system.command.clear();  // paths, hosts and keys are in it
  for (LevelStats& level : shared.levels) leave_out_texts(level);
  for (ProfileStep& step : shared.profile) leave_out_texts(step.level);
  for (std::string* value :
       {&shared.tool, &shared.name, &shared.system.accelerator, &shared.system.precision,
        &shared.system.engine, &shared.system.engine_version, &shared.workload.nonce}) {
    *value = text(*value);
  }
  for (std::string* value : {&shared.model, &shared.system.checkpoint}) {
    *value = text(is_path(*value) ? file_name(*value) : *value);  // "org/name" is no path
  }
  for (std::string* value : {&shared.workload.dataset, &shared.workload.tokenizer_path}) {
    *value = text(value->find("://") == std::string::npos ? file_name(*value) : *value);
  }
  if (shared.trace) shared.trace->file = text(shared.trace->file);
  for (MergedClient& client : shared.clients) client = {.rank = client.rank, .cores = client.cores};
  OrderedJson spec = OrderedJson::parse(result_.spec_json, nullptr, false);
  if (spec.is_object()) share_json(*this, spec);
  shared.spec_json = spec.is_object() ? spec.dump(2) : "null";
  for (auto& [benchmark, score] : shared.quality) benchmark = text(benchmark);

  const Provenance& by = result_.provenance;
  shared.provenance = {.cores = by.cores};
  const bool known = by.transport == "sockets" || by.transport == "libcurl";
  if (known) shared.provenance.transport = by.transport;
  for (const std::string& field : by.dropped_fields) {
    if (is_request_field(field)) shared.provenance.dropped_fields.push_back(field);
  }
  shared.provenance.notes = {
      "made to be shared: hosts, addresses, URLs, paths, headers and the names of users are left "
      "out"};
  for (const std::string& note : by.notes) shared.provenance.notes.push_back(text(note));
  return shared;
}

}  // namespace llmsweep
