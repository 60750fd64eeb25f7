#include "llmsweep/sweep/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/secrets.h"
#include "llmsweep/base/text.h"
#include "llmsweep/dataset/calibration.h"
#include "llmsweep/dataset/images.h"
#include "llmsweep/http/ca_bundle.h"
#include "llmsweep/model/names.h"
#include "llmsweep/protocol/answers.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/sweep/prediction.h"
#include "sweep/endpoint_advisor.h"
#include "sweep/length_estimate.h"
#include "sweep/lengths_likely.h"
#include "sweep/prober.h"
#include "sweep/server_start.h"
#include "sweep/server_tokenizer.h"

namespace llmsweep {
namespace {

constexpr size_t kModelsKept = 64 << 10;
// One token may be half a character, a special token or the start of a thought: nothing to see.
constexpr int64_t kProbeTokens = 16;
constexpr int64_t kMostProbeTokens = 4096;  // that a server may want
constexpr Duration kListNeeded = std::chrono::seconds(30);
constexpr Duration kListNotNeeded = std::chrono::seconds(10);
constexpr Duration kMetricsNotNeeded = std::chrono::seconds(2);
constexpr size_t kLongestVersion = 100;
constexpr int64_t kShorterTokens = 4;  // another length, for the time per token

// Of a JSON object; empty where it has no such text.
std::string text_member(const std::string& body, const char* key) {
  const nlohmann::json page = nlohmann::json::parse(body, nullptr, false);
  if (!page.is_object()) return {};
  const auto member = page.find(key);
  return member != page.end() && member->is_string() ? member->get<std::string>() : std::string();
}

class Checker {
 public:
  Checker(const SweepSpec& spec, const Connection& connection, PreflightOptions options)
      : spec_(spec),
        connection_(connection),
        options_(std::move(options)),
        secrets_(secrets_of(spec, connection)),
        prober_(spec, connection, options_, secrets_),
        base_url_(connection.urls.front()) {
    if (generates()) result_.fields = spec.endpoint.request_fields;
    result_.max_tokens_field = spec.endpoint.max_tokens_field;
  }

  Preflight run() {
    note_held_secrets();
    for (const std::string& line : spec_.does_not_apply) note(line);
    resolve();
    find_model();
    find_server_start();
    find_server_version();
    load_tokenizer();
    calibrate();
    try_other_models();
    try_images();
    for (size_t i = 1; i < connection_.urls.size(); ++i) check_another(connection_.urls[i]);
    note_length_control();
    return std::move(result_);
  }

 private:
  bool generates() const { return traits_of(spec_.endpoint.api).generates; }

  void note_held_secrets() {
    for (const auto& [name, value] : spec_.endpoint.headers) {
      if (!names_a_secret(name)) continue;
      note(
          fmt::format("the spec holds what the header {} carries, which is redacted in all that is "
                      "written; endpoint.api_key_env keeps it out of the spec too",
                      printable(name)));
    }
  }

  void resolve() {
    const ResolvedEndpoint endpoint = prober_.resolve(base_url_);
    if (!endpoint.error.empty() && !spec_.endpoint.use_proxy) advisor().unreachable(endpoint.error);
    result_.addresses.push_back(endpoint.address);
    Provenance& provenance = result_.provenance;
    if (result_.addresses.size() == 1) provenance.resolved_address = endpoint.address;
    if (connection_.urls.size() > 1) provenance.resolved_addresses.push_back(endpoint.address);
    if (base_url_.starts_with("https://")) {
      const std::string& own = spec_.endpoint.ca_file;
      provenance.ca_file = own.empty() ? system_ca_bundle() : own;
    }
    const Transport chosen =
        chosen_transport(spec_.client.transport, base_url_, spec_.endpoint.use_proxy);
    // One client carries all URLs, over libcurl where one of them needs it.
    if (provenance.transport.empty() || chosen == Transport::kLibcurl) {
      provenance.transport = name_of(chosen);
    }
  }

  EndpointAdvisor advisor() { return {spec_, base_url_, prober_}; }

