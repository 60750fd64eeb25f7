#include "llmsweep/sweep/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/dataset/calibration.h"
#include "llmsweep/model/names.h"
#include "llmsweep/protocol/answers.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/protocol/response.h"
#include "sweep/server_tokenizer.h"

namespace llmsweep {
namespace {

constexpr size_t kModelsKept = 64 << 10;
// One token may be half a character, a special token or the start of a thought: nothing to see.
constexpr int64_t kProbeTokens = 16;
constexpr int64_t kShorterTokens = 4;  // another length, for the time per token

// By the server's count; without one a stop at the limit means as many as were requested.
int64_t tokens_in(const RequestRecord& record, int64_t requested) {
  const bool unknown = record.token_source != TokenSource::kUsage;
  if (unknown && record.finish_reason == "length") return requested;
  return std::max<int64_t>(1, record.output_tokens);
}

class Checker {
 public:
  Checker(const SweepSpec& spec, const Connection& connection, PreflightOptions options)
      : spec_(spec),
        connection_(connection),
        contact_(options.contact != nullptr ? std::move(options.contact) : make_network_contact()),
        interrupts_(options.interrupts),
        secrets_(secrets_of(spec, connection)),
        base_url_(connection.urls.front()) {
    result_.fields = spec.endpoint.request_fields;
    result_.max_tokens_field = spec.endpoint.max_tokens_field;
  }

  Preflight run() {
    resolve();
    find_model();
    load_tokenizer();
    calibrate();
    for (size_t i = 1; i < connection_.urls.size(); ++i) check_another(connection_.urls[i]);
    return std::move(result_);
  }

 private:
  HttpExchange exchange_to(const std::string& path) const {
    return {.url = base_url_ + path,
            .headers = connection_.headers,
            .connect_timeout = spec_.endpoint.connect_timeout,
            .timeout = spec_.endpoint.request_timeout,
            .use_proxy = spec_.endpoint.use_proxy,
            .ca_file = spec_.endpoint.ca_file,
            .secrets = secrets_,
            .interrupts = interrupts_};
  }

  void resolve() {
    const ResolvedEndpoint endpoint = contact_->resolve(base_url_, spec_.endpoint.connect_timeout);
    if (!endpoint.error.empty() && !spec_.endpoint.use_proxy) unreachable(endpoint.error);
    result_.addresses.push_back(endpoint.address);
    Provenance& provenance = result_.provenance;
    if (result_.addresses.size() == 1) provenance.resolved_address = endpoint.address;
    if (connection_.urls.size() > 1) provenance.resolved_addresses.push_back(endpoint.address);
    const Transport chosen =
        chosen_transport(spec_.client.transport, base_url_, spec_.endpoint.use_proxy);
    // One client carries all URLs, over libcurl where one of them needs it.
    if (provenance.transport.empty() || chosen == Transport::kLibcurl) {
      provenance.transport = name_of(chosen);
    }
  }

  [[noreturn]] void unreachable(const std::string& why) const {
    throw MeasurementError({.what = "the endpoint cannot be reached: " + why,
                            .where = base_url_,
                            .next = "is the server running, and is endpoint.url right?"});
  }

  void find_model() {
    const HttpAnswer answer = list_models();
    const std::vector<std::string> models = models_of(answer);
    if (answer.ok()) {
      result_.provenance.models_json = shown_models(answer.body);
      result_.provenance.server_headers = answer.headers;
    }
    result_.model = spec_.endpoint.model;
    if (result_.model.empty() && models.empty()) {
      throw MeasurementError({.what = "the endpoint lists no model",
                              .where = base_url_ + "/models",
                              .next = "name it: endpoint.model"});
    }
    if (result_.model.empty()) result_.model = models.front();
    expect_model(models);
  }

