#include "cli/one_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "cli/print_result.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/target.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/sweep/first_look.h"

namespace llmsweep {
namespace {

constexpr const char* kWhere = "command line";

// Each option with the key of the spec that it sets.
struct OptionKey {
  const char* flag;
  std::string OneLine::*member;
  const char* key;
};
constexpr OptionKey kOptionKeys[] = {
    {"--concurrency", &OneLine::concurrency, "load.concurrency"},
    {"--rate", &OneLine::rate, "load.rate"},
    {"--input-tokens", &OneLine::input_tokens, "workload.input_tokens"},
    {"--output-tokens", &OneLine::output_tokens, "workload.output_tokens"},
    {"--requests", &OneLine::requests, "load.min_requests"},
    {"--repeats", &OneLine::repeats, "load.repeats"},
    {"--gpus", &OneLine::gpus, "system.gpus"},
    {"--model", &OneLine::model, "endpoint.model"},
    {"--key-env", &OneLine::key_env, "endpoint.api_key_env"},
    {"--name", &OneLine::name, "name"},
    {"--api", &OneLine::api, "endpoint.api"},
};

// "http://localhost:8000" as what every server of this API has below it.
std::string with_version(std::string url) {
  const size_t host = url.find("//") + 2;
  const size_t path = url.find_first_of("/?#", host);
  if (path == std::string::npos) return url + "/v1";
  return path + 1 == url.size() && url.back() == '/' ? url + "v1" : url;
}

std::string quoted_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string value_of(const OptionKey& option, const std::string& text) {
  const std::string_view key = option.key;
  if (key == "load.concurrency" || key == "load.rate") return "[" + text + "]";
  const bool is_text = key == "endpoint.model" || key == "name";
  return is_text ? quoted_text(text) : text;
}

std::string targets_json(const std::vector<std::string>& targets) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& text : targets) {
    parse_target(text);  // with an error that shows the form
    list.push_back(text);
  }
  return list.dump();
}

// Whether a --set sets the key, or a key below it.
bool sets_key(const std::vector<std::string>& sets, const std::string& key) {
  return std::any_of(sets.begin(), sets.end(), [&](const std::string& set) {
    const std::string path = set.substr(0, set.find('='));
    return path == key || path.starts_with(key + ".") || path.starts_with(key + "[");
  });
}

// An error about what an option set names the option.
void say_which_option(const OneLine& options, const Error& error) {
  for (const OptionKey& option : kOptionKeys) {
    const std::string set = std::string("--set ") + option.key;
    if ((options.*option.member).empty() || !error.text().where.starts_with(set)) continue;
    throw Error({.what = error.text().what, .where = option.flag, .next = error.text().next});
  }
}

Said said_by(const OneLine& options, const std::vector<std::string>& sets) {
  return {
      .name = !options.name.empty() || sets_key(sets, "name"),
      .input_tokens = !options.input_tokens.empty() || sets_key(sets, "workload.input_tokens"),
      .output_tokens = !options.output_tokens.empty() || sets_key(sets, "workload.output_tokens"),
      .requests = !options.requests.empty() || sets_key(sets, "load.requests_per_slot") ||
                  sets_key(sets, "load.min_requests") || sets_key(sets, "load.duration"),
      .repeats = !options.repeats.empty() || sets_key(sets, "load.repeats"),
      .window = sets_key(sets, "load.warmup") || sets_key(sets, "load.measure")};
}

}  // namespace

void add_one_line(CLI::App& command, OneLine& options) {
  const auto add = [&](const std::string& names, std::string& member, const std::string& help,
                       const std::string& value) {
    command.add_option(names, member, help)->type_name(value)->group("With a URL in place of SPEC");
  };
  add("-c,--concurrency", options.concurrency, "Requests in flight, one level each (1,2,4,8,16)",
      "N,N,...");
  add("--rate", options.rate, "Requests a second, one level each, in place of a concurrency",
      "N,N,...");
  add("--input-tokens,--isl", options.input_tokens, "Tokens of each prompt (1024)", "N");
  add("--output-tokens,--osl", options.output_tokens, "Tokens of each answer (128)", "N");
  add("--requests", options.requests,
      "Measured requests of a level, all slots together (what fits)", "N");
  add("--repeats", options.repeats,
      "Runs of each level: where intervals come from (up to 3 within a minute)", "N");
  add("--gpus", options.gpus, "GPUs of the system, for figures per GPU", "N");
  command.add_option("--target", options.targets, "Users at e2e:p50:15s and the like (repeatable)")
      ->type_name("METRIC:STATISTIC:LIMIT[+...]")
      ->allow_extra_args(false)
      ->group("With a URL in place of SPEC");
  add("--model", options.model, "Model to ask for (the first that the endpoint lists)", "NAME");
  add("--key-env", options.key_env, "Environment variable that holds the API key", "VARIABLE");
  add("--name", options.name, "Name of the results' folder (the model's)", "NAME");
  add("--api", options.api, "chat, completions, responses, messages, embeddings or rerank (chat)",
      "API");
}

