#include "llmsweep/telemetry/server_metrics.h"

#include <gtest/gtest.h>

#include <string>

#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

using Figure = ServerFigure;

std::string recorded_page(const std::string& name) {
  return read_file(std::string(LLMSWEEP_SOURCE_DIR) + "/tests/telemetry/pages/" + name + ".txt");
}

std::optional<double> total(const PageFigures& figures, Figure figure) {
  const auto found = figures.find(figure);
  if (found == figures.end()) return std::nullopt;
  return over_series(figure, found->second);
}

std::optional<double> total(std::string_view page, Figure figure) {
  return total(figures_in(page), figure);
}

// The values stand in the recordings; whoever reads them with a text editor finds them.
TEST(ServerMetrics, OfARecordedPageOfVllmAreItsFigures) {
  const PageFigures figures = figures_in(recorded_page("vllm_0_26"));
  EXPECT_EQ(total(figures, Figure::kRunning), 18);
  EXPECT_EQ(total(figures, Figure::kWaiting), 10);
  EXPECT_DOUBLE_EQ(total(figures, Figure::kKvUsed).value(), 0.09190198043756259);
  EXPECT_EQ(total(figures, Figure::kKvCapacity), 462944);
  EXPECT_EQ(total(figures, Figure::kPromptTokens), 4421084);
  EXPECT_EQ(total(figures, Figure::kOutputTokens), 518735);
  EXPECT_EQ(total(figures, Figure::kFinished), 1731);
  EXPECT_EQ(total(figures, Figure::kAborted), 0);
  EXPECT_EQ(total(figures, Figure::kPreemptions), 0);
  EXPECT_EQ(total(figures, Figure::kPrefixQueries), 4557884);
  EXPECT_EQ(total(figures, Figure::kPrefixHits), 112);
  EXPECT_DOUBLE_EQ(total(figures, Figure::kQueueSeconds).value(), 457.4972561699987);
  EXPECT_EQ(total(figures, Figure::kQueueCount), 1731);
  EXPECT_DOUBLE_EQ(total(figures, Figure::kTtftSeconds).value(), 1412.3655169010162);
  EXPECT_EQ(total(figures, Figure::kTtftCount), 1845);
  EXPECT_EQ(total(figures, Figure::kDrafts), std::nullopt);
  EXPECT_EQ(keep_known(recorded_page("vllm_0_26")).engine, "vllm");
}

TEST(ServerMetrics, OfSpeculationAreOnItsPage) {
  const PageFigures figures = figures_in(recorded_page("vllm_0_26_mtp"));
  EXPECT_EQ(total(figures, Figure::kDrafts), 95820);
  EXPECT_EQ(total(figures, Figure::kDraftTokens), 95820);
  EXPECT_EQ(total(figures, Figure::kAcceptedTokens), 81288);
}

TEST(ServerMetrics, OfRecordedPagesOfLlamaCppAreTheirFigures) {
  const PageFigures now = figures_in(recorded_page("llama_cpp_2026_09"));
  EXPECT_EQ(total(now, Figure::kPromptTokens), 39);
  EXPECT_EQ(total(now, Figure::kPrefixHits), 143);
  EXPECT_EQ(total(now, Figure::kOutputTokens), 124);
  EXPECT_EQ(total(now, Figure::kRunning), 0);
  EXPECT_EQ(total(now, Figure::kKvUsed), std::nullopt);
  EXPECT_DOUBLE_EQ(total(now, Figure::kPrefillSeconds).value(), 0.012449);
  const PageFigures then = figures_in(recorded_page("llama_cpp_2025_02"));
  EXPECT_EQ(total(then, Figure::kPromptTokens), 4996);
  EXPECT_EQ(total(then, Figure::kOutputTokens), 28);
  EXPECT_DOUBLE_EQ(total(then, Figure::kKvUsed).value(), 0.075882);
  EXPECT_EQ(keep_known(recorded_page("llama_cpp_2025_02")).engine, "llama.cpp");
}

TEST(ServerMetrics, KeptLinesHaveTheFiguresOfTheirPage) {
  for (const char* name : {"vllm_0_26", "vllm_0_26_mtp", "llama_cpp_2026_09"}) {
    const std::string page = recorded_page(name);
    const KeptPage kept = keep_known(page);
    EXPECT_LT(kept.lines.size(), page.size() / 2) << name;
    EXPECT_EQ(kept.broken, 0) << name;
    const PageFigures of_page = figures_in(page);
    const PageFigures of_lines = figures_in(kept.lines);
    ASSERT_EQ(of_page.size(), of_lines.size()) << name;
    for (const auto& [figure, series] : of_page) {
      EXPECT_EQ(total(of_page, figure), total(of_lines, figure)) << name;
    }
  }
}