  HttpAnswer list_models() const {
    HttpExchange exchange = exchange_to("/models");
    exchange.timeout = std::min<Duration>(exchange.timeout, std::chrono::seconds(30));
    HttpAnswer answer = contact_->exchange(exchange);
    if (!answer.error.empty()) unreachable(answer.error);
    if (answer.status == 401 || answer.status == 403) refused_key(answer);
    return answer;
  }

  // Cut last: what a key loses at the end would not be recognised.
  std::string shown_models(std::string body) const {
    secrets_.redact(body);
    return body.substr(0, kModelsKept);
  }

  std::vector<std::string> models_of(const HttpAnswer& answer) const {
    std::vector<std::string> models;
    if (!answer.ok()) return models;
    for (const ModelInfo& info : parse_models(answer.body, secrets_)) models.push_back(info.id);
    return models;
  }

  // Whether the endpoint lists it, as far as it lists any; a note where not.
  void expect_model(const std::vector<std::string>& models) {
    if (models.empty()) return;
    if (std::find(models.begin(), models.end(), result_.model) != models.end()) return;
    note(fmt::format("the endpoint does not list the model '{}'; it lists: {}",
                     printable(result_.model), printable(join(models, ", "))));
  }

  void load_tokenizer() {
    const std::string& name = spec_.workload.tokenizer;
    if (name.empty()) return;
    result_.tokenizer = name == "server"
                            ? make_server_tokenizer(contact_, exchange_to(""), result_.model)
                            : llmsweep::load_tokenizer(name);
    for (const std::string& line : result_.tokenizer->info().notes) note(line);
  }

  void calibrate() {
    probes_ = calibration_probes(result_.tokenizer.get());
    const std::vector<RequestRecord> answers = send_probes();
    usage_ = usage_of(answers);
    predict(answers.back(), send(probes_.back(), kShorterTokens));
    if (std::all_of(answers.begin(), answers.end(),
                    [](const RequestRecord& answer) { return answer.chunks == 0; })) {
      note(fmt::format(
          "the answers to the probes have no text in their {} tokens; a request that ends without "
          "text counts as failed",
          kProbeTokens));
    }
    if (usage_.size() < probes_.size()) {
      note("the endpoint reports no usage: prompt lengths cannot be verified");
    } else if (result_.tokenizer != nullptr) {
      result_.overhead_tokens = template_overhead(probes_, usage_);
    } else {
      result_.bytes_per_token = bytes_per_token(probes_, usage_);
    }
  }

