#include "sweep/telemetry_recorder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "llmsweep/results/telemetry_file.h"

namespace llmsweep {
namespace {

constexpr Duration kLongestPage = std::chrono::seconds(2);
constexpr size_t kLargestPage = size_t{8} << 20;

std::string_view server_origin(std::string_view url) {
  const size_t host = url.find("//");
  if (host == std::string_view::npos) return url;
  return url.substr(0, url.find_first_of("/?#", host + 2));
}

}  // namespace

std::vector<MetricsPage> metrics_pages(const MetricsSpec& spec,
                                       const std::vector<std::string>& urls,
                                       const std::string& models_json) {
  if (!spec.automatic) return spec.pages;  // those alone
  const bool queue = models_json.find("tensorrt_llm") != std::string::npos;
  std::vector<MetricsPage> pages;
  for (const std::string& url : urls) {
    MetricsPage page{.url = url_beside_version(url, queue ? "/prometheus/metrics" : "/metrics")};
    if (std::find(pages.begin(), pages.end(), page) == pages.end()) pages.push_back(page);
  }
  pages.insert(pages.end(), spec.pages.begin(), spec.pages.end());
  return pages;
}

bool is_same_origin(std::string_view url, std::string_view other) {
  return server_origin(url) == server_origin(other);
}

TelemetryRecorder::TelemetryRecorder(const SweepSpec& spec, const Connection& connection,
                                     const Preflight& preflight, const Redactor& secrets,
                                     std::filesystem::path folder, const Interrupts& interrupts)
    : spec_(spec),
      connection_(connection),
      secrets_(secrets),
      folder_(std::move(folder)),
      sampler_(
          metrics_pages(spec.endpoint.metrics, connection.urls, preflight.provenance.models_json),
          [this](const std::string& url, MetricsRole) { return fetch(url); },
          [this](PageRead page) {
            secrets_.redact(page.samples);
            secrets_.redact(page.error);
            file_->add(page_to_jsonl(page));
          },
          {.every = spec.endpoint.metrics_every,
           .interrupted = [&interrupts] { return interrupts.load() > 0; }}) {
  const std::vector<MetricsPage>& pages = spec.endpoint.metrics.pages;
  const bool local = std::any_of(pages.begin(), pages.end(),
                                 [](const MetricsPage& page) { return page.url == kLocalGpus; });
  if (local) nvml_ = std::make_unique<Nvml>();
}

HttpAnswer TelemetryRecorder::fetch(const std::string& url) const {
  if (url == kLocalGpus) {
    if (!nvml_->error().empty()) return {.error = nvml_->error()};
    return {.status = 200, .body = nvml_->page()};
  }
  HttpExchange exchange{.url = url,
                        .connect_timeout = std::min(spec_.endpoint.connect_timeout, kLongestPage),
                        .timeout = kLongestPage,
                        .max_body_bytes = kLargestPage,
                        .use_proxy = spec_.endpoint.use_proxy,
                        .ca_file = spec_.endpoint.ca_file,
                        .secrets = secrets_};
  const bool ours =
      std::any_of(connection_.urls.begin(), connection_.urls.end(),
                  [&](const std::string& base_url) { return is_same_origin(url, base_url); });
  if (ours) exchange.headers = connection_.headers;
  return http_exchange(exchange);
}

std::vector<std::string> TelemetryRecorder::open() {
  std::vector<std::string> told = sampler_.open(!spec_.endpoint.metrics.automatic);
  if (!sampler_.empty()) {
    file_ = std::make_unique<QueuedFile>(folder_ / "telemetry.jsonl", "telemetry");
  }
  return told;
}

std::string TelemetryRecorder::flush() {
  return file_ == nullptr ? std::string() : file_->flush();
}

MetricsWatch watch_of(LoadControl& control) {
  return {
      .counts =
          [&control] {
            return ClientCounts{.chunks = control.chunks.load(),
                                .ended_chunks = control.ended_chunks.load(),
                                .ended_tokens = control.output_tokens.load(),
                                .ended = control.ended.load(),
                                .in_flight = control.in_flight.load(),
                                .page_gaps = control.page_gaps.gaps(),
                                .page_gap_ns = control.page_gaps.gap_ns()};
          },
      .page_begins = [&control](Instant at) { control.page_gaps.begin(at); },
      .page_ends = [&control](Instant at) { control.page_gaps.end(at); },
      .measuring = [&control] { return control.measured_sent.load(); },
      .measured =
          [&control] { return control.measured_sent.load() && control.measured_left.load() <= 0; },
      .edge_read = [&control] { control.hold_fillers.store(false); }};
}

}  // namespace llmsweep
