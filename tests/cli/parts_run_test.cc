// Several clients as processes of their own, against an endpoint that logs what came: together they
// send what one sends, and what `merge` makes of them says when they did not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "cli/endpoint_process.h"
#include "cli/process.h"
#include "llmsweep/base/clock.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/results/result_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kLevels = "concurrency: [2, 5], requests_per_slot: 3";

// Of a test's folder: an endpoint, a spec, and clients that share it.
class Clients {
 public:
  explicit Clients(const std::string& load = kLevels, std::string every = "3s")
      : folder_(test_folder()),
        every_(std::move(every)),
        endpoint_(folder_ / "endpoint", "engine: {step: {base_ms: 5, per_sequence_us: 50}}\n",
                  {"--hash-bodies"}) {
    write_file_atomically(folder_ / "spec.yaml",
                          "name: test\nsystem: {gpus: 1}\nendpoint: {url: \"" + endpoint_.url() +
                              "\"}\nworkload: {input_tokens: 40, output_tokens: 20, nonce: fixed}\n"
                              "load: {" +
                              load + ", repeats: 1}\n");
  }

  fs::path folder() const { return folder_; }
  fs::path spec() const { return folder_ / "spec.yaml"; }
  fs::path part(uint32_t rank, uint32_t of) const {
    return folder_ / (std::to_string(of) + "-" + std::to_string(rank)) / "test";
  }
  std::vector<std::string> parts(uint32_t of) const {
    std::vector<std::string> folders;
    for (uint32_t rank = 0; rank < of; ++rank) folders.push_back(part(rank, of));
    return folders;
  }

  // `while_they_run` may kill one. A host that is so busy that a client is late starts them again,
  // later.
  template <class Meanwhile>
  void run(uint32_t of, const Meanwhile& while_they_run) {
    for (int lead_s = 4; lead_s <= 32; lead_s *= 2) {
      std::vector<std::unique_ptr<Process>> clients;
      const std::string start =
          utc_timestamp(Duration(read_clocks().realtime_ns) + std::chrono::seconds(lead_s));
      for (uint32_t rank = 0; rank < of; ++rank) {
        const fs::path out = part(rank, of).parent_path();
        fs::remove_all(out);
        fs::create_directories(out);
        clients.push_back(std::make_unique<Process>(
            std::vector<std::string>{LLMSWEEP_BINARY, "run", spec(), "--part",
                                     std::to_string(rank) + "/" + std::to_string(of), "--start-at",
                                     start, "--every", every_, "--out", out},
            out));
      }
      while_they_run(clients);
      bool late = false;
      for (const auto& client : clients) {
        const ProcessResult ended = client->wait();
        late |= ended.err.find("was due") != std::string::npos ||
                ended.err.find("is over; now it is") != std::string::npos;
        said_ += ended.err;
      }
      if (!late) return;
    }
    GTEST_SKIP() << "busy: no client is ready in time";
  }
  void run(uint32_t of) {
    run(of, [](const auto&) {});
  }

  ProcessResult merge(const std::vector<std::string>& folders, const fs::path& out) const {
    std::vector<std::string> words = {"merge"};
    words.insert(words.end(), folders.begin(), folders.end());
    words.insert(words.end(), {"--out", out});
    return run_llmsweep(words);
  }

  const std::string& said() const { return said_; }
  std::vector<TruthRecord> truth() { return endpoint_.truth(); }
  fs::path log() const { return endpoint_.log(); }

 private:
  fs::path folder_;
  std::string every_;
  EndpointProcess endpoint_;
  std::string said_;
};

std::vector<RequestRecord> records_of(const fs::path& folder) {
  std::vector<RequestRecord> records;
  RecordReader reader(folder / "requests.jsonl");
  while (auto record = reader.next()) records.push_back(std::move(*record));
  return records;
}

// Level, slot, index in the schedule (and so which of the slot's requests), hash of the body.
using Sent = std::tuple<std::string, uint32_t, uint32_t, std::string>;

// What reached the endpoint, told by its log; of the planned requests, and each filler's body.
struct Reached {
  std::multiset<Sent> planned;
  std::map<std::pair<LoadPoint, uint32_t>, std::string> fillers;
};
Reached reached(const std::vector<fs::path>& folders, const std::vector<TruthRecord>& truth) {
  std::map<std::string, std::string> bodies;
  for (const TruthRecord& request : truth) {
    if (!request.response_id.empty()) bodies[request.response_id] = request.body_sha256;
  }
  Reached all;
  for (const fs::path& folder : folders) {
    for (const RequestRecord& record : records_of(folder)) {
      const auto body = bodies.find(record.response_id);
      if (body == bodies.end()) continue;  // a filler that was cancelled before it was answered
      const std::string level = text_of(record.run.point);
      if (record.phase == Phase::kFiller) {
        all.fillers[{record.run.point, record.index}] = body->second;
      } else {
        all.planned.emplace(level, record.slot, record.index, body->second);
      }
    }
  }
  return all;
}