  void find_model() {
    const std::vector<ModelInfo> models = list_models();
    result_.model = spec_.endpoint.model;
    if (result_.model.empty()) {
      result_.model = models.front().id;
      if (models.size() > 1) others_ = names_of({models.begin() + 1, models.end()});
    }
    for (const ModelInfo& model : models) {
      if (model.id == result_.model) result_.context_tokens = model.max_tokens;
    }
    expect_model(models);
  }

  // Empty only where the spec names its model: then nobody needs the list.
  std::vector<ModelInfo> list_models() {
    const bool needed = spec_.endpoint.model.empty();
    const Probed probed =
        prober_.get(url_below(base_url_, "/models"), needed ? kListNeeded : kListNotNeeded);
    const HttpAnswer& answer = probed.answer;
    // Before a byte was sent: the requests would not get there either.
    if (!answer.error.empty() && !answer.connected) advisor().fail(probed, {});
    std::string problem = answer.ok() ? std::string() : probed.record.error;
    std::vector<ModelInfo> models;
    if (answer.ok()) {
      try {
        models = parse_models(answer.body, secrets_);
        result_.provenance.models_json = shown_models(answer.body);
        result_.provenance.server_headers = answer.headers;
      } catch (const Error& error) {
        problem = error.text().what;
      }
    }
    listed_ = !models.empty();
    if (listed_) return models;
    if (problem.empty()) problem = "it lists none";
    if (needed) advisor().fail_without_model(probed, problem);
    note(fmt::format("the list of models (GET {}) cannot be read, and the spec names its model: {}",
                     printable(probed.url), problem));
    return models;
  }

  void find_server_start() {
    if (spec_.endpoint.metrics.off()) return;
    const Probed page =
        prober_.try_get(url_beside_version(base_url_, "/metrics"), kMetricsNotNeeded);
    if (page.answer.ok()) result_.provenance.server_started = process_start_in(page.answer.body);
  }

  // vLLM's and TensorRT LLM's page, and llama.cpp's.
  void find_server_version() {
    for (const auto& [path, key] :
         {std::pair("/version", "version"), std::pair("/props", "build_info")}) {
      const Probed page = prober_.try_get(url_beside_version(base_url_, path), kMetricsNotNeeded);
      if (!page.answer.ok()) continue;
      std::string text = text_member(page.answer.body, key);
      secrets_.redact(text);
      result_.provenance.server_version = printable(text, kLongestVersion);
      if (!text.empty()) return;
    }
  }

  // Cut last: what a key loses at the end would not be recognised.
  std::string shown_models(std::string body) const {
    secrets_.redact(body);
    return body.substr(0, kModelsKept);
  }

  // Whether the endpoint lists it, as far as it lists any; a note where not.
  void expect_model(const std::vector<ModelInfo>& models) {
    if (models.empty()) return;
    for (const ModelShare& model : spec_.endpoint.models) note_unlisted(model.name, models);
    if (lists(models)) return;
    unlisted_ = names_of(models);
    if (spec_.endpoint.models.empty()) note_unlisted(result_.model, models);
  }

  void note_unlisted(const std::string& name, const std::vector<ModelInfo>& models) {
    const bool listed = std::any_of(models.begin(), models.end(),
                                    [&](const ModelInfo& model) { return model.id == name; });
    if (listed) return;
    note(fmt::format("the endpoint does not list the model '{}'; it lists: {}", printable(name),
                     names_of(models)));
  }

  bool lists(const std::vector<ModelInfo>& models) const {
    return std::any_of(models.begin(), models.end(),
                       [&](const ModelInfo& model) { return model.id == result_.model; });
  }

  static std::string names_of(const std::vector<ModelInfo>& models) {
    std::vector<std::string> names;
    for (const ModelInfo& model : models) names.push_back(model.id);
    return printable(join(names, ", "));
  }

  void load_tokenizer() {
    const std::string& name = spec_.workload.tokenizer;
    if (name.empty()) {
      if (options_.prefer_server_tokenizer) try_server_tokenizer();
      return;
    }
    result_.tokenizer = name == "server" ? server_tokenizer() : llmsweep::load_tokenizer(name);
    for (const std::string& line : result_.tokenizer->info().notes) note(line);
  }

