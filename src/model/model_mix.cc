#include "llmsweep/model/model_mix.h"

#include <fmt/format.h>

#include "llmsweep/base/random.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

const std::string& drawn_model(const std::vector<ModelShare>& models, uint64_t seed,
                               uint64_t prompt) {
  constexpr uint64_t kModelStream = 0x6d6f64656c;  // "model"
  double total = 0;
  for (const ModelShare& model : models) total += model.weight;
  double left = Random(seed ^ kModelStream, prompt).uniform() * total;
  for (const ModelShare& model : models) {
    left -= model.weight;
    if (left < 0) return model.name;
  }
  return models.back().name;
}

std::string mix_text(const std::vector<ModelShare>& models) {
  std::vector<std::string> parts;
  for (const ModelShare& model : models) {
    parts.push_back(fmt::format("{} {:g}", model.name, model.weight));
  }
  return join(parts, ", ");
}

}  // namespace llmsweep
