#include "sweep/prober.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/protocol/response.h"

namespace llmsweep {
namespace {

std::string header_block_of(const HttpAnswer& answer) {
  std::string block = fmt::format("HTTP/1.1 {}\r\n", answer.status);
  for (const auto& [name, value] : answer.headers) block += fmt::format("{}: {}\r\n", name, value);
  return block;
}

// 425 and 529: too early, and overloaded, in the words of some gateways.
bool is_busy(const HttpAnswer& answer) {
  return answer.status == 503 || answer.status == 429 || answer.status == 425 ||
         answer.status == 529;
}

// Reads an answer as a run reads it, while it comes.
class ProbeReader {
 public:
  ProbeReader(Api api, int64_t inputs, AnswerUntil until, const Clock& clock, ChunkParser& parser,
              const Redactor& secrets)
      : clock_(clock),
        parser_(parser),
        until_(until),
        record_{.sent = clock.now(), .inputs = inputs},
        reader_(api, record_, secrets) {
    reader_.set_realtime_offset(realtime_minus_monotonic());
  }

  // Whether it is whole, or nothing more will come.
  bool enough(const HttpAnswer& so_far) {
    const size_t before = read_;
    feed(so_far);
    const Instant now = clock_.now();
    if (read_ > before || !last_) last_ = now;
    silent_ = lacks_only_its_end() && now - *last_ >= kSilenceIsTheEnd;
    return reader_.finished() || silent_ || is_begun();
  }

  // Its finish reason came, and nothing that says that the response is over.
  bool ended_in_silence() const { return silent_; }

  RequestRecord take(const HttpAnswer& answer) {
    if (answer.error.empty() || answer.status != 0) feed(answer);
    const Instant now = clock_.now();
    const bool begun = is_begun();
    silent_ |= answer.timed_out && lacks_only_its_end();
    if (!answer.error.empty() && !lacks_only_its_end()) {
      reader_.fail(answer.timed_out ? Outcome::kTimeout : Outcome::kTransportError, answer.error,
                   now);
    }
    reader_.end(now, parser_);
    if (begun) record_.outcome = Outcome::kOk;
    // Nothing at all is no answer: a run would count each as failed.
    const bool any = record_.output_tokens > 0 || record_.finish_reason == "length";
    if (reader_.ended_without_text() && any) record_.outcome = Outcome::kOk;
    if (record_.outcome == Outcome::kOk) record_.error.clear();
    return std::move(record_);
  }

 private:
  // So much of the answer is all that is wanted, and it has come.
  bool is_begun() const {
    return until_ == AnswerUntil::kFirstToken && !reader_.finished() && record_.first_token;
  }

  // A probe's answer may be without text.
  bool lacks_only_its_end() const {
    const bool without_text = record_.chunks == 0 && !record_.finish_reason.empty();
    return !reader_.finished() && (reader_.answered() || without_text);
  }

  void feed(const HttpAnswer& so_far) {
    const Instant now = clock_.now();
    if (std::exchange(begun_, true) == false) {
      reader_.headers(so_far.status, header_block_of(so_far), now);
    }
    const std::string_view body = so_far.body;
    reader_.bytes(body.substr(std::min(read_, body.size())), now, parser_);
    read_ = body.size();
  }

