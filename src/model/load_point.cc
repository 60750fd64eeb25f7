#include "llmsweep/model/load_point.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr double kMaxValue = 1e6;

struct KindName {
  LoadKind kind;
  char prefix;
  std::string_view name;
};

// In declaration order, so that a kind is its own index; the tests hold that.
constexpr std::array kKinds = {
    KindName{LoadKind::kConcurrency, 'c', "concurrency"},
    KindName{LoadKind::kRate, 'r', "request rate"},
    KindName{LoadKind::kUsers, 'u', "users"},
    KindName{LoadKind::kProfile, 'p', "rate profile"},
    KindName{LoadKind::kTrace, 't', "trace"},
};

const KindName& named(LoadKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

}  // namespace

std::string_view name_of(LoadKind kind) {
  return named(kind).name;
}

std::string name_of(LoadPoint point) {
  return named(point.kind).prefix + value_text(point);
}

std::string value_text(LoadPoint point) {
  return fmt::format("{}", point.value);
}

std::string text_of(LoadPoint point) {
  return fmt::format("{} {}", name_of(point.kind), point.value);
}

std::optional<LoadPoint> parse_load_point(std::string_view name) {
  for (const KindName& kind : kKinds) {
    if (!name.starts_with(kind.prefix)) continue;
    const std::string_view number = name.substr(1);
    std::optional<double> value = parse_double(number);
    const bool whole = LoadPoint{kind.kind, 1}.is_closed();
    if (whole && !parse_int(number)) value.reset();
    if (value && *value > 0 && *value <= kMaxValue) return LoadPoint{kind.kind, *value};
  }
  return std::nullopt;
}

std::string text_of(const RunId& run) {
  return fmt::format("{}, repeat {}", text_of(run.point), run.repeat + 1);
}

std::string session_name(const RunId& run, uint32_t session) {
  return fmt::format("{}.{}.{}", name_of(run.point), run.repeat, session);
}

}  // namespace llmsweep