  std::shared_ptr<const Tokenizer> server_tokenizer() {
    try {
      return make_server_tokenizer(options_.contact, prober_.exchange_to(base_url_), result_.model);
    } catch (const MeasurementError& error) {
      // Who knows no such model has no tokenizer of it either.
      if (unlisted_.empty()) throw;
      ErrorText text = error.text();
      text.next = fmt::format("name a model that it lists: endpoint.model, of {}; or {}", unlisted_,
                              text.next);
      throw MeasurementError(std::move(text));
    }
  }

  void try_server_tokenizer() {
    HttpExchange exchange = prober_.exchange_to(base_url_);
    exchange.timeout = std::min(exchange.timeout, kListNotNeeded);
    try {
      result_.tokenizer =
          make_server_tokenizer(options_.contact, std::move(exchange), result_.model);
    } catch (const InterruptedError&) {
      throw;
    } catch (const Error& error) {
      do_without_tokenizer(error);
    }
  }

  void calibrate() {
    probes_ = calibration_probes(result_.tokenizer.get());
    const std::vector<RequestRecord> answers = send_probes();
    usage_ = usage_of(answers);
    predict(answers.back(), tokens_of_probe());
    if (generates() && std::all_of(answers.begin(), answers.end(), [](const RequestRecord& answer) {
          return answer.chunks == 0;
        })) {
      note(fmt::format(
          "the answers to the probes have no text in their {} tokens; a request that ends without "
          "text counts as failed",
          tokens_of_probe()));
    }
    if (usage_.size() < probes_.size()) {
      note("the endpoint reports no usage: prompt lengths cannot be verified");
    } else if (result_.tokenizer != nullptr && counts_exactly(spec_.endpoint.api, spec_.workload)) {
      find_overhead();
    }
    if (result_.tokenizer == nullptr && usage_.size() == probes_.size()) {
      length_estimate().find_bytes_per_token(bytes_per_token(probes_, usage_));
    }
    if (options_.prefer_server_tokenizer && result_.prompt_time == Duration(0)) {
      length_estimate().time_a_prompt();
    }
  }

  // Of several models each has to answer; the first, which the probes went to, stands for all.
  void try_other_models() {
    const std::string first = result_.model;
    for (const ModelShare& model : spec_.endpoint.models) {
      if (model.name == first) continue;
      result_.model = model.name;
      send(probes_.front(), tokens_of_probe());
    }
    result_.model = first;
  }

  // A server may take the text of a request and not its images.
  void try_images() {
    const ImagesSpec& wanted = spec_.workload.images;
    if (!wanted.wanted()) return;
    const std::vector<ImageUrl> images = read_images(wanted.files);
    for (int64_t i = 0; i < wanted.per_request; ++i) {
      images_.push_back(images[static_cast<size_t>(i) % images.size()]);
    }
    send(probes_.front(), tokens_of_probe());
    images_.clear();
  }

  // Exact by its own count, or the check ends here.
  void find_overhead() {
    const bool by_the_server = result_.tokenizer->info().kind == "server";
    try {
      result_.overhead_tokens = template_overhead(probes_, usage_, by_the_server);
    } catch (const MeasurementError& error) {
      if (!spec_.workload.tokenizer.empty()) throw;
      do_without_tokenizer(error);
    }
  }

  // Not the spec's: then it need not be the whole check that fails.
  void do_without_tokenizer(const Error& error) {
    result_.tokenizer = nullptr;
    note("prompts have about the asked length, by the endpoint's own usage: " + error.text().what);
  }

  LengthEstimate length_estimate() {
    return {spec_, options_.interrupts, tokens_of_probe(), result_, [this](const Probe& probe) {
              return try_fields(probe, tokens_of_probe(), result_.fields, result_.max_tokens_field);
            }};
  }

  std::vector<RequestRecord> send_probes() {
    std::vector<RequestRecord> answers;
    for (const Probe& probe : probes_) answers.push_back(send(probe, tokens_of_probe()));
    return answers;
  }

  // The prompt tokens that the server counts for each probe; fewer where it reports none.
  static std::vector<int64_t> usage_of(const std::vector<RequestRecord>& answers) {
    std::vector<int64_t> usage;
    for (const RequestRecord& answer : answers) {
      if (answer.input_tokens) usage.push_back(*answer.input_tokens);
    }
    return usage;
  }