bool is_url(std::string_view spec) {
  return spec.starts_with("http://") || spec.starts_with("https://");
}

// "localhost:8000", "10.0.0.5:8000/v1": no file of that name is meant.
void refuse_url_without_scheme(const std::string& spec) {
  const size_t colon = spec.find(':');
  if (colon == std::string::npos || colon == 0) return;
  const std::string host = spec.substr(0, colon);
  const std::string port = spec.substr(colon + 1, spec.find('/', colon) - colon - 1);
  const bool is_name = host.find_first_of("/\\ ") == std::string::npos;
  if (!is_name || !parse_int(port) || is_file(spec)) return;
  throw Error(
      {.what = "is no file and, without http://, no URL",
       .where = printable(spec, kPathBytes),
       .next = "did you mean " + printable(with_version("http://" + spec), kPathBytes) + "?"});
}

void require_none(const std::string& spec, const OneLine& options) {
  refuse_url_without_scheme(spec);
  std::string flag = options.targets.empty() ? "" : "--target";
  for (const OptionKey& option : kOptionKeys) {
    if (flag.empty() && !(options.*option.member).empty()) flag = option.flag;
  }
  if (flag.empty()) return;
  const auto* key = std::find_if(std::begin(kOptionKeys), std::end(kOptionKeys),
                                 [&](const OptionKey& option) { return flag == option.flag; });
  throw Error({.what = "goes with a URL in place of SPEC; a file says it itself",
               .where = flag,
               .next = key == std::end(kOptionKeys)
                           ? "write it under targets"
                           : std::string("override it with --set ") + key->key + "=VALUE"});
}

SweepSpec one_line_spec(const std::string& url, const OneLine& options,
                        const std::vector<std::string>& sets) {
  const bool is_open = !options.rate.empty() || sets_key(sets, "load.rate");
  std::vector<std::string> all;
  if (!is_open && !sets_key(sets, "load.duration")) {
    all.push_back(std::string("load.requests_per_slot=") + (options.requests.empty() ? "10" : "1"));
  }
  for (const OptionKey& option : kOptionKeys) {
    const std::string& text = options.*option.member;
    if (!text.empty()) all.push_back(std::string(option.key) + "=" + value_of(option, text));
  }
  if (!options.targets.empty()) all.push_back("targets=" + targets_json(options.targets));
  all.insert(all.end(), sets.begin(), sets.end());
  const std::string base =
      "name: endpoint\n"
      "endpoint: {url: " +
      quoted_text(with_version(url)) +
      "}\n"
      "workload: {input_tokens: 1024, output_tokens: 128}\n"
      "load: {" +
      std::string(is_open ? "rate: [1, 2, 4]" : "concurrency: [1, 2, 4, 8, 16]") + "}\n";
  try {
    return parse_spec(base, kWhere, all);
  } catch (const Error& error) {
    say_which_option(options, error);
    throw;
  }
}

Completed complete_one_line(const std::string& url, const OneLine& options,
                            const std::vector<std::string>& sets, const Interrupts& interrupts,
                            const Patience& patience, Console& console) {
  Completed completed{.spec = one_line_spec(url, options, sets), .preflight = {}};
  SweepSpec& spec = completed.spec;
  std::vector<std::string> of_the_key;  // who opens the endpoint for the run says them
  const OpenEndpoint endpoint(spec.endpoint, of_the_key);
  completed.preflight = check_endpoint(
      spec, endpoint.connection(),
      {.contact = {},
       .interrupts = &interrupts,
       .patience = patience,
       .tell = [&](const std::string& line) { console.err << "note: " << line << std::endl; },
       .prefer_server_tokenizer = true});
  std::vector<std::string>& notes = completed.preflight.provenance.notes;
  for (std::string& line : choose_the_rest(spec, completed.preflight, said_by(options, sets))) {
    notes.push_back(std::move(line));
  }
  return completed;
}

}  // namespace llmsweep