TEST(ServerMetrics, AreSummedOverEnginesAndTheFullestCacheCounts) {
  const char* page =
      "vllm:num_requests_running{engine=\"0\"} 3\nvllm:num_requests_running{engine=\"1\"} 4\n"
      "vllm:generation_tokens_total{engine=\"0\"} 10\nvllm:generation_tokens_total{engine=\"1\"} "
      "5\n"
      "vllm:kv_cache_usage_perc{engine=\"0\"} 0.2\nvllm:kv_cache_usage_perc{engine=\"1\"} 0.9\n";
  EXPECT_EQ(total(page, Figure::kRunning), 7);
  EXPECT_EQ(total(page, Figure::kOutputTokens), 15);
  EXPECT_EQ(total(page, Figure::kKvUsed), 0.9);
}

// vllm #28792: one series for each process of the API server, of which one is true.
TEST(ServerMetrics, OfSeveralProcessesKeepTheOneThatIsTrue) {
  EXPECT_EQ(
      total("vllm:kv_cache_usage_perc{pid=\"7\"} 0\nvllm:kv_cache_usage_perc{pid=\"8\"} 0.4\n",
            Figure::kKvUsed),
      0.4);
}

TEST(ServerMetrics, HaveTheirNamesWithTotalOrWithoutAndUnderRay) {
  for (const char* name : {"vllm:generation_tokens", "vllm:generation_tokens_total",
                           "ray_vllm_generation_tokens_total"}) {
    EXPECT_EQ(total(std::string(name) + "{engine=\"0\"} 12\n", Figure::kOutputTokens), 12) << name;
  }
  EXPECT_EQ(total("vllm:generation_tokens_created{engine=\"0\"} 12\n", Figure::kOutputTokens),
            std::nullopt);
}

TEST(ServerMetrics, OfOneFigureAreTakenOnceWhereAPageHasTwoNames) {
  EXPECT_EQ(total("dynamo_frontend_inflight_requests 3\ndynamo_frontend_active_requests 3\n",
                  Figure::kRunning),
            3);
}

TEST(ServerMetrics, AreSplitByTheReasonThatARequestEndedFor) {
  const char* page =
      "vllm:request_success_total{finished_reason=\"stop\"} 3\n"
      "vllm:request_success_total{finished_reason=\"length\"} 4\n"
      "vllm:request_success_total{finished_reason=\"abort\"} 5\n"
      "vllm:request_success_total{finished_reason=\"error\"} 6\n";
  EXPECT_EQ(total(page, Figure::kFinished), 7);
  EXPECT_EQ(total(page, Figure::kAborted), 11);
}

TEST(ServerMetrics, OfSglangsRanksAreOneNumberAndOfItsReplicasASum) {
  const char* page =
      "sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"1\"} 9\n"
      "sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"0\"} 4\n"
      "sglang:num_running_reqs{dp_rank=\"1\",tp_rank=\"0\"} 2\n"
      "sglang:cache_hit_rate{tp_rank=\"0\"} 0.9\nsglang:token_usage{tp_rank=\"0\"} 0.25\n"
      "sglang:num_retracted_reqs 5\nsglang:num_retracted_requests_total 7\n"
      "sglang:generation_tokens_total{model_name=\"m\"} 139795.0\n";
  EXPECT_EQ(total(page, Figure::kRunning), 6);
  EXPECT_EQ(total(page, Figure::kKvUsed), 0.25);
  EXPECT_EQ(total(page, Figure::kPreemptions), 7);
  EXPECT_EQ(total(page, Figure::kOutputTokens), 139795);
}

struct EnginePage {
  const char* engine;
  const char* page;
  double running, waiting, output_tokens;
};

