#include "results/full_result.h"

namespace llmsweep {
namespace {

using namespace std::chrono_literals;

Distribution distribution(double base) {
  return {.count = 3001,
          .mean = base + 0.1,
          .min = base / 3,
          .max = base * 7,
          .p50 = base,
          .p90 = base * 2,
          .p95 = base * 3,
          .p99 = base * 4,
          .p999 = base * 5,
          .p50_ci95 = Interval{base - 0.5, base + 0.5}};
}

ClientHealth client() {
  return {.threads = 2,
          .busy_fraction = 0.1,
          .cpu_seconds = 1.25,
          .iterations = 11,
          .iteration_p50_ms = 0.03,
          .iteration_p99_ms = 0.4,
          .iteration_max_ms = 2.5,
          .chunks = 12,
          .chunks_per_iteration = 1.5,
          .coalesced_fraction = 0.01,
          .tokens_per_chunk = 1.9,
          .send_lateness_p50_ms = 0.02,
          .send_lateness_p99_ms = 0.2,
          .slot_gap_p50_ms = 0.1,
          .slot_gap_p99_ms = 0.4,
          .slot_gap_mean_ms = 0.11,
          .reconnects = 1,
          .stalls = 2,
          .stall_max_ms = 7.5,
          .stalled_requests = 3,
          .receive_stamps = true,
          .receive_samples = 99,
          .receive_delay_p50_ms = 0.015,
          .receive_delay_mean_ms = 0.016,
          .receive_delay_p90_ms = 0.03,
          .receive_delay_p95_ms = 0.04,
          .receive_delay_p99_ms = 0.05,
          .receive_delay_max_ms = 1.1,
          .receive_sampling_seconds = 0.02,
          .gaps = 5000,
          .gaps_left_out = 4};
}

RunTelemetry telemetry() {
  RunTelemetry telemetry{.sources = {},
                         .window_s = 60.5,
                         .window_tokens = 5000.25,
                         .figures = {},
                         .foreign = ForeignTraffic{.our_tokens = 6000.5,
                                                   .server_tokens = 6200,
                                                   .tokens_uncertain = 16,
                                                   .our_requests = 83,
                                                   .server_requests = 85,
                                                   .tokens_share = 0.033,
                                                   .requests_share = 0.024,
                                                   .requests_of_others = 2,
                                                   .found = true},
                         .influence = ScrapeInfluence{.pages = 11,
                                                      .page_ms = 3.5,
                                                      .busy_fraction = 0.0007,
                                                      .gaps = 88,
                                                      .gap_ms = 8.4,
                                                      .expected_ms = 8.9,
                                                      .met_ms = 23.5,
                                                      .standard_error_ms = 1.5},
                         .busy_before = 2,
                         .answers = AnswerTimes{.requests = 80,
                                                .prefill_p50_ms = 150.5,
                                                .decode_p50_ms = 5500.5,
                                                .before_prefill_p50_ms = 49.5,
                                                .decode_differs_p50_ms = -0.5}};
  telemetry.sources = {{.url = "http://127.0.0.1:8000/metrics",
                        .role = MetricsRole::kDecode,
                        .engine = "vllm",
                        .pages = 4,
                        .failed = 1,
                        .error = "HTTP 503",
                        .bytes = 34000,
                        .filtered = true,
                        .page_p50_ms = 2.8,
                        .page_max_ms = 21.5,
                        .busy_fraction = 0.004,
                        .largest_gap_s = 5.01,
                        .refresh_s = 0.1}};
  telemetry.energy = {{.basis = EnergyBasis::kGpuPowerIntegral,
                       .gpus = 4,
                       .window_s = 60.25,
                       .joules = 120000.5,
                       .error_j = 50.5,
                       .mean_power_w = 2000.5,
                       .tokens = 5000.5,
                       .j_per_output_token = 24.5,
                       .missing = "window_short"}};
  telemetry.figures = {
      {.figure = ServerFigure::kOutputTokens,
       .run = 6300,
       .served = 6200,
       .window = 5100,
       .missing = "counter_reset"},
      {.figure = ServerFigure::kKvUsed, .missing = {}, .mean = 0.5, .max = 0.9, .samples = 12}};
  return telemetry;
}

RunStats run(int repeat) {
  RunStats run;
  run.repeat = repeat;
  run.clients = {{.rank = 1,
                  .lost = "it never began the run",
                  .records = 11,
                  .clock_shift_ms = -1200.5,
                  .clock_bound_ms = 1.25,
                  .e2e_p50_ms = 5800.5,
                  .ttft_p50_ms = 200.25,
                  .client = client()}};
  run.valid = false;
  run.invalid_reasons = {InvalidReason::kClientBusy, InvalidReason::kErrors};
  run.warnings = {Warning::kHostStall, Warning::kWithDrain};
  run.validity = {{"itl:p99", {InvalidReason::kClientDelay, InvalidReason::kGapsLeftOut}},
                  {"ttft:p50", {InvalidReason::kClientDelay}}};
  run.requests = {.completed = 80,
                  .failed = 3,
                  .by_outcome = {{Outcome::kOk, 80}, {Outcome::kTimeout, 3}},
                  .errors = {{.text = "no end", .count = 3}}};
  run.e2e = distribution(5801.1 + repeat);
  run.ttft = distribution(200.3);
  run.ttfo = distribution(210.7);
  run.tpot = distribution(3.5);
  run.itl = distribution(3.6);
  run.icl = distribution(7.1);
  run.vllm = VllmDefinitions{
      .e2e = distribution(5805.5), .ttft = distribution(190.5), .tpot = distribution(3.4)};
  run.output_throughput_tps = 270.25;
  run.steady_output_throughput_tps = 272.5;
  run.drain_bias = -0.01;
  run.throughput_per_gpu_tps = 68.125;
  run.total_throughput_tps = 700.5;
  run.cost_per_million_output_tokens = 9.25;
  run.cost_per_million_tokens = 3.25;
  run.gpu_j_per_output_token = 24.5;
  run.node_j_per_output_token = 30.5;
  run.provisioned_j_per_output_token = 31.5;
  run.request_throughput_rps = 0.17;
  run.inputs_per_s = 1.7;
  run.input_throughput_tps = 408;
  run.achieved_concurrency = 0.999;
  run.littles_law_error = 0.001;
  run.in_step = 0.25;
  run.output_speed_tps = 275.8;
  run.decode_speed_tps = 285.7;
  run.throughput_per_latency = 0.047;
  run.goodput_fraction = 0.95;
  run.goodput_rps = 0.16;
  run.offered_rps = 2.5;
  run.achieved_rps = 2.4;
  run.served_rps = 2.3;
  run.growth_rps = 0.1;
  run.open = OpenLoad{.state = LoadState::kUnsettled,
                      .overload = Overload::kDrain,
                      .schedule_sha256 = "98fe",
                      .window_from_ns = 31'000'000'001,
                      .window_to_ns = 61'000'000'002,
                      .scheduled = 75,
                      .sent = 72,
                      .waiting_at_end = 9,
                      .growth_limit = 20.25,
                      .transient_e2e = distribution(9000.5),
                      .transient_ttft = distribution(900.5)};
  run.sessions = SessionLoad{
      .think_mean_s = 19.5,
      .response_mean_s = 10.25,
      .turns_rps = 0.8,
      .users_by_law = 23.8,
      .law_noise = 0.012,
      .ended = 41,
      .broken = 2,
      .turns_not_sent = 9,
      .goodput_fraction = 0.75,
      .good = 31,
      .duration = distribution(90000.5),
      .waiting = distribution(40000.5),
      .ttft_sum = distribution(4000.5),
      .prefix = PrefixTokens{.input_tokens = 9000,
                             .ideal_tokens = 8000,
                             .reported_tokens = 7600,
                             .leaked_tokens = 3,
                             .first_turn_tokens = 64},
      .turns = {{.from = 3, .to = 4, .ttft = distribution(80.5), .e2e = distribution(9.5)}}};
  run.input_tokens_mean = 2400.5;
  run.output_tokens_mean = 1600.25;
  run.cached_tokens_mean = 3.5;
  run.input_tokens_off = 0.002;
  run.output_tokens_off = 0.003;
  run.token_count_estimated = true;
  run.wall_seconds = 61.5;
  run.client = client();
  run.telemetry = telemetry();
  return run;
}

LevelStats level(int concurrency) {
  LevelStats level;
  level.point = at_concurrency(concurrency);
  level.pooled = run(0);
  level.pooled.telemetry.reset();
  level.pooled.clients.clear();
  level.e2e_p50_between_runs_ci95 = Interval{5700, 5900};
  level.throughput_between_runs_ci95 = Interval{270, 275};
  level.runs = {run(0), run(1), run(2)};
  level.models = {{.model = "adapter",
                   .completed = 5,
                   .failed = 1,
                   .e2e = level.pooled.e2e,
                   .ttft = level.pooled.ttft,
                   .tpot = level.pooled.tpot,
                   .itl = level.pooled.itl,
                   .input_tokens_mean = 2400,
                   .output_tokens_mean = 1600}};
  return level;
}

OperatingPoint operating_point() {
  OperatingPoint point{.point = at_concurrency(8),
                       .cost_per_million_output_tokens = 9.25,
                       .cost_per_million_output_tokens_ci95 = Interval{9, 9.5},
                       .cost_per_million_tokens = 3.25,
                       .cost_at_utilisation = 15.5,
                       .cost_missing = "price_undated"};
  point.energy = {{.basis = EnergyBasis::kGpuPowerIntegral,
                   .j_per_output_token = 24.5,
                   .ci95 = Interval{24, 25},
                   .error = 0.005,
                   .tps_per_mw = 40816.5,
                   .cost_per_million_output_tokens = 1.75},
                  {.basis = EnergyBasis::kProvisioned,
                   .error_missing = "not_measured",
                   .missing = "not_stated"}};
  return point;
}

WorkloadSummary workload() {
  return {.dataset = "sharegpt.json",
          .input_tokens = TokenCount{.kind = TokenCount::Kind::kNormal, .mean = 9.5, .stddev = 2},
          .input_scope = InputScope::kContent,
          .output_tokens = {.kind = TokenCount::Kind::kWeighted, .weighted = {{5, 1}, {7, 0.5}}},
          .seed = 18446744073709551615U,
          .streaming = false,
          .prompt_set_sha256 = "ab12",
          .nonce = "ef56",
          .tokenizer_path = "tokenizer.json",
          .tokenizer_sha256 = "cd34",
          .tokenizer_vocabulary = 128000,
          .template_overhead_tokens = 4,
          .dataset_records_skipped = 6};
}

}  // namespace

SweepResult full_result() {
  SweepResult result;
  result.tool = "llmsweep 0.1.0";
  result.name = "full \"quoted\" \n \U0001F600";
  result.created_at = "2026-11-22T04:05:06Z";
  result.source = Source::kImported;
  result.simulated = true;
  result.interrupted = true;
  result.planned_runs = 9;
  result.preliminary = true;
  result.spec_json = "{\n  \"name\": \"x\",\n  \"n\": 1.5\n}";
  result.model = "deepseek";
  result.models = {{"deepseek", 3}, {"adapter", 0.5}};
  result.system = {.accelerator = "GB200",
                   .gpus = 4,
                   .nodes = 2,
                   .precision = "NVFP4",
                   .engine = "TensorRT LLM",
                   .engine_version = "1.2.0rc8",
                   .tensor_parallel = 4,
                   .mtp = true,
                   .max_batch_size = 64,
                   .checkpoint = "nvidia/DeepSeek-V3.2-NVFP4",
                   .weights_gb = 415,
                   .command = "vllm serve m --tensor-parallel-size 4",
                   .power = {.provisioned_kw_per_gpu = 2.1,
                             .provisioned_source = "a model",
                             .provisioned_date = "2026-05-20",
                             .node_kw = 5.5,
                             .node_error = 0.01,
                             .node_source = "an analyzer",
                             .node_date = "2026-11-28"}};
  result.prices = PriceSpec{.million_input_tokens = 0.25,
                            .million_output_tokens = 1.25,
                            .gpu_hour = 2.21,
                            .currency = "EUR",
                            .source = "a list",
                            .date = "2026-11-28",
                            .utilisation = 0.6,
                            .kwh = 0.21,
                            .pue = 1.3,
                            .kwh_source = "a bill",
                            .kwh_date = "2026-11-01"};
  result.workload = workload();
  result.search = SearchResult{.target = {.max = std::chrono::seconds(15)},
                               .low = 1,
                               .high = 512,
                               .width = 1.1,
                               .alpha = 0.05,
                               .end = SearchEnd::kConfirmed,
                               .pass = 37,
                               .fail = 41,
                               .runs_pass = 3,
                               .runs_fail = 4,
                               .path = {{at_concurrency(37), 1, true, 14'900, true}}};
  result.looks = GateLooks{.first = 3, .last = 4, .levels = {0.02, 0.04}, .endless = true};
  result.pairing = Pairing{.id = "8f3a",
                           .side = "b",
                           .order = {{at_concurrency(8), 0, false}, {at_concurrency(8), 1, true}}};
  result.part = PartOfRun{.rank = 2,
                          .of = 3,
                          .start_at = "2026-12-01T12:00:00.000000Z",
                          .every_s = 120,
                          .clock = {.monotonic_ns = 5,
                                    .realtime_ns = 1'700'000'000'000'000'005,
                                    .max_error_us = 1500,
                                    .estimated_error_us = 20}};
  result.clients = {{.rank = 0, .host = "host", .cores = 8, .kernel = "6.1", .boot_id = "0b1c"}};
  result.provenance = {.command = "llmsweep run a.yaml",
                       .host = "host",
                       .cores = 2,
                       .kernel = "6.1",
                       .boot_id = "0b1c",
                       .libcurl = "7.88.1",
                       .transport = "libcurl",
                       .server_version = "0.26.0",
                       .server_started = "2026-11-28T15:20:00Z",
                       .resolved_address = "127.0.0.1:8000",
                       .server_headers = {{"Server", "a"}, {"Server", "b"}},
                       .models_json = "{\"data\":[]}",
                       .dropped_fields = {"min_tokens"},
                       .notes = {"a note"}};
  result.levels = {level(1), level(8)};
  result.levels[1].pooled.e2e = {.p50_at_most = 15000};
  result.profile = {{.from_s = 0, .to_s = 60, .rate_from = 2, .rate_to = 8.5, .level = level(8)}};
  result.profile[0].level.point = of_profile(5.25);
  result.trace = {.file = "conversation_trace.jsonl",
                  .format = TraceFormat::kBailian,
                  .sha256 = std::string(64, 'c'),
                  .from_s = 600,
                  .span_s = 900.5,
                  .requests = 3000,
                  .sessions = 1200,
                  .rate_rps = 3.25,
                  .spread_s = 3,
                  .scaled_by = "copies",
                  .block_tokens = 16,
                  .ideal_cached_share = 0.374,
                  .session_mode = TraceSessions::kClosed,
                  .think_source = ThinkSource::kInstants,
                  .think_cap_s = 30};
  result.rates_at_target = {
      {.target = {.metric = Metric::kTtft, .statistic = Statistic::kP90, .max = from_ms(500)},
       .kind = UsersKind::kMeasured,
       .rate_rps = 2.5,
       .r_pass = 2.5,
       .r_fail = 4,
       .r_interpolated = 3.25,
       .r_interpolated_ci95 = Interval{3, 3.5},
       .rate_per_gpu_rps = 0.625}};
  result.users_at_target = {
      {.target = {.metric = Metric::kTtft, .statistic = Statistic::kP99, .max = 1500us},
       .kind = UsersKind::kBeyondSweep,
       .users = 8,
       .c_pass = 8,
       .c_fail = 16,
       .c_interpolated = 9.5,
       .c_interpolated_ci95 = Interval{9, 10},
       .users_per_gpu = 2,
       .operating_point = operating_point()},
      {.target = {.all = {{.metric = Metric::kTtft, .statistic = Statistic::kP95, .max = 2s},
                          {.metric = Metric::kTpot,
                           .statistic = Statistic::kP95,
                           .max = 25ms,
                           .min_tps = 40}},
                  .name = "gold"},
       .kind = UsersKind::kBelowSweep,
       .c_fail = 1}};
  result.quality = {{"MMLU Pro", 0.802}, {"AIME 2025", 0.934}};
  return result;
}

RequestRecord full_record() {
  RequestRecord record;
  record.run = {at_concurrency(8), 2};
  record.index = 4'000'000'000;
  record.slot = 7;
  record.url = 3;
  record.phase = Phase::kFiller;
  record.response_id = "chatcmpl-\"1\"\\\n\t\x01 \u00e9";
  record.scheduled = from_ns(1'000'000'001);
  record.sent = from_ns(1'000'000'002);
  record.first_byte = from_ns(1'000'000'003);
  record.first_token = from_ns(1'000'000'004);
  record.first_answer_token = from_ns(1'000'000'005);
  record.last_token = from_ns(9'000'000'000'000'000'006);
  record.first_choice = from_ns(1'000'000'004);
  record.first_token_delay = Duration(21'000);
  record.first_answer_token_delay = Duration(22'000);
  record.last_token_delay = Duration(23'000);
  record.gaps_left_out = 6;
  record.last_choice = from_ns(9'000'000'000'000'000'007);
  record.end = from_ns(9'000'000'000'000'000'007);
  record.planned_input_tokens = 2400;
  record.planned_output_tokens = 1600;
  record.input_tokens = 2404;
  record.cached_tokens = 16;
  record.output_tokens = 1599;
  record.token_source = TokenSource::kUsage;
  record.streamed_tokens = 1000;
  record.reasoning_tokens = 599;
  record.other_model = "another";
  record.session = 0;
  record.turn = 3;
  record.turns_planned = 8;
  record.think = Duration(20'000'000'001);
  record.model = "adapter";
  record.inputs = 3;
  record.trace_id = {0x4bf92f3577b34da6, 0xa3ce929d0e0e4736};
  record.repaired_chunks = 4;
  record.first_chunk_tokens = 2;
  record.chunks = 800;
  record.coalesced_chunks = 3;
  record.outcome = Outcome::kProtocolError;
  record.http_status = 200;
  record.error = "ended without [DONE]";
  record.retry_after_ms = 1500;
  record.finish_reason = "length";
  record.icl.add(7ms, 5);
  record.icl.add(12us);
  record.icl.add(std::chrono::hours(9));
  record.itl.add(3500us, 1'000'000'000'000);
  record.reconnected = true;
  record.server_prefill_us = 41'250;
  record.server_decode_us = 9'000'125;
  return record;
}

}  // namespace llmsweep