  std::vector<RequestRecord> send_probes() {
    std::vector<RequestRecord> answers;
    for (const Probe& probe : probes_) answers.push_back(send(probe, kProbeTokens));
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

  // The line through two answers to one prompt. Whole exchanges, because the first tokens may be
  // invisible. Where both have as many tokens, all of the time is spread over them.
  void predict(const RequestRecord& longer, const RequestRecord& shorter) {
    const Duration long_time = *longer.end - *longer.sent;
    const Duration short_time = *shorter.end - *shorter.sent;
    const int64_t tokens = tokens_in(longer, kProbeTokens);
    const int64_t more = tokens - tokens_in(shorter, kShorterTokens);
    result_.time_per_token =
        more > 0 ? std::max(Duration(0), long_time - short_time) / more : long_time / tokens;
    result_.first_token_time =
        std::max(Duration(0), long_time - result_.time_per_token * (tokens - 1));
  }

  // Another address of the same system: it has to serve the same model and to count alike.
  void check_another(const std::string& url) {
    base_url_ = url;
    resolve();
    const std::vector<std::string> models = models_of(list_models());
    if (!models.empty() && std::find(models.begin(), models.end(), result_.model) == models.end()) {
      throw MeasurementError(
          {.what = fmt::format("the address does not serve the model '{}'; it lists: {}",
                               printable(result_.model), printable(join(models, ", "))),
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

  // One probe; drops, once each, the optional request fields that the server refuses by name.
  RequestRecord send(const Probe& probe, int64_t output_tokens) {
    while (true) {
      EndpointSpec endpoint = spec_.endpoint;
      endpoint.max_tokens_field = result_.max_tokens_field;
      HttpExchange exchange = exchange_to(path_of(endpoint.api));
      exchange.headers.emplace_back("Content-Type", "application/json");
      exchange.body = render_request(endpoint, result_.model, result_.fields,
                                     {.text = probe.text, .planned_output_tokens = output_tokens});
      const Instant sent = contact_->now();
      const HttpAnswer answer = contact_->exchange(exchange);
      if (answer.status == 401 || answer.status == 403) refused_key(answer);
      RequestRecord record = read(answer, sent);
      if (record.outcome == Outcome::kOk) return record;
      if (!drop_refused_field(answer)) {
        throw MeasurementError(
            {.what = "the endpoint does not answer a probe as a run needs it: " + record.error,
             .where = exchange.url,
             .next = "check endpoint.api, endpoint.model and the server's log"});
      }
    }
  }

  RequestRecord read(const HttpAnswer& answer, Instant sent) {
    RequestRecord record{.sent = sent};
    ResponseReader reader(spec_.endpoint.api, record, secrets_);
    const Instant now = contact_->now();
    if (!answer.error.empty()) {
      reader.fail(answer.timed_out ? Outcome::kTimeout : Outcome::kTransportError, answer.error,
                  now);
      return record;
    }
    std::string block = fmt::format("HTTP/1.1 {}\r\n", answer.status);
    for (const auto& [name, value] : answer.headers) {
      block += fmt::format("{}: {}\r\n", name, value);
    }
    reader.headers(answer.status, block, now);
    reader.bytes(answer.body, now, parser_);
    reader.end(now, parser_);
    // A run needs text for its latencies; a probe only needs an answer.
    const bool answered = record.output_tokens > 0 || record.finish_reason == "length";
    if (reader.ended_without_text() && answered) {
      record.outcome = Outcome::kOk;
      record.error.clear();
    }
    return record;
  }

  bool drop_refused_field(const HttpAnswer& answer) {
    const std::optional<std::string> renamed =
        renamed_max_tokens_field(answer.status, answer.body, result_.max_tokens_field);
    if (renamed && *renamed != result_.max_tokens_field && !renamed_once_) {
      renamed_once_ = true;
      note(fmt::format("the endpoint wants {} instead of {}; it gets that", *renamed,
                       result_.max_tokens_field));
      result_.provenance.dropped_fields.push_back(result_.max_tokens_field);
      result_.max_tokens_field = *renamed;
      return true;
    }
    const std::optional<RequestField> refused = refused_field(answer.status, answer.body);
    if (!refused || std::erase(result_.fields, *refused) == 0) return false;
    result_.provenance.dropped_fields.emplace_back(name_of(*refused));
    note(fmt::format("the endpoint refuses the request field {}; it is not sent",
                     name_of(*refused)));
    return true;
  }

  [[noreturn]] void refused_key(const HttpAnswer& answer) const {
    const std::string& variable = spec_.endpoint.api_key_env;
    throw MeasurementError(
        {.what = fmt::format("the endpoint refused access (HTTP {})", answer.status),
         .where = base_url_,
         .next = variable.empty() ? "name the variable that holds the key: endpoint.api_key_env"
                                  : "is the key in $" + variable + " set and right?"});
  }

  void note(std::string line) { result_.provenance.notes.push_back(std::move(line)); }

  const SweepSpec& spec_;
  const Connection& connection_;
  const std::shared_ptr<Contact> contact_;
  const Interrupts* interrupts_;
  const Redactor secrets_;
  std::string base_url_;  // the address that is being checked
  std::vector<Probe> probes_;
  std::vector<int64_t> usage_;  // of the probes, by the first address
  ChunkParser parser_;
  bool renamed_once_ = false;
  Preflight result_;
};

}  // namespace

Preflight check_endpoint(const SweepSpec& spec, const Connection& connection,
                         PreflightOptions options) {
  return Checker(spec, connection, std::move(options)).run();
}

}  // namespace llmsweep