  // The line through `answer`, of `tokens`, and a shorter one to the same prompt: the fewest that
  // the spec plans where a probe has more, which the endpoint has to take; else one that it may
  // refuse.
  void predict(const RequestRecord& answer, int64_t tokens) {
    if (!generates()) {
      result_.first_token_time = *answer.end - *answer.sent;
      return;
    }
    const std::optional<int64_t> fewest = fewest_planned(spec_.workload.output_tokens);
    if (fewest && *fewest < tokens) {
      predict(answer, tokens, send_shortest(*fewest), *fewest);
      return;
    }
    if (fewest_tokens_ <= kShorterTokens) {
      const Probed shorter =
          try_fields(probes_.back(), kShorterTokens, result_.fields, result_.max_tokens_field);
      if (shorter.ok()) return predict(answer, tokens, shorter.record, kShorterTokens);
    }
    predict(answer, tokens, answer, tokens);
  }

  // Whole exchanges, because the first tokens may be invisible. Where both have as many tokens, all
  // of the time is spread over them.
  void predict(const RequestRecord& longer, int64_t longer_tokens, const RequestRecord& shorter,
               int64_t shorter_tokens) {
    const Duration long_time = *longer.end - *longer.sent;
    const Duration short_time = *shorter.end - *shorter.sent;
    const int64_t tokens = tokens_in(longer, longer_tokens);
    const int64_t more = tokens - tokens_in(shorter, shorter_tokens);
    result_.time_per_token =
        more > 0 ? std::max(Duration(0), long_time - short_time) / more : long_time / tokens;
    result_.first_token_time =
        std::max(Duration(0), long_time - result_.time_per_token * (tokens - 1));
  }

  // Another address of the same system: it has to serve the same model and to count alike.
  void check_another(const std::string& url) {
    base_url_ = url;
    resolve();
    const std::vector<ModelInfo> models = list_models();
    if (!models.empty() && !lists(models)) {
      throw MeasurementError(
          {.what = fmt::format("the address does not serve the model '{}'; it lists: {}",
                               printable(result_.model), names_of(models)),
           .where = base_url_,
           .next = "endpoint.urls are addresses of one system: all serve the same model"});
    }
    const std::vector<int64_t> usage = usage_of(send_probes());
    if (usage == usage_) return;
    const auto counts = [](const std::vector<int64_t>& tokens) {
      return tokens.empty() ? std::string("no usage") : fmt::format("{}", fmt::join(tokens, ", "));
    };
    throw MeasurementError(
        {.what = fmt::format("the address counts the tokens of a prompt otherwise than {}: {} "
                             "against {}",
                             connection_.urls.front(), counts(usage), counts(usage_)),
         .where = base_url_,
         .next = "endpoint.urls are addresses of one system: same model, same chat template"});
  }

  int64_t tokens_of_probe() const { return std::max(kProbeTokens, fewest_tokens_); }

  Probed try_fields(const Probe& probe, int64_t tokens, const std::vector<RequestField>& fields,
                    const std::string& max_tokens_field) {
    EndpointSpec endpoint = spec_.endpoint;
    endpoint.max_tokens_field = max_tokens_field;
    return prober_.post({.base_url = base_url_,
                         .endpoint = endpoint,
                         .model = result_.model,
                         .fields = fields,
                         .prompt = {.text = probe.text,
                                    .planned_output_tokens = tokens,
                                    .inputs = inputs_in(probe.text),
                                    .images = images_}});
  }

  // As many as in the run's requests, of a probe that is long enough.
  int64_t inputs_in(const std::string& text) const {
    constexpr int64_t kBytesEach = 8;
    const auto most = static_cast<int64_t>(text.size()) / kBytesEach;
    return std::min(inputs_of(spec_.endpoint.api, spec_.workload), std::max<int64_t>(most, 1));
  }

  // One probe. Asks for more tokens where the server wants more, and drops the optional fields that
  // it refuses.
  RequestRecord send(const Probe& probe, int64_t tokens) {
    while (true) {
      tokens = std::max(tokens, fewest_tokens_);
      const Probed probed = try_fields(probe, tokens, result_.fields, result_.max_tokens_field);
      if (probed.ok()) {
        if (probed.ended_in_silence) note_silence(probed.record.finish_reason);
        return probed.record;
      }
      if (probed.refused_access() || probed.answer.timed_out) give_up(probed);
      if (!generates())
        give_up(probed, may_be_of_another_api(probed.answer) ? other_api(probe) : "");
      if (raise_tokens(probed.answer, tokens) || drop_named_field(probed.answer)) continue;
      if (drop_by_trying(probe, tokens, probed.answer)) continue;
      give_up(probed, may_be_of_another_api(probed.answer) ? other_api(probe) : std::string());
    }
  }

