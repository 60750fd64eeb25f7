// One request of the check before a run. It waits where the server is loading or limits requests,
// and [DONE] ends it, as it ends a request of a run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llmsweep/http/make_client.h"
#include "llmsweep/model/prompt.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/protocol/response.h"
#include "llmsweep/sweep/endpoint.h"
#include "llmsweep/sweep/preflight.h"

namespace llmsweep {

struct Probed {
  std::string url;
  HttpAnswer answer;
  // kOk: answered. A run needs text for its latencies; here a count of tokens is enough. Else
  // `error` says why, with the server's own sentence or the key and the value of a time-out.
  RequestRecord record;
  bool ended_in_silence = false;  // the finish reason came, neither [DONE] nor the response's end

  bool ok() const { return record.outcome == Outcome::kOk; }
  bool refused_access() const { return answer.status == 401 || answer.status == 403; }
  // A proxy answers in the place of a server that is not there, or not yet.
  bool nobody_behind_proxy() const { return answer.status == 502 || answer.status == 504; }
  bool redirected() const {
    return answer.status == 301 || answer.status == 302 || answer.status == 303 ||
           answer.status == 307 || answer.status == 308;
  }
};

// The tokens of an answer, by the server's count; without one a stop at the limit means as many as
// were requested.
int64_t tokens_in(const RequestRecord& record, int64_t requested);

// Where the answer to a probe is given up.
enum class AnswerUntil { kEnd, kFirstToken };

// A request as a run sends it. Must outlive the call.
struct ProbeRequest {
  const std::string& base_url;
  const EndpointSpec& endpoint;
  const std::string& model;
  const std::vector<RequestField>& fields;
  const Prompt& prompt;
};

class Prober {
 public:
  // All of them outlive it; `options.contact` is not null.
  Prober(const SweepSpec& spec, const Connection& connection, const PreflightOptions& options,
         const Redactor& secrets);

  // Throws MeasurementError where the name does not resolve or nobody listens, after the wait.
  ResolvedEndpoint resolve(const std::string& base_url);
  // GET, within `longest` at most; kOk for any 2xx.
  Probed get(const std::string& url, Duration longest);
  // The same, without a wait for what is not there; `http2`: speaks that.
  Probed try_get(const std::string& url, Duration longest, bool http2 = false);
  Probed post(const ProbeRequest& request, AnswerUntil until = AnswerUntil::kEnd);
  // To be completed with a path and a body.
  HttpExchange exchange_to(const std::string& url) const;

 private:
  struct Asked {
    Api api;
    int64_t inputs;
    AnswerUntil until;
  };
  static constexpr Asked kPage = {Api::kChat, 0, AnswerUntil::kEnd};
  Probed patiently(HttpExchange exchange, const Asked& asked);
  Probed once(HttpExchange exchange, const Asked& asked);
  bool waited_for(const Probed& probed);
  bool wait(Duration wanted, Duration longest, const std::string& why);

  const SweepSpec& spec_;
  const Connection& connection_;
  const PreflightOptions& options_;
  const Redactor& secrets_;
  ChunkParser parser_;
  Duration waited_{};
  int waits_ = 0;
};

}  // namespace llmsweep
