#include "llmsweep/sweep/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/dataset/calibration.h"
#include "llmsweep/http/curl_client.h"
#include "llmsweep/model/names.h"
#include "llmsweep/protocol/answers.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/protocol/response.h"
#include "sweep/server_tokenizer.h"

namespace llmsweep {
namespace {

constexpr size_t kModelsKept = 64 << 10;
constexpr int64_t kTimedTokens = 17;

class Checker {
 public:
  Checker(const SweepSpec& spec, const Connection& connection)
      : spec_(spec), connection_(connection) {
    result_.fields = spec.endpoint.request_fields;
    result_.max_tokens_field = spec.endpoint.max_tokens_field;
  }

  Preflight run() {
    resolve();
    find_model();
    load_tokenizer();
    calibrate();
    return std::move(result_);
  }

 private:
  HttpExchange exchange_to(const std::string& path) const {
    return {.url = connection_.base_url + path,
            .headers = connection_.headers,
            .connect_timeout = spec_.endpoint.connect_timeout,
            .timeout = spec_.endpoint.request_timeout,
            .use_proxy = spec_.endpoint.use_proxy,
            .ca_file = spec_.endpoint.ca_file};
  }

  void resolve() {
    const ResolvedEndpoint endpoint =
        resolve_endpoint(connection_.base_url, spec_.endpoint.connect_timeout);
    if (!endpoint.error.empty() && !spec_.endpoint.use_proxy) unreachable(endpoint.error);
    result_.address = endpoint.address;
    result_.provenance.resolved_address = endpoint.address;
  }

  [[noreturn]] void unreachable(const std::string& why) const {
    throw MeasurementError({.what = "the endpoint cannot be reached: " + why,
                            .where = connection_.base_url,
                            .next = "is the server running, and is endpoint.url right?"});
  }

  void find_model() {
    HttpExchange exchange = exchange_to("/models");
    exchange.timeout = std::min<Duration>(exchange.timeout, std::chrono::seconds(30));
    const HttpAnswer answer = http_exchange(exchange);
    if (!answer.error.empty()) unreachable(answer.error);
    if (answer.status == 401 || answer.status == 403) refused_key(answer);
    std::vector<std::string> models;
    if (answer.ok()) {
      for (const ModelInfo& info : parse_models(answer.body)) models.push_back(info.id);
      result_.provenance.models_json = answer.body.substr(0, kModelsKept);
      result_.provenance.server_headers = answer.headers;
    }
    result_.model = spec_.endpoint.model;
    if (result_.model.empty() && models.empty()) {
      throw MeasurementError({.what = "the endpoint lists no model",
                              .where = connection_.base_url + "/models",
                              .next = "name it: endpoint.model"});
    }
    if (result_.model.empty()) result_.model = models.front();
    if (!models.empty() && std::find(models.begin(), models.end(), result_.model) == models.end()) {
      note(fmt::format("the endpoint does not list the model '{}'; it lists: {}",
                       printable(result_.model), printable(join(models, ", "))));
    }
  }

  void load_tokenizer() {
    const std::string& name = spec_.workload.tokenizer;
    if (name.empty()) return;
    result_.tokenizer = name == "server" ? make_server_tokenizer(exchange_to(""), result_.model)
                                         : llmsweep::load_tokenizer(name);
    for (const std::string& line : result_.tokenizer->info().notes) note(line);
  }

  void calibrate() {
    const std::vector<Probe> probes = calibration_probes(result_.tokenizer.get());
    std::vector<int64_t> usage;
    for (const Probe& probe : probes) {
      const RequestRecord record = send(probe, 1);
      result_.first_token_time = *record.end - *record.sent;
      if (record.input_tokens) usage.push_back(*record.input_tokens);
    }
    const RequestRecord longer = send(probes.back(), kTimedTokens);
    result_.time_per_token =
        std::max(Duration(0), (*longer.end - *longer.sent) - result_.first_token_time) /
        (kTimedTokens - 1);
    if (usage.size() < probes.size()) {
      note("the endpoint reports no usage: prompt lengths cannot be verified");
    } else if (result_.tokenizer != nullptr) {
      result_.overhead_tokens = template_overhead(probes, usage);
    } else {
      result_.bytes_per_token = bytes_per_token(probes, usage);
    }
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
      const Instant sent = clock_.now();
      const HttpAnswer answer = http_exchange(exchange);
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
    ResponseReader reader(spec_.endpoint.api, record);
    const Instant now = clock_.now();
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
         .where = connection_.base_url,
         .next = variable.empty() ? "name the variable that holds the key: endpoint.api_key_env"
                                  : "is the key in $" + variable + " set and right?"});
  }

  void note(std::string line) { result_.provenance.notes.push_back(std::move(line)); }

  const SweepSpec& spec_;
  const Connection& connection_;
  SteadyClock clock_;
  ChunkParser parser_;
  bool renamed_once_ = false;
  Preflight result_;
};

}  // namespace

Preflight check_endpoint(const SweepSpec& spec, const Connection& connection) {
  return Checker(spec, connection).run();
}

}  // namespace llmsweep
