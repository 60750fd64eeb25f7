// One run of a level, with a transport that answers by itself: no server, no socket.
#include "sweep/level_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <thread>

#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

// What is answered to the nth request that any of the clients sends.
struct Answer {
  int status = 200;
  std::string body;
};

Answer stream_of(int tokens) {
  Answer answer;
  for (int i = 0; i < tokens; ++i) {
    answer.body += "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
  }
  answer.body +=
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":" +
      std::to_string(tokens) + "}}\n\ndata: [DONE]\n\n";
  return answer;
}

// What all clients of a run have seen.
struct Traffic {
  std::function<Answer(int)> answer = [](int) { return stream_of(3); };
  std::atomic<int> sent{0};
  std::function<void(int)> on_send = [](int) {};
};

// Answers every request with the next poll.
class PromptClient final : public HttpClient {
 public:
  explicit PromptClient(Traffic& traffic) : traffic_(traffic) {}

  void start(RequestId id, const HttpRequest& request) override {
    const int nth = traffic_.sent++;
    traffic_.on_send(nth);
    bodies.push_back(*request.body);
    waiting_[id] = traffic_.answer(nth);
  }
  void cancel(RequestId id) override { waiting_.erase(id); }
  void poll(Instant deadline, std::vector<HttpEvent>& events) override {
    events.clear();
    if (waiting_.empty()) {
      std::this_thread::sleep_until(
          std::min(deadline, clock_.now() + std::chrono::milliseconds(1)));
      return;
    }
    answered_ = std::move(waiting_);
    waiting_.clear();
    for (const auto& [id, answer] : answered_) {
      const Instant now = clock_.now();
      events.push_back({.kind = HttpEvent::Kind::kSent, .id = id, .at = now, .text = {}});
      events.push_back({.kind = HttpEvent::Kind::kHeaders,
                        .id = id,
                        .at = now,
                        .status = answer.status,
                        .text = {}});
      events.push_back({.kind = HttpEvent::Kind::kBytes, .id = id, .at = now, .text = answer.body});
      events.push_back({.kind = HttpEvent::Kind::kEnd, .id = id, .at = now, .text = {}});
    }
  }
  const TransportHealth& health() const override { return health_; }
  void reset_health() override { health_ = {}; }

  std::vector<std::string> bodies;

 private:
  Traffic& traffic_;
  SteadyClock clock_;
  std::map<RequestId, Answer> waiting_;
  std::map<RequestId, Answer> answered_;
  TransportHealth health_;
};

class NoObserver final : public SweepObserver {
 public:
  void note(const std::string& /*line*/) override {}
  void progress(const LevelProgress& /*progress*/, Instant /*now*/) override {}
  void run_finished(const LevelStats& /*level*/) override {}
};

class LevelRunnerTest : public testing::Test {
 protected:
  LevelRunnerTest()
      : folder_(create_fresh_directory(fs::temp_directory_path(),
                                       "level-runner-" + std::to_string(::getpid()))) {
    spec_.endpoint.model = "m";
    spec_.workload.dataset = "random";
    spec_.workload.input_tokens = TokenCount{.fixed = 10};
    spec_.workload.output_tokens = {.fixed = 3};
    spec_.load.concurrency = {2};
    spec_.load.requests_per_slot = 3;
    spec_.load.fillers = false;
    preflight_.model = "m";
    preflight_.addresses = {"127.0.0.1:1"};
  }
  ~LevelRunnerTest() override { fs::remove_all(folder_); }

  LevelRun run(int loops = 1, Redactor secrets = {}) {
    const PromptSource prompts(prompt_plan(spec_, preflight_, {}), nullptr);
    RecordWriter writer(folder_, false);
    LoadClients clients;
    for (int i = 0; i < loops; ++i) {
      clients.push_back(std::make_unique<PromptClient>(traffic_));
      clients_.push_back(static_cast<PromptClient*>(clients.back().get()));
    }
    LevelRunner runner(spec_, preflight_, std::move(clients), std::move(secrets), prompts, writer,
                       interrupts_, observer_);
    LevelRun done = runner.run({.run = {at_concurrency(spec_.load.concurrency[0]), 0}}, 0);
    for (const PromptClient* client : clients_) bodies_.push_back(client->bodies);
    return done;
  }

