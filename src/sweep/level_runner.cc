#include "sweep/level_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/random.h"
#include "llmsweep/base/text.h"
#include "llmsweep/load/load_loop.h"
#include "llmsweep/load/watchdog.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/protocol/request.h"
#include "llmsweep/schedule/schedule.h"
#include "llmsweep/schedule/sessions.h"
#include "llmsweep/sweep/prediction.h"
#include "sweep/client_health.h"
#include "sweep/filler_supply.h"
#include "sweep/trace_shapes.h"

namespace llmsweep {
namespace {

// Numbers of spare prompts that a run may use for each planned one: fillers, or what a level sends
// that measures for a time, or that keeps its slots busy for other clients.
int64_t spares_per_prompt(const LoadSpec& load, const Part& part) {
  return load.duration || load.has_users() || !part.is_whole() ? 1 << 16 : 64;
}

// Of all requests of a run, which are made before it begins.
constexpr size_t kMostBodyBytes = size_t{4} << 30;

// With more failures the run's error rate is over its limit, whatever the rest does.
int64_t max_failed(const LoadSpec& load, int64_t measured) {
  if (!load.stop_over_error_rate) return std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(static_cast<double>(measured) * load.max_error_rate);
}

// Each repeat with one of its own: a phase that a run happens to have is not that of all.
Schedule schedule_of(const SweepSpec& spec, const RunId& run) {
  return make_schedule(spec.load, run.point, schedule_seed(spec.workload.seed, run.repeat));
}

// Fillers that may be wanted before more can be made; of users sessions.
int fillers_at_once(const SweepSpec& spec, LoadPoint point, const Part& part) {
  constexpr double kMakingSeconds = 0.5;
  constexpr double kTurnsAtOnce = 4;  // of each user
  if (point.kind == LoadKind::kUsers) {
    const double turns = std::max(1.0, mean_tokens(spec.workload.sessions.turns));
    return static_cast<int>(point.value * kTurnsAtOnce / turns) + 2;
  }
  if (point.is_closed())
    return static_cast<int>(part.share_of(static_cast<uint32_t>(point.slots())));
  return static_cast<int>(peak_rate(spec.load, point) / part.of * kMakingSeconds) + 1;
}

// Of `count` spare prompts for each of the clients, which take turns.
std::vector<bool> own_spares(int64_t count, const Part& part) {
  std::vector<bool> own(static_cast<size_t>(count) * part.of);
  for (size_t i = part.rank; i < own.size(); i += part.of) own[i] = true;
  return own;
}

std::vector<Prompt> only(const std::vector<bool>& own, std::vector<Prompt> prompts) {
  std::vector<Prompt> kept;
  for (size_t i = 0; i < prompts.size(); ++i) {
    if (own[i]) kept.push_back(std::move(prompts[i]));
  }
  return kept;
}

// Guards of one client, of all of them.
LoadSpec load_of(const LoadSpec& load, const Part& part) {
  LoadSpec own = load;
  own.max_in_flight = static_cast<int>(part.share_of(static_cast<uint32_t>(load.max_in_flight)));
  return own;
}

std::optional<uint64_t> trace_seed(const SweepSpec& spec) {
  if (!spec.endpoint.traceparent) return std::nullopt;
  return std::stoull(draw_id(), nullptr, 16);
}

}  // namespace

PromptPlan prompt_plan(const SweepSpec& spec, const Preflight& preflight,
                       const std::string& nonce) {
  PromptPlan plan{.workload = spec.workload,
                  .nonce = nonce,
                  .api = spec.endpoint.api,
                  .models = spec.endpoint.models,
                  .needs = {},
                  .overhead_tokens = preflight.overhead_tokens.value_or(0),
                  .bytes_per_token = preflight.bytes_per_token};
  for (int repeat = 0; repeat < spec.load.repeats; ++repeat) {
    for (const LoadPoint point : load_points(spec.load)) {
      const RunId run{point, repeat};
      if (point.kind == LoadKind::kTrace) {
        const auto rows = static_cast<int64_t>(schedule_of(spec, run).rows.size());
        plan.needs.push_back({run, Phase::kMeasured, rows});
        continue;
      }
      const PromptDemand demand = point.is_closed() ? prompt_demand(spec.load, point)
                                                    : prompt_demand(schedule_of(spec, run));
      plan.needs.push_back({run, Phase::kWarmup, demand.warmup});
      plan.needs.push_back({run, Phase::kMeasured, demand.measured});
      plan.needs.push_back({run, Phase::kFiller, demand.filler});
    }
  }
  return plan;
}

LevelRunner::LevelRunner(const SweepSpec& spec, const Preflight& preflight, LoadClients clients,
                         Redactor secrets, const PromptSource& prompts, RecordWriter& writer,
                         const Interrupts& interrupts, SweepObserver& observer,
                         TelemetryRecorder* telemetry, const std::optional<PartPlan>& plan)
    : spec_(spec),
      preflight_(preflight),
      prompts_(prompts),
      writer_(writer),
      interrupts_(interrupts),
      observer_(observer),
      telemetry_(telemetry),
      plan_(plan && !plan->part.is_whole() ? plan : std::nullopt),
      part_(plan ? plan->part : Part{}),
      secrets_(std::move(secrets)),
      clients_(std::move(clients)) {}

int64_t LevelRunner::prompts_of(const RunId& run) const {
  if (run.point.kind == LoadKind::kUsers) return prompt_demand(spec_.load, run.point).total();
  const Schedule schedule = schedule_of(spec_, run);
  if (!schedule.rows.empty()) return static_cast<int64_t>(schedule.rows.size());
  return prompt_demand(schedule).total();
}

LevelRunner::Made LevelRunner::make_replay(const RunId& run, int64_t first_prompt) {
  Schedule schedule = schedule_of(spec_, run);
  auto shapes =
      std::make_shared<TraceShapes>(*spec_.load.trace.replay, schedule.rows, first_prompt);
  const std::vector<PromptShape> planned = shapes->next(prompt_demand(schedule).total());
  PromptSet prompts = prompts_.build_shapes(first_prompt, planned);
  std::vector<bool> own = own_prompts(schedule, part_);
  return {.schedule = std::move(schedule),
          .prompts = std::move(prompts.prompts),
          .own = std::move(own),
          .first_sessions = {},
          .more = [this, shapes](int64_t count) {
            const int64_t first = shapes->next_prompt();
            const std::vector<bool> own_ones = own_spares(count, part_);
            const std::vector<PromptShape> more = shapes->next(own_ones.size());
            return requests_of(only(own_ones, prompts_.build_shapes(first, more, 1).prompts));
          }};
}

LevelRunner::Made LevelRunner::make_users(const RunId& run, int64_t first_prompt) {
  const uint64_t seed = schedule_seed(spec_.workload.seed, run.repeat);
  const auto users = static_cast<uint32_t>(run.point.slots());
  const std::vector<UserStart> starts = user_starts(
      spec_.workload, users,
      {.service = request_time_alone(spec_, preflight_), .warmup = spec_.load.warmup}, seed);
  std::vector<SessionPlan> plans;
  for (const UserStart& start : starts) plans.push_back(start.session);
  Made made{.schedule = make_users_schedule(spec_.load, starts),
            .prompts = {},
            .own = {},
            .first_sessions = sessions_of(plans, first_prompt, 0, 0)};
  for (uint32_t user = 0; user < users; ++user) {
    made.first_sessions[user]->first_turn = starts[user].first_turn;
    made.first_sessions[user]->second_at = starts[user].second_at;
  }
  // Not so many at once that the next call comes late.
  constexpr double kTurnsAtOnce = 512;
  const double turns = std::max(1.0, mean_tokens(spec_.workload.sessions.turns));
  const auto most = std::max<int64_t>(1, static_cast<int64_t>(kTurnsAtOnce / turns));
  made.more = [this, seed, most, users, id = users,
               next = kSparePrompts +
                      first_prompt * spares_per_prompt(spec_.load, part_)](int64_t count) mutable {
    const bool before_the_run = id == users;
    if (!before_the_run) count = std::min(count, most);
    const SessionDraw draw(spec_.workload, seed);
    std::vector<SessionPlan> drawn;
    for (int64_t i = 0; i < count; ++i) {
      drawn.push_back(draw.plan(kFirstNewSession + id + static_cast<uint64_t>(i)));
    }
    std::vector<SpareFillers::Request> requests;
    for (auto& session : sessions_of(drawn, next, id, before_the_run ? 0 : 1)) {
      requests.push_back(
          std::make_shared<const SpareRequest>(SpareRequest{.session = std::move(session)}));
    }
    next += count;
    id += static_cast<uint32_t>(count);
    return requests;
  };
  return made;
}

LevelRunner::Made LevelRunner::make_requests(const RunId& run, int64_t first_prompt) {
  Schedule schedule = schedule_of(spec_, run);
  std::vector<bool> own = own_prompts(schedule, part_);
  std::vector<Prompt> prompts = prompts_.build_some(first_prompt, own);
  return {
      .schedule = std::move(schedule),
      .prompts = std::move(prompts),
      .own = std::move(own),
      .first_sessions = {},
      .more = [this, next = kSparePrompts + first_prompt * spares_per_prompt(spec_.load, part_)](
                  int64_t count) mutable {
        const std::vector<bool> own_ones = own_spares(count, part_);
        std::vector<Prompt> more = prompts_.build_some(next, own_ones, 1);
        next += static_cast<int64_t>(own_ones.size());
        return requests_of(only(own_ones, std::move(more)));
      }};
}

// The server's own tokenizer would be asked for each answer, in the middle of the load.
std::shared_ptr<const Tokenizer> LevelRunner::tokenizer_of_answers() const {
  const bool local =
      preflight_.tokenizer != nullptr && preflight_.tokenizer->info().kind != "server";
  return local ? preflight_.tokenizer : nullptr;
}

// Not to the instant: the loops wait for it themselves, and are there by then.
void LevelRunner::wait_for(Instant begin, const RunId& run) const {
  constexpr Duration kLoopsStart = std::chrono::milliseconds(50);
  constexpr Duration kLongestSleep = std::chrono::milliseconds(50);
  if (const Instant now = clock_.now(); now > begin) {
    throw MeasurementError(
        {.what = fmt::format("{} was due {:.1f} s ago, and only now its prompts are made",
                             text_of(run), to_seconds(now - begin)),
         .where = text_of(part_),
         .next = "start the clients earlier than --start-at, or give runs more time (--every)"});
  }
  while (clock_.now() + kLoopsStart < begin) {
    stop_if_interrupted(&interrupts_, "the wait for the run's begin");
    std::this_thread::sleep_for(std::min<Duration>(begin - clock_.now(), kLongestSleep));
  }
}

LevelRun LevelRunner::run(const RunPosition& position, int64_t first_prompt, int number) {
  const LoadPoint point = position.run.point;
  const bool users = point.kind == LoadKind::kUsers;
  Made made = users                            ? make_users(position.run, first_prompt)
              : point.kind == LoadKind::kTrace ? make_replay(position.run, first_prompt)
                                               : make_requests(position.run, first_prompt);
  const PromptDemand demand =
      users ? prompt_demand(made.schedule) : prompt_demand(made.schedule, part_);
  const bool for_a_time = spec_.load.duration || users;

  SpareFillers spare;
  FillerSupply supply(spare, fillers_at_once(spec_, point, part_), std::move(made.more));
  if (users) supply.top_up(0);
  std::optional<OpenRun> open;
  if (made.schedule.window) open = OpenRun{.schedule_sha256 = schedule_sha256(made.schedule)};
  LoadPlan plan{.schedule = std::move(made.schedule),
                .prompts = made.prompts,
                .bodies = render(made.prompts, made.own),
                .first_sessions = std::move(made.first_sessions),
                .spare_fillers = &spare,
                .api = spec_.endpoint.api,
                .endpoints = static_cast<uint32_t>(preflight_.addresses.size()),
                .run = position.run,
                .part = part_,
                .load = load_of(spec_.load, part_),
                .request_timeout = spec_.endpoint.request_timeout,
                .max_response_bytes = spec_.client.max_response_bytes,
                .max_failed = max_failed(spec_.load, demand.measured),
                .chunks = chunk_sink(),
                .model = preflight_.model,
                .session_header = spec_.endpoint.session_header,
                .trace_seed = trace_seed(spec_),
                .tokenizer = tokenizer_of_answers(),
                .secrets = secrets_};
  LoadControl control;
  const bool of_a_window = users || plan.schedule.turns_wait;
  std::optional<Instant> load_until;
  if (plan_) {
    const Duration to_monotonic = -realtime_minus_monotonic();
    plan.start = Instant(plan_->begin(number) + to_monotonic);
    load_until = Instant(plan_->load_until(number) + to_monotonic);
    wait_for(*plan.start, position.run);
    control.hold_for_others = true;
  }
  bool overran = false;
  RunTracker tracker(position, demand.measured, plan.start.value_or(clock_.now()),
                     of_a_window ? spec_.load.measure : spec_.load.duration);
  const Ticker ticker{.tick = [&] {
    const int interrupts = interrupts_.load();
    if (interrupts > 1) {
      control.stop = Stop::kNow;
    } else if (interrupts == 1 || writer_.failed()) {
      control.stop = Stop::kFinish;
    }
    if (spec_.load.fillers || for_a_time) {
      // Of sessions whose turns wait some that are planned may never be sent.
      const bool of_slots = point.is_closed() && !users;
      const int64_t taken = control.fillers_taken.load() / (of_slots ? part_.of : 1);
      supply.top_up(plan.schedule.turns_wait ? 0 : int64_t{demand.filler} - taken);
    }
    const Instant now = clock_.now();
    if (load_until && now >= *load_until) {
      overran |= control.hold_for_others.exchange(false) && control.measured_left.load() > 0;
      if (overran) control.stop = Stop::kNow;
    }
    observer_.progress(tracker.progress(control, clients_.size(), now), now);
  }};
  const RecordSink sink = [&](const RequestRecord& record) {
    writer_.add(record);
    tracker.add(record);
  };

  std::optional<RunSampling> sampling;
  MetricsSampler* sampler = telemetry_ != nullptr ? telemetry_->sampler() : nullptr;
  if (sampler != nullptr) {
    sampling.emplace(*sampler, position.run, watch_of(control));
    tell_of_others(sampling->busy_before());
    control.hold_fillers = spec_.load.fillers;
    sampling->begin();
  }
  Watchdog watchdog(clock_);
  plan.pulse = &watchdog.pulse();
  LoadOutcome outcome = run_loops(plan, clients_, clock_, control, sink, ticker);
  if (sampling) sampling->finish();
  const std::vector<Stall> stalls = watchdog.stop();

  if (open) {
    open->start_ns = to_ns(outcome.started);
    open->overload = control.overload;
  }
  LevelRun run{.client = client_health(outcome, stalls),
               .records = std::move(outcome.records),
               .gave_up = control.gave_up,
               .over_budget = control.over_budget,
               .overran = overran,
               .open = open,
               .storage_error = writer_.flush()};
  if (telemetry_ != nullptr && run.storage_error.empty()) run.storage_error = telemetry_->flush();
  return run;
}

void LevelRunner::tell_of_others(double busy) {
  if (busy <= 0 || std::exchange(told_of_others_, true)) return;
  observer_.note(fmt::format(
      "the server is not idle: it has {} request{} before our first one, so somebody else is on it",
      format_number(busy), busy == 1 ? "" : "s"));
}

ChunkSink LevelRunner::chunk_sink() const {
  if (!spec_.client.record_chunks) return {};
  return [this](const RequestRecord& record, const ChunkTrace& trace) {
    writer_.add_chunks(record, trace);
  };
}

std::vector<SpareFillers::Request> LevelRunner::requests_of(
    const std::vector<Prompt>& prompts) const {
  const auto bodies = render(prompts);
  std::vector<SpareFillers::Request> requests;
  for (size_t i = 0; i < prompts.size(); ++i) {
    requests.push_back(std::make_shared<const SpareRequest>(
        SpareRequest{.prompt = prompts[i], .body = bodies[i]}));
  }
  return requests;
}

std::vector<std::shared_ptr<UserSession>> LevelRunner::sessions_of(
    const std::vector<SessionPlan>& plans, int64_t first_prompt, uint32_t first_id,
    int threads) const {
  std::vector<std::shared_ptr<UserSession>> sessions;
  std::vector<std::vector<Prompt>> prompts = prompts_.build_sessions(first_prompt, plans, threads);
  for (size_t i = 0; i < plans.size(); ++i) {
    auto session = std::make_shared<UserSession>();
    session->id = first_id + static_cast<uint32_t>(i);
    const auto bodies = render(prompts[i]);
    for (size_t turn = 0; turn < bodies.size(); ++turn) {
      session->turns.push_back({.planned_input_tokens = prompts[i][turn].planned_input_tokens,
                                .planned_output_tokens = prompts[i][turn].planned_output_tokens,
                                .think = plans[i].turns[turn].think,
                                .body = bodies[turn]});
    }
    session->prompt = std::move(prompts[i].back());
    sessions.push_back(std::move(session));
  }
  return sessions;
}

std::vector<std::shared_ptr<const std::string>> LevelRunner::render(
    const std::vector<Prompt>& prompts, const std::vector<bool>& wanted) const {
  EndpointSpec endpoint = spec_.endpoint;
  endpoint.max_tokens_field = preflight_.max_tokens_field;
  std::vector<std::shared_ptr<const std::string>> bodies;
  bodies.reserve(prompts.size());
  size_t bytes = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    if (!wanted.empty() && !wanted[i]) {
      bodies.emplace_back();
      continue;
    }
    const Prompt& prompt = prompts[i];
    const std::string& model = prompt.model.empty() ? preflight_.model : prompt.model;
    bodies.push_back(std::make_shared<const std::string>(
        render_request(endpoint, model, preflight_.fields, prompt)));
    bytes += bodies.back()->size();
    if (bytes > kMostBodyBytes && spec_.workload.images.wanted()) {
      throw Error({.what = fmt::format("the first {} of {} requests of a run are {} GiB with their "
                                       "images",
                                       bodies.size(), prompts.size(), bytes >> 30),
                   .where = "workload.images",
                   .next = "give smaller images, or fewer a request, or a run fewer requests"});
    }
  }
  return bodies;
}

}  // namespace llmsweep