  // A run would send as few, and each request would be refused.
  RequestRecord send_shortest(int64_t tokens) {
    const Probed probed =
        try_fields(probes_.back(), tokens, result_.fields, result_.max_tokens_field);
    if (probed.ok()) return probed.record;
    const HttpAnswer& answer = probed.answer;
    if (answer.status != 400 && answer.status != 422) return send(probes_.back(), tokens);
    const std::optional<int64_t> fewest =
        fewest_output_tokens(answer.status, answer.body, result_.max_tokens_field);
    throw Error({.what = fmt::format("the endpoint refuses a request for {} output tokens, and "
                                     "takes one for {}: {}",
                                     tokens, tokens_of_probe(), probed.record.error),
                 .where = "workload.output_tokens",
                 .next = fmt::format("ask for {} or more", fewest.value_or(tokens_of_probe()))});
  }

  [[noreturn]] void give_up(const Probed& probed, std::string likely = {}) {
    const int status = probed.answer.status;
    if (likely.empty() && !others_.empty() && (status == 400 || status == 404 || status == 422)) {
      constexpr size_t kShown = 200;
      likely = fmt::format(
          "the spec names no model, and '{}' is the first of the list; name another: "
          "endpoint.model, of {}",
          printable(result_.model), printable(others_, kShown));
    }
    advisor().fail(probed, {.listed = listed_, .likely = std::move(likely)});
  }

  static bool may_be_of_another_api(const HttpAnswer& answer) {
    constexpr std::array kRefusals = {400, 404, 405, 422, 500, 501};
    return std::find(kRefusals.begin(), kRefusals.end(), answer.status) != kRefusals.end();
  }

  // A model without a chat template answers completions; a server may serve only one of the two.
  std::string other_api(const Probe& probe) {
    EndpointSpec endpoint = spec_.endpoint;
    endpoint.api = endpoint.api == Api::kChat ? Api::kCompletions : Api::kChat;
    endpoint.max_tokens_field = result_.max_tokens_field;
    const Probed probed =
        prober_.post({.base_url = base_url_,
                      .endpoint = endpoint,
                      .model = result_.model,
                      .fields = {},
                      .prompt = {.text = probe.text, .planned_output_tokens = tokens_of_probe()}});
    if (!probed.ok()) return {};
    return fmt::format("did you mean endpoint.api: {}? It answers", name_of(endpoint.api));
  }

  bool raise_tokens(const HttpAnswer& answer, int64_t tokens) {
    const std::optional<int64_t> fewest =
        fewest_output_tokens(answer.status, answer.body, result_.max_tokens_field);
    if (!fewest || *fewest <= tokens || *fewest > kMostProbeTokens) return false;
    fewest_tokens_ = *fewest;
    return true;
  }

  bool drop_named_field(const HttpAnswer& answer) {
    const std::optional<std::string> renamed =
        renamed_max_tokens_field(answer.status, answer.body, result_.max_tokens_field);
    if (renamed && *renamed != result_.max_tokens_field && !renamed_once_) {
      rename_limit(*renamed);
      return true;
    }
    const std::optional<RequestField> refused = refused_field(answer.status, answer.body);
    if (!refused || !holds(*refused)) return false;
    drop(*refused, "the endpoint refuses the request field {}; it is not sent");
    return true;
  }

