#include "llmsweep/results/share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "llmsweep/results/export.h"
#include "llmsweep/results/result_file.h"
#include "results/full_result.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SweepResult private_result() {
  SweepResult result = full_result();
  result.name = "nightly on gpu-planted17";
  result.model = "/home/planted-user/planted-models/llama-3";
  result.system.checkpoint = "/mnt/planted-disk/llama-3-fp8";
  result.workload.dataset = "/home/planted-user/planted-folder/sharegpt.json";
  result.workload.tokenizer_path = "planted-relative/tokenizer.json";
  result.provenance = {
      .host = "gpu-planted17.planted-corp.internal",
      .cores = 2,
      .kernel = "Linux 6.1.0-planted",
      .libcurl = "libcurl planted",
      .transport = "planted",
      .resolved_address = "10.11.12.13:8000",
      .resolved_addresses = {"10.11.12.13:8000", "[2001:db8::77]:8000"},
      .server_headers = {{"x-planted", "y"}, {"via", "planted"}},
      .models_json = "{\"data\":[{\"id\":\"planted\"}]}",
      .dropped_fields = {"min_tokens", "planted"},
      .notes = {"resumed on gpu-planted17: 1 of 2 runs kept",
                "since the resume: address 10.11.12.99:8000 instead of 10.11.12.13:8000",
                "cannot connect to api.planted-corp.example:8443 ([2001:db8::77]:8000)",
                "/home/planted-user/key can be read by others than you: chmod 600 it",
                "see http://planted.example/x?y=planted and mail planted@planted.example",
                "PLANTED-USER ran it in ../planted/folder/x, fe80::7a:1, 2001:db8:0:0:0:0:2:1",
                "3.5 tokens/s/GPU at c8, the answer to /v1/models, 12:34:56, deepseek-ai/V3"}};
  result.spec_json = R"({
    "name": "nightly on gpu-planted17",
    "endpoint": {"url": "http://api.planted-corp.example:8443/v1", "urls": ["http://planted2/v1"],
                 "simulator": "/home/planted-user/configs/simulators/toy.yaml",
                 "headers": {"X-Team": "planted-team"}, "extra_body": {"user": "planted", "top_k": 4},
                 "ca_file": "/etc/planted.pem", "api_key_env": "MY_KEY", "api_key_file": "planted"},
    "workload": {"dataset": "planted-relative/sharegpt.json", "tokenizer": "~/planted/tokenizer.json"},
    "load": {"concurrency": [1, 8]}})";
  return result;
}

TEST(Sharing, LeavesOutWhatNamesAMachineAnEndpointAFileOrAPerson) {
  const SweepResult result = private_result();
  const SweepResult shared = Sharing(result).result();
  const std::string json = result_to_json(shared);
  for (const char* marker :
       {"planted", "PLANTED", "10.11.12", "2001:db8", "fe80", "/home", "/etc", "8443"}) {
    EXPECT_THAT(json, Not(HasSubstr(marker)));
    EXPECT_THAT(export_vllm_json(shared), Not(HasSubstr(marker)));
    EXPECT_THAT(export_llm_d_report(shared), Not(HasSubstr(marker)));
  }
}

TEST(Sharing, KeepsWhatWasMeasuredAndHow) {
  const SweepResult result = private_result();
  const SweepResult shared = Sharing(result).result();
  std::vector<LevelStats> levels = result.levels;
  for (LevelStats& level : levels) {
    level.pooled.requests.errors.clear();  // what a server said may hold anything
    for (RunStats& run : level.runs) {
      run.requests.errors.clear();
      for (SourceReading& source : run.telemetry->sources) source.url = source.error = "";
    }
  }
  EXPECT_EQ(shared.levels, levels);
  ASSERT_EQ(shared.profile.size(), 1u);
  levels[1].point = shared.profile[0].level.point;
  levels[1].pooled.e2e = shared.profile[0].level.pooled.e2e;
  EXPECT_EQ(shared.profile[0].level, levels[1]) << "of a step likewise";
  EXPECT_EQ(shared.users_at_target, result.users_at_target);
  EXPECT_EQ(shared.name, "nightly on <not shared>");
  EXPECT_EQ(shared.model, "llama-3");
  EXPECT_EQ(shared.system.checkpoint, "llama-3-fp8");
  EXPECT_EQ(shared.workload.dataset, "sharegpt.json");
  EXPECT_EQ(shared.workload.tokenizer_path, "tokenizer.json");
  EXPECT_EQ(shared.provenance.cores, 2);
  EXPECT_EQ(shared.provenance.dropped_fields, std::vector<std::string>{"min_tokens"});
  EXPECT_THAT(shared.spec_json, HasSubstr(R"("simulator": "toy.yaml")"));
  EXPECT_THAT(shared.spec_json, HasSubstr(R"("api_key_env": "MY_KEY")"));
  EXPECT_THAT(shared.spec_json, HasSubstr(R"("top_k": 4)"));
  EXPECT_THAT(shared.provenance.notes.front(), HasSubstr("made to be shared"));
  EXPECT_EQ(shared.provenance.notes.back(), private_result().provenance.notes.back());
}

TEST(Sharing, WithholdsWhatWhoeverSharesItNames) {
  const SweepResult result = full_result();
  const Sharing sharing(result, {"mallory", "", "x"});
  EXPECT_EQ(sharing.text("by Mallory, x; mallory's, mallory7"),
            "by <not shared>, x; <not shared>'s, mallory7");
}

TEST(Sharing, KnowsHostsWithoutAPortAndPathsOfWindows) {
  const Sharing sharing(full_result());
  EXPECT_EQ(sharing.text("worker gpu02.acme.internal failed, proxy7.acme.xyz too."),
            "worker <not shared> failed, <not shared> too.");
  EXPECT_EQ(sharing.text("gpu01.local or api.example.com"), "<not shared> or <not shared>");
  EXPECT_EQ(sharing.text(R"(vllm from C:\Users\alice\vllm, D:/x)"),
            "vllm from <not shared>, <not shared>");
  EXPECT_EQ(sharing.text(R"(see \\fileserver\share\logs and)"), "see <not shared> and");
  for (const char* text : {"llama-3.1-8b.q4.gguf at 0.6.3.post1, 1.5 tokens/s/GPU", "data.jsonl.gz",
                           "tokenizer.json", "meta.llama3-1-8b-instruct-v1:0", "e.g. 3.5x"}) {
    EXPECT_EQ(sharing.text(text), text);
  }
}

TEST(Sharing, WithholdsEverywhereWhatHeadersAndFieldsSay) {
  SweepResult result = full_result();
  result.model = "llama-3";
  result.spec_json = R"({"endpoint":{"headers":{"X-Team":"planted-team","X-Key":"<redacted>"},)"
                     R"("extra_body":{"user":"alice.planted","mode":"auto","model":"llama-3"}}})";
  const Sharing sharing(result);
  EXPECT_EQ(sharing.text("planted-team, alice.planted, auto, llama-3, <redacted>"),
            "<not shared>, <not shared>, auto, llama-3, <redacted>");
}

TEST(Sharing, GivesAResultThatCanBeReadAgain) {
  const SweepResult result = full_result();
  const SweepResult shared = Sharing(result).result();
  EXPECT_EQ(parse_result(result_to_json(shared), "shared"), shared);
  const SweepResult empty;
  EXPECT_EQ(Sharing(empty).result().spec_json, "null");
}

}  // namespace
}  // namespace llmsweep