  SweepSpec spec_;
  Preflight preflight_;
  Traffic traffic_;
  Interrupts interrupts_{0};
  NoObserver observer_;
  fs::path folder_;
  std::vector<PromptClient*> clients_;
  std::vector<std::vector<std::string>> bodies_;  // of each client
};

TEST_F(LevelRunnerTest, SendsEachPromptOnceAndKeepsARecordOfEachOnDisk) {
  const LevelRun done = run();
  EXPECT_EQ(done.records.size(), 2U * (1 + 3));
  EXPECT_THAT(done.records, Each(Field(&RequestRecord::output_tokens, 3)));
  EXPECT_FALSE(done.gave_up);
  EXPECT_EQ(done.storage_error, "");
  std::vector<std::string> bodies = bodies_[0];
  EXPECT_THAT(bodies, Each(HasSubstr(R"("model":"m")")));
  std::sort(bodies.begin(), bodies.end());
  EXPECT_EQ(std::unique(bodies.begin(), bodies.end()), bodies.end()) << "a prompt was sent twice";
  const std::string file = read_file(folder_ / "requests.jsonl");
  EXPECT_EQ(std::count(file.begin(), file.end(), '\n'), 8);
}

TEST_F(LevelRunnerTest, GivesEachLoopItsShareOfTheSlots) {
  spec_.load.concurrency = {3};
  const LevelRun done = run(2);
  EXPECT_EQ(done.records.size(), 3U * (1 + 3));
  EXPECT_THAT((std::vector<size_t>{bodies_[0].size(), bodies_[1].size()}), ElementsAre(8, 4));
}

TEST_F(LevelRunnerTest, GivesUpAfterSoManyErrorsInARow) {
  spec_.load.max_consecutive_errors = 4;
  spec_.load.requests_per_slot = 50;
  traffic_.answer = [](int) { return Answer{.status = 500, .body = "no"}; };
  const LevelRun done = run();
  EXPECT_TRUE(done.gave_up);
  EXPECT_FALSE(done.over_budget);
  EXPECT_GE(done.records.size(), 4U);
  EXPECT_LE(done.records.size(), 6U) << "it went on after the fourth";
}

TEST_F(LevelRunnerTest, GivesUpAsSoonAsTheErrorRateCannotBeKept) {
  spec_.load.requests_per_slot = 50;
  spec_.load.warmup_per_slot = 0;
  spec_.load.max_error_rate = 0.05;  // 5 of 100
  spec_.load.stop_over_error_rate = true;
  traffic_.answer = [](int nth) { return nth % 2 == 0 ? Answer{.status = 500} : stream_of(3); };
  const LevelRun done = run();
  EXPECT_TRUE(done.over_budget);
  const auto failed = std::count_if(done.records.begin(), done.records.end(),
                                    [](const RequestRecord& r) { return !r.error.empty(); });
  EXPECT_EQ(failed, 6) << "more than 5 of 100 is over 5 %";
}

TEST_F(LevelRunnerTest, SendsNothingNewOnceInterrupted) {
  spec_.load.requests_per_slot = 500;
  traffic_.on_send = [this](int nth) {
    if (nth == 20) interrupts_ = 1;
    if (nth > 20) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  };
  const LevelRun done = run();
  EXPECT_GE(done.records.size(), 20U);
  EXPECT_LT(done.records.size(), 500U);
  EXPECT_THAT(done.records, Each(Field(&RequestRecord::output_tokens, 3)))
      << "what was in flight was let end";
}

TEST_F(LevelRunnerTest, KeepsSecretsOutOfRecordsAndOfTheirFile) {
  spec_.load.max_consecutive_errors = 2;
  traffic_.answer = [](int) {
    return Answer{.status = 401, .body = R"({"error":{"message":"bad key sk-live-4711"}})"};
  };
  const LevelRun done = run(1, Redactor({"sk-live-4711"}));
  ASSERT_FALSE(done.records.empty());
  EXPECT_THAT(done.records, Each(Field(&RequestRecord::error,
                                       AllOf(HasSubstr("bad key"), Not(HasSubstr("4711"))))));
  EXPECT_THAT(read_file(folder_ / "requests.jsonl"), Not(HasSubstr("4711")));
}

}  // namespace
}  // namespace llmsweep