  // A refusal that names no field: which one it is shows when the probe is sent without it.
  bool drop_by_trying(const Probe& probe, int64_t tokens, const HttpAnswer& answer) {
    if (tried_ || !may_be_a_refusal(answer)) return false;
    tried_ = true;
    const auto answers = [&](const std::vector<RequestField>& fields, const std::string& limit) {
      return try_fields(probe, tokens, fields, limit).ok();
    };
    const std::string limit = result_.max_tokens_field;
    for (const RequestField field : result_.fields) {
      if (!answers(without(field), limit)) continue;
      // Once more as it was: a failure that passes by itself is no refusal.
      if (answers(result_.fields, limit)) return true;
      drop(field, "the endpoint answers only without the request field {}; it is not sent");
      return true;
    }
    const std::string other = limit == "max_tokens" ? "max_completion_tokens" : "max_tokens";
    if (!renamed_once_ && answers(result_.fields, other)) {
      rename_limit(other);
      return true;
    }
    if (result_.fields.size() < 2 || !answers({}, limit)) return false;
    const std::vector<RequestField> all = result_.fields;
    for (const RequestField field : all) {
      drop(field, "the endpoint answers only without the request field {}; it is not sent");
    }
    return true;
  }

  // Whether another body could be answered otherwise.
  static bool may_be_a_refusal(const HttpAnswer& answer) {
    constexpr std::array kOfOtherThings = {401, 402, 403, 404, 405, 407, 408, 429, 503, 504};
    if (answer.timed_out || !answer.connected) return false;
    return std::find(kOfOtherThings.begin(), kOfOtherThings.end(), answer.status) ==
           kOfOtherThings.end();
  }

  bool holds(RequestField field) const {
    return std::find(result_.fields.begin(), result_.fields.end(), field) != result_.fields.end();
  }

  std::vector<RequestField> without(RequestField field) const {
    std::vector<RequestField> fields = result_.fields;
    std::erase(fields, field);
    return fields;
  }

  void drop(RequestField field, fmt::format_string<std::string_view> sentence) {
    std::erase(result_.fields, field);
    result_.provenance.dropped_fields.emplace_back(name_of(field));
    note(fmt::format(sentence, std::string_view(name_of(field))));
  }

  void rename_limit(const std::string& name) {
    renamed_once_ = true;
    note(fmt::format("the endpoint wants {} instead of {}; it gets that", name,
                     result_.max_tokens_field));
    result_.provenance.dropped_fields.push_back(result_.max_tokens_field);
    result_.max_tokens_field = name;
  }

  // Of an API whose servers leave a field unread that they do not know: none is refused.
  void note_length_control() {
    if (!traits_of(spec_.endpoint.api).may_ignore_fields) return;
    std::vector<std::string> sent;
    for (const RequestField field : {RequestField::kIgnoreEos, RequestField::kMinTokens}) {
      if (holds(field)) sent.emplace_back(name_of(field));
    }
    if (sent.empty()) return;
    note(fmt::format(
        "no field of the {} API fixes how long an answer is: {} {} sent besides, and a server may "
        "leave that unread",
        name_of(spec_.endpoint.api), join(sent, " and "), sent.size() == 1 ? "is" : "are"));
  }

  void note_silence(const std::string& finish_reason) {
    if (std::exchange(silence_noted_, true)) return;
    note(
        fmt::format("finish_reason {} comes, and then neither [DONE] nor the end of the response: "
                    "an answer counts as complete, and its slot waits {} for them",
                    finish_reason, format_duration(kSilenceIsTheEnd)));
  }

  void note(std::string line) { result_.provenance.notes.push_back(std::move(line)); }

  const SweepSpec& spec_;
  const Connection& connection_;
  const PreflightOptions options_;
  const Redactor secrets_;
  Prober prober_;
  std::string base_url_;  // the address that is being checked
  std::vector<Probe> probes_;
  std::vector<int64_t> usage_;    // of the probes, by the first address
  std::vector<ImageUrl> images_;  // that probes carry
  int64_t fewest_tokens_ = 1;     // that the server lets a request ask for
  bool listed_ = false;           // /models answered: the base URL is right
  std::string unlisted_;          // the models of a list without the spec's own; empty: it is there
  std::string others_;            // models that the list has beside the one that was chosen
  bool renamed_once_ = false;
  bool tried_ = false;
  bool silence_noted_ = false;
  Preflight result_;
};

}  // namespace

Preflight check_endpoint(const SweepSpec& spec, const Connection& connection,
                         PreflightOptions options) {
  if (options.contact == nullptr) options.contact = make_network_contact();
  return Checker(spec, connection, std::move(options)).run();
}

}  // namespace llmsweep