json result_of_folder(const fs::path& folder) {
  return json::parse(read_file(folder / "result.json"));
}

TEST(PartsRun, OfOneTwoAndThreeClientsAreTheSameRequests) {
  Clients clients;
  ASSERT_EQ(run_llmsweep({"run", clients.spec(), "--out", clients.folder() / "1"}).exit_code, 0);
  std::vector<std::vector<fs::path>> folders = {{clients.folder() / "1" / "test"}};
  for (const uint32_t of : {2u, 3u}) {
    clients.run(of);
    if (::testing::Test::IsSkipped()) return;
    folders.emplace_back();
    for (const std::string& part : clients.parts(of)) folders.back().push_back(part);
  }
  const std::vector<TruthRecord> truth = clients.truth();
  const Reached one = reached(folders[0], truth);
  ASSERT_EQ(one.planned.size(), (2u + 5u) * 4u);
  for (size_t i = 1; i < folders.size(); ++i) {
    const Reached several = reached(folders[i], truth);
    EXPECT_EQ(several.planned, one.planned) << folders[i].size() << " clients: " << clients.said();
    std::set<std::string> bodies;
    for (const Sent& sent : several.planned) bodies.insert(std::get<3>(sent));
    for (const auto& [place, body] : several.fillers) {
      EXPECT_TRUE(bodies.insert(body).second) << "a prompt was sent twice";
    }
    for (const auto& [place, body] : one.fillers) {
      const int slots = place.first.slots();
      const int planned = 4 * slots + slots + 3 * slots / 2;  // what is made meanwhile is another's
      const auto there = several.fillers.find(place);
      if (there == several.fillers.end() || static_cast<int>(place.second) >= planned) continue;
      EXPECT_EQ(there->second, body) << place.second;
    }
  }

  // What merge makes of them.
  const std::vector<std::string> parts = clients.parts(3);
  const fs::path merged = clients.folder() / "merged";
  ASSERT_EQ(clients.merge(parts, merged).exit_code, 0);
  const fs::path other = clients.folder() / "shuffled";
  ASSERT_EQ(clients.merge({parts[2], parts[0], parts[1]}, other).exit_code, 0);
  for (const char* file :
       {"requests.jsonl", "sweep.jsonl", "result.json", "report.html", "figure.svg"}) {
    EXPECT_EQ(read_file(merged / file), read_file(other / file)) << file;
  }
  EXPECT_EQ(reached({merged}, truth).planned, one.planned);
  const ProcessResult verified = run_llmsweep(
      {"verify", merged, "--truth", clients.log(), "--tolerance", "30s", "--format", "json"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  const json result = result_of_folder(merged);
  EXPECT_TRUE(result["part"].is_null());
  ASSERT_EQ(result["clients"].size(), 3u);
  EXPECT_EQ(result["interrupted"], false);
  std::map<int, int64_t> records_in_level;
  for (const RequestRecord& record : records_of(merged))
    ++records_in_level[record.run.point.slots()];
  for (const json& level : result["levels"]) {
    for (const char* reason : {"one_part", "client_lost", "clock_unproved", "rate_off"}) {
      EXPECT_THAT(level["invalid_reasons"], Not(Contains(reason)));
    }
    const json& run = level["runs"][0];
    int64_t records = 0;
    for (const json& client : run["clients"]) {
      EXPECT_EQ(client["lost"], "");
      EXPECT_EQ(client["clock_bound_ms"], 0) << "one machine has one clock";
      records += client["records"].get<int64_t>();
    }
    EXPECT_EQ(records, records_in_level[level["concurrency"].get<int>()]);
    EXPECT_EQ(run["requests"]["completed"], level["concurrency"].get<int>() * 3);
  }
  EXPECT_THAT(result["provenance"]["notes"].dump(), HasSubstr("the busiest client was part "));

  // And what it refuses.
  const auto refused = [&](const std::vector<std::string>& given, const char* what) {
    const fs::path out = clients.folder() / "refused";
    const ProcessResult said = clients.merge(given, out);
    EXPECT_EQ(said.exit_code, 2) << what;
    EXPECT_THAT(said.err, HasSubstr(what));
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
    EXPECT_FALSE(fs::exists(out));
    EXPECT_FALSE(fs::exists(out.string() + ".unfinished"));
  };
  refused({parts[0], parts[2]}, "part 1/3 is missing");
  refused({parts[0], parts[1], parts[2], parts[1]}, "is part 1/3, as ");
  refused({parts[0], clients.part(1, 2)}, "is of 3 clients");
  refused({merged}, "was merged already");
  refused({clients.folder() / "1" / "test"}, "was measured by one client");
  refused({clients.folder() / "nothing"}, "holds no part of a sweep");
  const ProcessResult over = clients.merge(parts, merged);
  EXPECT_EQ(over.exit_code, 2);
  EXPECT_THAT(over.err, HasSubstr("exists already"));

  const fs::path altered = clients.folder() / "altered";
  const auto refused_altered = [&](const std::string& from, const std::string& to,
                                   const char* what) {
    fs::remove_all(altered);
    fs::copy(parts[1], altered);
    std::string journal = read_file(altered / "sweep.jsonl");
    ASSERT_NE(journal.find(from), std::string::npos) << from;
    for (size_t at = 0; (at = journal.find(from, at)) != std::string::npos; at += to.size()) {
      journal.replace(at, from.size(), to);
    }
    write_file_atomically(altered / "sweep.jsonl", journal);
    refused({parts[0], altered, parts[2]}, what);
  };
  refused_altered(R"("nonce":"fixed","tokenizer_path")", R"("nonce":"other","tokenizer_path")",
                  "workload.nonce: fixed and other");
  refused_altered(R"("requests_per_slot":3)", R"("requests_per_slot":4)",
                  "load.requests_per_slot: 3 → 4");
  refused_altered(R"("every_s":3.0)", R"("every_s":4.0)", "--every, s: 3 and 4");
  refused_altered(R"("prompt_set_sha256":")", R"("prompt_set_sha256":"0)", "prompts");

  // A part is no result.
  const json of_part = result_of_folder(parts[1]);
  EXPECT_EQ(of_part["part"]["rank"], 1);
  EXPECT_EQ(of_part["part"]["of"], 3);
  EXPECT_TRUE(of_part["part"]["clock"].contains("max_error_us"));
  for (const json& level : of_part["levels"]) {
    EXPECT_EQ(level["valid"], false);
    EXPECT_THAT(level["invalid_reasons"], Contains("one_part"));
  }
  EXPECT_THAT(of_part["provenance"]["notes"].dump(), HasSubstr("part 1/3: these are the requests"));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"compare", parts[1], merged},
        std::vector<std::string>{"compare", merged, parts[1]},
        std::vector<std::string>{"verify", parts[1], "--truth", clients.log()},
        std::vector<std::string>{"gate", parts[1], "--require", "error_rate@all <= 1%"}}) {
    const ProcessResult said = run_llmsweep(words);
    EXPECT_EQ(said.exit_code, 2);
    EXPECT_THAT(said.err, HasSubstr("holds the requests of part 1/3 alone"));
  }
  for (const std::string& folder : {parts[1], merged.string()}) {
    const ProcessResult said =
        run_llmsweep({"run", clients.spec(), "--resume", folder, "--set", "endpoint.metrics=off"});
    EXPECT_EQ(said.exit_code, 2);
    EXPECT_THAT(said.err, HasSubstr("run all parts again"));
  }
  EXPECT_EQ(run_llmsweep({"rebuild", other}).exit_code, 0);
  EXPECT_EQ(result_of_folder(other), result) << "and what was merged is made again as any other";
}