TEST(ServerMetrics, OfEachEngineAreKnown) {
  const EnginePage pages[] = {
      {"tensorrt_llm",
       "trtllm_num_requests_running 3.0\ntrtllm_num_requests_waiting 1\n"
       "trtllm_generation_tokens_total 90\n",
       3, 1, 90},
      {"tgi",
       "tgi_batch_current_size 4\ntgi_queue_size 3\ntgi_request_generated_tokens_bucket{le=\"1\"} "
       "7\n"
       "tgi_request_generated_tokens_sum 50000\ntgi_request_generated_tokens_count 100\n",
       4, 3, 50000},
      {"nim",
       "num_requests_running{model_name=\"m\"} 2\nnum_requests_waiting{model_name=\"m\"} 5\n"
       "generation_tokens_total{model_name=\"m\"} 70\n",
       2, 5, 70},
      {"dynamo",
       "dynamo_frontend_inflight_requests{model=\"m\"} 12\n"
       "dynamo_frontend_queued_requests{model=\"m\"} 3\n"
       "dynamo_frontend_output_tokens_total{model=\"m\"} 500000\n",
       12, 3, 500000},
  };
  for (const EnginePage& expected : pages) {
    EXPECT_EQ(keep_known(expected.page).engine, expected.engine);
    EXPECT_EQ(total(expected.page, Figure::kRunning), expected.running) << expected.engine;
    EXPECT_EQ(total(expected.page, Figure::kWaiting), expected.waiting) << expected.engine;
    EXPECT_EQ(total(expected.page, Figure::kOutputTokens), expected.output_tokens)
        << expected.engine;
  }
}

TEST(ServerMetrics, OfGpusAreInOneUnit) {
  const char* dcgm =
      "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\",UUID=\"GPU-a\"} 15152422938\n"
      "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"1\",UUID=\"GPU-b\"} 1000\n"
      "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\",UUID=\"GPU-a\"} 68.244\n"
      "DCGM_FI_DEV_SM_CLOCK{gpu=\"0\"} 1980\nDCGM_FI_DEV_SM_CLOCK{gpu=\"1\"} 1000\n"
      "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 74\nDCGM_FI_DEV_POWER_VIOLATION{gpu=\"0\"} 2500000000\n";
  EXPECT_NEAR(total(dcgm, Figure::kGpuEnergy).value(), 15152423.938, 1e-6);
  EXPECT_EQ(total(dcgm, Figure::kGpuPower), 68.244);
  EXPECT_EQ(total(dcgm, Figure::kGpuClock), 1490);
  EXPECT_DOUBLE_EQ(total(dcgm, Figure::kGpuBusy).value(), 0.74);
  EXPECT_DOUBLE_EQ(total(dcgm, Figure::kGpuPowerCap).value(), 2.5);
  const char* amd =
      "gpu_energy_consumed{gpu_id=\"0\"} 1.4e12\ngpu_package_power{gpu_id=\"0\"} 748\n"
      "gpu_package_power{gpu_id=\"1\"} 751\n"
      "gpu_clock{gpu_id=\"0\",clock_type=\"GPU_CLOCK_TYPE_SYSTEM\"} 2100\n"
      "gpu_clock{gpu_id=\"0\",clock_type=\"GPU_CLOCK_TYPE_MEMORY\"} 1300\n";
  EXPECT_DOUBLE_EQ(total(amd, Figure::kGpuEnergy).value(), 1.4e6);
  EXPECT_EQ(total(amd, Figure::kGpuPower), 1499);
  EXPECT_EQ(total(amd, Figure::kGpuClock), 2100);
  EXPECT_EQ(keep_known(amd).engine, "amd");
}

// A board's counter is on the page once for each of its instances.
TEST(ServerMetrics, OfAPartitionedGpuAreOfItsBoard) {
  EXPECT_EQ(total("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{UUID=\"a\",GPU_I_ID=\"3\"} 5000\n"
                  "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{UUID=\"a\",GPU_I_ID=\"4\"} 5000\n",
                  Figure::kGpuEnergy),
            5);
}

TEST(ServerMetrics, OfAnUnknownServerAreNone) {
  const KeptPage kept = keep_known("my_requests_total 3\nup 1\n");
  EXPECT_EQ(kept.engine, "");
  EXPECT_EQ(kept.lines, "");
  EXPECT_EQ(kept.samples, 2);
  EXPECT_EQ(keep_known("[{\"iter\": 1, \"gpuMemUsage\": 5}]").broken, 1);
}

TEST(ServerMetrics, AreInTheTableWithoutTotalAndAsOneEnginesEach) {
  for (const ServerMetric& metric : server_metrics()) {
    EXPECT_FALSE(metric.name.ends_with("_total")) << metric.name;
    EXPECT_EQ(traits_of(metric.figure).figure, metric.figure) << metric.name;
    for (const ServerMetric& other : server_metrics()) {
      if (other.name == metric.name) {
        EXPECT_EQ(other.engine, metric.engine) << metric.name;
      }
    }
  }
}

}  // namespace
}  // namespace llmsweep
