#include "llmsweep/dataset/calibration.h"

#include <fmt/format.h>

#include <cassert>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

// Each holds what a wrong tokenizer gets wrong: runs of digits, code, newlines, accents, CJK,
// emoji. Neither starts nor ends with white space, which templates may trim.
constexpr std::string_view kShort =
    "Order 90210 ships on 2024-11-05:\n\n  total = 3 * 1234.50  # naïve 計算 😀\nThank you";
constexpr std::string_view kLong =
    "The committee's report, first drafted in 1987, has 40,123 words; it wasn't read by many.\n"
    "def area(radius):\n    return 3.14159265 * radius ** 2\n\n"
    "東京の天気は晴れ、気温は23度です。Die Straße wird größer, l'été déjà loin. "
    "<b>x</b> && y != z || {\"key\": [1, 22, 333, 4444]}\n\n\tEnd of the probe, number 77";

constexpr double kDefaultBytesPerToken = 4.0;

}  // namespace

std::vector<Probe> calibration_probes(const Tokenizer* tokenizer) {
  std::vector<Probe> probes = {{.text = std::string(kShort)}, {.text = std::string(kLong)}};
  if (tokenizer == nullptr) return probes;
  for (Probe& probe : probes) probe.content_tokens = tokenizer->count(probe.text);
  // Different parity, so that a server which counts odd lengths differently is found out.
  for (int i = 0; i < 8 && (probes[0].content_tokens + probes[1].content_tokens) % 2 == 0; ++i) {
    probes[1].text += " more";
    probes[1].content_tokens = tokenizer->count(probes[1].text);
  }
  return probes;
}

int64_t template_overhead(const std::vector<Probe>& probes, const std::vector<int64_t>& usage,
                          bool by_the_server) {
  assert(probes.size() == usage.size() && probes.size() >= 2);
  const int64_t overhead = usage[0] - probes[0].content_tokens;
  bool agree = overhead >= 0;
  bool far_off = false;
  std::string counts;
  for (size_t i = 0; i < probes.size(); ++i) {
    const int64_t content = probes[i].content_tokens;
    agree &= usage[i] - content == overhead;
    far_off |= usage[i] > 2 * content + 100 || usage[i] < content / 2;
    counts += fmt::format("{}probe {}: {} by the tokenizer, {} by the server",
                          counts.empty() ? "" : "; ", i + 1, content, usage[i]);
  }
  if (agree) return overhead;
  throw MeasurementError(
      {.what = "client and server do not count tokens alike (" + counts + ")",
       .where = "workload.tokenizer",
       .next =
           by_the_server
               ? "the tokenizer is the server's own /tokenize: does its usage leave out what it "
                 "had cached, or does /tokenize serve another model? Leave workload.tokenizer "
                 "out for approximate lengths"
           : far_off
               ? "the server's tokenizer is probably broken or of another model (some versions "
                 "of transformers drop the spaces of byte-level tokenizers): compare with "
                 "`tokenizer: server`"
               : "use the tokenizer of the model that is served, or `tokenizer: server`"});
}

double bytes_per_token(const std::vector<Probe>& probes, const std::vector<int64_t>& usage) {
  assert(probes.size() == usage.size() && probes.size() >= 2);
  const auto bytes =
      static_cast<double>(probes[1].text.size()) - static_cast<double>(probes[0].text.size());
  const auto tokens = static_cast<double>(usage[1] - usage[0]);
  if (tokens <= 0 || bytes <= 0) return kDefaultBytesPerToken;
  const double slope = bytes / tokens;
  return slope >= 1 && slope <= 16 ? slope : kDefaultBytesPerToken;
}

}  // namespace llmsweep