TEST(PartsRun, OfARateAreTheArrivalsOfOneClient) {
  Clients clients("rate: [20], warmup: 500ms, measure: 2s, drain: 1s", "5s");
  ASSERT_EQ(run_llmsweep({"run", clients.spec(), "--out", clients.folder() / "1"}).exit_code, 0);
  clients.run(2);
  if (::testing::Test::IsSkipped()) return;
  const fs::path merged = clients.folder() / "merged";
  const ProcessResult said = clients.merge(clients.parts(2), merged);
  ASSERT_EQ(said.exit_code, 0) << said.err;
  const std::vector<TruthRecord> truth = clients.truth();
  const auto scheduled = [&](const fs::path& folder) {
    std::multiset<std::pair<uint32_t, std::string>> sent;  // index, body: slots are as they come
    for (const auto& [level, slot, index, body] : reached({folder}, truth).planned) {
      sent.emplace(index, body);
    }
    return sent;
  };
  EXPECT_GT(scheduled(merged).size(), 15u);
  EXPECT_EQ(scheduled(merged), scheduled(clients.folder() / "1" / "test"));
  const json one = result_of_folder(clients.folder() / "1" / "test")["levels"][0]["runs"][0];
  const json two = result_of_folder(merged)["levels"][0]["runs"][0];
  EXPECT_EQ(two["open_loop"]["schedule_sha256"], one["open_loop"]["schedule_sha256"]);
  EXPECT_EQ(two["open_loop"]["scheduled"], one["open_loop"]["scheduled"]);
  EXPECT_THAT(two["invalid_reasons"], Not(Contains("rate_off")));
  const ProcessResult verified =
      run_llmsweep({"verify", merged, "--truth", clients.log(), "--tolerance", "30s"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

// At some instants: before its first record, in the midst, when it keeps its slots busy for the
// others.
TEST(PartsRun, AClientThatIsKilledMakesItsRunInvalidAndLosesNoRecord) {
  for (const size_t lines : {0u, 3u, 12u}) {
    SCOPED_TRACE(lines);
    Clients clients("concurrency: [3], requests_per_slot: 4");
    Instant killed{};
    clients.run(3, [&](const std::vector<std::unique_ptr<Process>>& running) {
      const fs::path folder = clients.part(1, 3);
      EXPECT_TRUE(eventually([&] {
        const fs::path journal = folder / "sweep.jsonl";
        if (!fs::exists(journal) || read_file(journal).find("run_started") == std::string::npos) {
          return false;
        }
        const std::string records = read_file(folder / "requests.jsonl");
        return static_cast<size_t>(std::count(records.begin(), records.end(), '\n')) >= lines;
      }));
      killed = SteadyClock().now();
      running[1]->signal(SIGKILL);
    });
    if (::testing::Test::IsSkipped()) return;
    const fs::path merged = clients.folder() / "merged";
    const ProcessResult said = clients.merge(clients.parts(3), merged);
    ASSERT_EQ(said.exit_code, 0) << said.err;
    EXPECT_THAT(said.err, HasSubstr("part 1/3 on "));
    EXPECT_THAT(said.err, HasSubstr(" was lost: it did not come to the end of the run"));
    const json result = result_of_folder(merged);
    EXPECT_EQ(result["interrupted"], true);
    ASSERT_EQ(result["levels"].size(), 1u);
    const json& level = result["levels"][0];
    EXPECT_EQ(level["valid"], false);
    EXPECT_THAT(level["invalid_reasons"], Contains("client_lost"));
    const json& run = level["runs"][0];
    EXPECT_EQ(run["clients"][0]["lost"], "");
    EXPECT_NE(run["clients"][1]["lost"], "");
    // Each line that a part has is in the result, as it was.
    std::multiset<std::string> kept, there;
    for (const std::string& part : clients.parts(3)) {
      for (const RequestRecord& record : records_of(part)) kept.insert(record_to_jsonl(record));
    }
    std::set<std::string> answered;
    Instant begin = Instant::max();
    for (const RequestRecord& record : records_of(merged)) {
      begin = std::min(begin, record.scheduled);
      there.insert(record_to_jsonl(record));
      answered.insert(record.response_id);
    }
    EXPECT_EQ(there, kept);
    // And each answer that ended some time before the kill has its line.
    constexpr Duration kBusyHost = std::chrono::seconds(1);
    for (const TruthRecord& request : clients.truth()) {
      const bool ended = !request.finish_reason.empty() && !request.client_closed && request.end;
      const bool of_the_run = request.arrival >= begin;  // and not of a check before it
      if (!ended || *request.end > killed - kBusyHost || !of_the_run) continue;
      EXPECT_THAT(answered, Contains(request.response_id));
    }
  }
}

struct Refusal {
  std::vector<std::string> options;
  std::vector<std::string> environment;
  const char* says;
};

// Nothing listens at its URL: what is refused is refused before anything is sent.
TEST(PartsRun, RefusesWhatCannotBeSharedOrIsNotOneOfSeveral) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "spec.yaml",
                        "name: test\nendpoint: {url: \"http://127.0.0.1:9/v1\"}\nworkload: "
                        "{input_tokens: 40, output_tokens: 20, nonce: fixed}\n"
                        "load: {concurrency: [4]}\n");
  write_file_atomically(folder / "policy.yaml", "rules: [{require: \"error_rate@all <= 1%\"}]\n");
  const std::vector<std::string> timetable = {"--start-at", "2099-01-01T00:00:00Z", "--every",
                                              "9s"};
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.end(), timetable.begin(), timetable.end());
    return options;
  };
  const std::vector<std::string> slurm = {"SLURM_PROCID=1", "SLURM_NTASKS=4"};
  const Refusal refusals[] = {
      {{}, slurm, "Slurm started 4 tasks of this step, each of which would send the whole load"},
      {with({"--part", "1/3"}), slurm, "this is task 1 of 4 by Slurm (SLURM_PROCID), and part 1/3"},
      {with({"--part", "2/4"}), slurm, "this is task 1 of 4 by Slurm (SLURM_PROCID), and part 2/4"},
      {with({"--part", "auto/3"}), slurm, "3 clients are stated, Slurm started 4"},
      {with({"--part", "auto"}), {}, "neither Slurm nor Kubernetes says which client this is"},
      {with({"--part", "auto"}), {"JOB_COMPLETION_INDEX=1"}, "give the Job's completions"},
      {with({"--part", "3/3"}), {}, "there is no client 3 of 3: they count from 0"},
      {with({"--part", "three"}), {}, "'three' is no part"},
      {with({"--part", "0/5"}), {}, "5 clients cannot share 4 slots"},
      {{"--part", "0/2"}, {}, "it is not said when the clients begin"},
      {{"--part", "0/2", "--start-at", "2099-01-01T00:00:00Z"}, {}, "how long a run may take"},
      {{"--part", "0/2", "--start-at", "soon", "--every", "9s"}, {}, "'soon' is not a time in UTC"},
      {{"--part", "0/2", "--start-at", "2999-01-01T00:00:00Z", "--every", "9s"},
       {},
       "is not a time"},
      {{"--part", "0/2", "--start-at", "2020-01-01T00:00:00Z", "--every", "9s"},
       {},
       "is over; now"},
      {{"--part", "0/2", "--start-at", "2099-01-01T00:00:00Z", "--every", "9"}, {}, "--every: '9'"},
      {with({"--part", "0/2", "--set", "workload.nonce=auto"}), {}, "give all clients the same"},
      {with({"--part", "0/2", "--set", "load.refine=true", "--set",
             "targets=[{metric: e2e, statistic: p50, max: 1s}]"}),
       {},
       "load.refine: which levels come next"},
      {with({"--part", "0/2", "--set", "load.budget={time: 1h}"}), {}, "load.budget: each client"},
      {with({"--part", "0/2", "--set", "load.fillers=false"}), {}, "load.fillers: without fillers"},
      {with({"--part", "0/2", "--set", "load.warmup_per_slot=0"}), {}, "load.warmup_per_slot: a"},
      {with({"--part", "0/2", "--gate", folder / "policy.yaml"}), {}, "a part has no verdict"},
      {with({"--part", "0/2", "--resume", folder}), {}, "a part cannot be resumed"},
      {{"--start-at", "2099-01-01T00:00:00Z"}, {}, "--part"}};
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.says);
    std::vector<std::string> words = {LLMSWEEP_BINARY, "run", folder / "spec.yaml", "--out",
                                      folder / "out"};
    words.insert(words.end(), refusal.options.begin(), refusal.options.end());
    const ProcessResult said = Process(words, folder, refusal.environment).wait();
    EXPECT_EQ(said.exit_code, 2) << said.err;
    EXPECT_THAT(said.err, HasSubstr(refusal.says));
    EXPECT_FALSE(fs::exists(folder / "out"));
  }
}

