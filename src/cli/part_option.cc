#include "cli/part_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <limits>
#include <utility>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr const char* kHowToSay = "say it as rank/clients from 0, as in 0/3, or auto";

std::optional<uint32_t> number_in(const GetEnv& get_env, const char* name) {
  const char* text = get_env(name);
  const std::optional<int64_t> number = text != nullptr ? parse_int(text) : std::nullopt;
  if (!number || *number < 0 || *number > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

// Of a step of Slurm's that has several: which one this is.
std::optional<Part> slurm_task(const GetEnv& get_env) {
  std::optional<uint32_t> tasks = number_in(get_env, "SLURM_STEP_NUM_TASKS");
  if (!tasks) tasks = number_in(get_env, "SLURM_NTASKS");
  const std::optional<uint32_t> rank = number_in(get_env, "SLURM_PROCID");
  if (!tasks || *tasks < 2 || !rank || *rank >= *tasks) return std::nullopt;
  return Part{.rank = *rank, .of = *tasks};
}

std::optional<Part> slurm_array(const GetEnv& get_env) {
  const auto id = number_in(get_env, "SLURM_ARRAY_TASK_ID");
  const auto least = number_in(get_env, "SLURM_ARRAY_TASK_MIN");
  const auto count = number_in(get_env, "SLURM_ARRAY_TASK_COUNT");
  if (!id || !least || !count || *id < *least || *id - *least >= *count) return std::nullopt;
  return Part{.rank = *id - *least, .of = *count};
}

[[noreturn]] void refuse_part_option(std::string what, std::string next) {
  throw Error({.what = std::move(what), .where = "--part", .next = std::move(next)});
}

// `of` 0: not stated.
Part part_by_environment(uint32_t of, const GetEnv& get_env) {
  std::optional<Part> found = slurm_task(get_env);
  if (!found) found = slurm_array(get_env);
  if (!found) {
    const std::optional<uint32_t> index = number_in(get_env, "JOB_COMPLETION_INDEX");
    if (index && of == 0) {
      refuse_part_option(
          "Kubernetes says which client this is (JOB_COMPLETION_INDEX), but not of "
          "how many",
          "give the Job's completions: --part auto/8");
    }
    if (index) found = Part{.rank = *index, .of = of};
  }
  if (!found) {
    refuse_part_option("neither Slurm nor Kubernetes says which client this is",
                       "start it by srun, in a job array or an Indexed Job, or give --part 0/3");
  }
  if (of != 0 && found->of != of) {
    refuse_part_option(fmt::format("{} clients are stated, Slurm started {}", of, found->of),
                       "start as many as are stated");
  }
  return *found;
}

std::optional<uint32_t> count_in(std::string_view text) {
  const std::optional<int64_t> number = parse_int(text);
  if (!number || *number < 0 || *number > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

Part parse_part(const std::string& text, const GetEnv& get_env) {
  if (text == "auto") return part_by_environment(0, get_env);
  const size_t slash = text.find('/');
  const std::optional<uint32_t> of = slash == std::string::npos
                                         ? std::nullopt
                                         : count_in(std::string_view(text).substr(slash + 1));
  if (!of || *of == 0) {
    refuse_part_option("'" + printable(text, 60) + "' is no part", kHowToSay);
  }
  Part part;
  if (text.starts_with("auto/")) {
    part = part_by_environment(*of, get_env);
  } else {
    const std::optional<uint32_t> rank = count_in(std::string_view(text).substr(0, slash));
    if (!rank) refuse_part_option("'" + printable(text, 60) + "' is no part", kHowToSay);
    part = {.rank = *rank, .of = *of};
  }
  if (part.rank >= part.of) {
    refuse_part_option(
        fmt::format("there is no client {} of {}: they count from 0", part.rank, part.of),
        kHowToSay);
  }
  return part;
}

// What Slurm started several times is one of several.
void refuse_singleton(const std::optional<Part>& part, const GetEnv& get_env) {
  const std::optional<Part> task = slurm_task(get_env);
  if (!task || (part && *part == *task)) return;
  if (!part) {
    refuse_part_option(
        fmt::format("Slurm started {} tasks of this step, each of which would send the whole load",
                    task->of),
        "give --part auto to share it, or start one: srun --ntasks=1 llmsweep run …");
  }
  refuse_part_option(fmt::format("this is task {} of {} by Slurm (SLURM_PROCID), and part {}/{} is "
                                 "stated",
                                 task->rank, task->of, part->rank, part->of),
                     "give --part auto");
}

Duration utc_now() {
  return Duration(read_clocks().realtime_ns);
}

Duration start_of(const std::string& text) {
  // Nanoseconds since 1970 end in 2262.
  const bool told = text.ends_with('Z') && text.substr(0, 4) < "2200";
  const std::optional<Duration> start = told ? parse_utc_timestamp(text) : std::nullopt;
  if (!start) {
    throw Error({.what = text.empty() ? "it is not said when the clients begin"
                                      : "'" + printable(text, 60) + "' is not a time in UTC",
                 .where = "--start-at",
                 .next = "give all of them the same, some minutes ahead: $(date -u -d '+3 min' "
                         "+%FT%TZ)"});
  }
  if (*start <= utc_now()) {
    throw Error({.what = printable(text, 60) + " is over; now it is " + utc_timestamp(),
                 .where = "--start-at",
                 .next = "give all clients a later one"});
  }
  return *start;
}

Duration every_of(const std::string& text) {
  const std::optional<Duration> every = parse_duration(text);
  if (every && *every >= std::chrono::seconds(1)) return *every;
  throw Error({.what = text.empty()
                           ? "it is not said how long a run may take"
                           : "'" + printable(text, 60) + "' is not a duration of 1s or more",
               .where = "--every",
               .next = "give the longest run's time and some more, as in 2m: what is left of it, "
                       "slots are kept busy for the other clients"});
}

}  // namespace

void add_part(CLI::App& command, PartOptions& options) {
  CLI::Option* part =
      command
          .add_option("--part", options.part,
                      "Send one client's part of the load, 0/3 of three; auto: as Slurm\n"
                      "says, auto/3: as a Kubernetes Indexed Job says (docs/scale.md)")
          ->type_name("RANK/CLIENTS");
  command
      .add_option("--start-at", options.start_at,
                  "When all clients begin the first run, UTC: 2026-12-01T12:00:00Z")
      ->type_name("TIME")
      ->needs(part);
  command
      .add_option("--every", options.every,
                  "Time between the begins of two runs of --part; the load goes on until\n"
                  "shortly before the next")
      ->type_name("DURATION")
      ->needs(part);
}

std::optional<PartPlan> part_plan(const PartOptions& options, const GetEnv& get_env) {
  std::optional<Part> part;
  if (!options.part.empty()) part = parse_part(options.part, get_env);
  refuse_singleton(part, get_env);
  if (!part) return std::nullopt;
  PartPlan plan{.part = *part};
  if (part->is_whole()) return plan;
  plan.start_at = start_of(options.start_at);
  plan.every = every_of(options.every);
  return plan;
}

}  // namespace llmsweep