  const Clock& clock_;
  ChunkParser& parser_;
  AnswerUntil until_;
  RequestRecord record_;
  ResponseReader reader_;
  bool begun_ = false;
  bool silent_ = false;
  size_t read_ = 0;  // bytes of the body
  std::optional<Instant> last_;
};

}  // namespace

int64_t tokens_in(const RequestRecord& record, int64_t requested) {
  const bool unknown = record.token_source != TokenSource::kUsage;
  if (unknown && record.finish_reason == "length") return requested;
  return std::max<int64_t>(1, record.output_tokens);
}

Prober::Prober(const SweepSpec& spec, const Connection& connection, const PreflightOptions& options,
               const Redactor& secrets)
    : spec_(spec), connection_(connection), options_(options), secrets_(secrets) {}

HttpExchange Prober::exchange_to(const std::string& url) const {
  return {.url = url,
          .headers = connection_.headers,
          .connect_timeout = spec_.endpoint.connect_timeout,
          .timeout = spec_.endpoint.request_timeout,
          .use_proxy = spec_.endpoint.use_proxy,
          .ca_file = spec_.endpoint.ca_file,
          .secrets = secrets_,
          .interrupts = options_.interrupts};
}

ResolvedEndpoint Prober::resolve(const std::string& base_url) {
  while (true) {
    ResolvedEndpoint endpoint = options_.contact->resolve(base_url, spec_.endpoint.connect_timeout);
    if (endpoint.error.empty() || spec_.endpoint.use_proxy) return endpoint;
    if (!wait({}, options_.patience.absent, endpoint.error)) return endpoint;
  }
}

Probed Prober::get(const std::string& url, Duration longest) {
  HttpExchange exchange = exchange_to(url);
  exchange.timeout = std::min(exchange.timeout, longest);
  return patiently(std::move(exchange), kPage);
}

Probed Prober::try_get(const std::string& url, Duration longest, bool http2) {
  HttpExchange exchange = exchange_to(url);
  exchange.timeout = std::min(exchange.timeout, longest);
  exchange.http2 = http2;
  return once(std::move(exchange), kPage);
}

Probed Prober::post(const ProbeRequest& request, AnswerUntil until) {
  const Api api = request.endpoint.api;
  HttpExchange exchange = exchange_to(url_below(request.base_url, path_of(api)));
  exchange.headers.emplace_back("Content-Type", "application/json");
  exchange.body = render_request(request.endpoint, request.model, request.fields, request.prompt);
  return patiently(std::move(exchange),
                   {.api = api, .inputs = request.prompt.inputs, .until = until});
}

Probed Prober::patiently(HttpExchange exchange, const Asked& asked) {
  while (true) {
    Probed probed = once(exchange, asked);
    if (!waited_for(probed)) return probed;
  }
}

Probed Prober::once(HttpExchange exchange, const Asked& asked) {
  Contact& contact = *options_.contact;
  ProbeReader reader(asked.api, asked.inputs, asked.until, contact, parser_, secrets_);
  const bool streamed = !exchange.body.empty();
  if (streamed) exchange.enough = [&](const HttpAnswer& so_far) { return reader.enough(so_far); };
  Probed probed{.url = exchange.url, .answer = contact.exchange(exchange), .record = {}};
  if (probed.answer.timed_out && probed.answer.connected) {
    const bool own = exchange.timeout == spec_.endpoint.request_timeout;
    if (own) probed.answer.error += " (endpoint.request_timeout)";
  }
  probed.record = reader.take(probed.answer);
  probed.ended_in_silence = streamed && reader.ended_in_silence();
  if (!streamed && probed.answer.ok()) {
    probed.record.outcome = Outcome::kOk;
    probed.record.error.clear();
  }
  return probed;
}

// Whether it has waited, so that the request is to be sent again.
bool Prober::waited_for(const Probed& probed) {
  if (probed.answer.refused) return wait({}, options_.patience.absent, probed.answer.error);
  if (probed.nobody_behind_proxy()) {
    return wait({}, options_.patience.absent, fmt::format("HTTP {}", probed.answer.status));
  }
  if (!is_busy(probed.answer)) return false;
  const std::chrono::milliseconds asked(probed.record.retry_after_ms.value_or(0));
  return wait(std::min<std::chrono::milliseconds>(asked, std::chrono::hours(24)),
              options_.patience.busy, probed.record.error);
}

bool Prober::wait(Duration wanted, Duration longest, const std::string& why) {
  if (wanted.count() == 0) wanted = std::chrono::seconds(std::min(5, 1 + waits_));
  const Duration left = longest - waited_;
  // What asks for more is not there in time either.
  if (left.count() <= 0 || wanted > std::max<Duration>(left, std::chrono::seconds(5))) return false;
  wanted = std::min(wanted, left);
  if (waits_++ == 0 && options_.tell) {
    options_.tell(
        fmt::format("{}; waiting up to {} for it (--wait)", why, format_duration(longest)));
  }
  options_.contact->wait(wanted, options_.interrupts);
  waited_ += wanted;
  return true;
}

}  // namespace llmsweep