TEST(PartsRun, KnowsWhichClientItIsByItsEnvironment) {
  const fs::path folder = test_folder();
  write_file_atomically(folder / "spec.yaml",
                        "name: test\nendpoint: {url: \"http://127.0.0.1:9/v1\"}\nworkload: "
                        "{input_tokens: 40, output_tokens: 20, nonce: fixed}\n"
                        "load: {concurrency: [4]}\n");
  const std::pair<std::string, std::vector<std::string>> known[] = {
      {"auto", {"SLURM_PROCID=1", "SLURM_NTASKS=4"}},
      {"auto/4", {"SLURM_PROCID=3", "SLURM_NTASKS=9", "SLURM_STEP_NUM_TASKS=4"}},
      {"auto",
       {"SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_TASK_MIN=5", "SLURM_ARRAY_TASK_COUNT=4",
        "SLURM_PROCID=0", "SLURM_NTASKS=1"}},
      {"auto/4", {"JOB_COMPLETION_INDEX=2"}},
      {"2/4", {"SLURM_PROCID=0", "SLURM_NTASKS=1"}}};
  for (const auto& [part, environment] : known) {
    const ProcessResult said =
        Process({LLMSWEEP_BINARY, "run", folder / "spec.yaml", "--part", part, "--start-at",
                 "2099-01-01T00:00:00Z", "--every", "9s", "--dry-run"},
                folder, environment)
            .wait();
    EXPECT_EQ(said.exit_code, 0) << part << said.err;
  }
}

}  // namespace
}  // namespace llmsweep
