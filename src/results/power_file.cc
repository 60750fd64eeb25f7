#include "llmsweep/results/power_file.h"

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr double kMostWatts = 1e12;

// The header's meters, each with what makes watts of it.
class PowerTable {
 public:
  explicit PowerTable(std::string name) : name_(std::move(name)) {}

  void line(std::string_view text, int64_t number) {
    const std::string_view line = trim(text);
    if (line.empty() || line.front() == '#') return;
    number_ = number;
    const std::vector<std::string> cells = split(line, ',');
    if (to_watts_.empty()) {
      header(cells);
    } else {
      row(cells);
    }
  }

  std::vector<PowerReading> take() {
    if (to_watts_.empty()) fail("has no header");
    return std::move(readings_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error({.what = what,
                 .where = name_ + ":" + std::to_string(number_),
                 .next = "begin with a header as in time,rack_w; then an instant and the watts of "
                         "each meter on every line"});
  }

  void header(const std::vector<std::string>& cells) {
    if (cells.size() < 2 || trim(cells.front()) != "time") fail("the first column must be time");
    for (size_t i = 1; i < cells.size(); ++i) {
      const std::string_view meter = trim(cells[i]);
      const bool kilowatts = meter.ends_with("_kw");
      if (!kilowatts && !meter.ends_with("_w")) {
        fail("'" + printable(meter, 80) + "' must end in _w or _kw, the unit of its column");
      }
      to_watts_.push_back(kilowatts ? 1000 : 1);
    }
  }

  void row(const std::vector<std::string>& cells) {
    if (cells.size() != to_watts_.size() + 1) fail("has other columns than the header");
    PowerReading reading{.since_epoch = instant(trim(cells.front()))};
    if (!readings_.empty() && reading.since_epoch <= readings_.back().since_epoch) {
      fail("is not later than the line before");
    }
    for (size_t i = 0; i < to_watts_.size(); ++i) {
      const std::optional<double> power = parse_double(trim(cells[i + 1]));
      if (!power || !(*power >= 0) || *power * to_watts_[i] > kMostWatts) {
        fail("'" + printable(cells[i + 1], 80) + "' is no power");
      }
      reading.watts += *power * to_watts_[i];
    }
    readings_.push_back(reading);
  }

  Duration instant(std::string_view text) const {
    const std::optional<Duration> utc = parse_utc_timestamp(text);
    if (utc && text.ends_with('Z')) return *utc;  // another zone's time is not to be guessed
    const std::optional<double> seconds = parse_double(text);
    if (!seconds || !(*seconds > 0 && *seconds < 1e10)) {
      fail("'" + printable(text, 80) +
           "' is neither UTC as 2026-11-28T10:00:00Z nor seconds since 1970");
    }
    return Duration(static_cast<int64_t>(std::llround(*seconds * 1e9)));
  }

  std::string name_;
  int64_t number_ = 1;
  std::vector<double> to_watts_;
  std::vector<PowerReading> readings_;
};

}  // namespace

std::vector<PowerReading> read_power_readings(const std::filesystem::path& path) {
  if (!there_is(path)) return {};
  PowerTable table(path.string());
  LineReader lines(path);
  while (const std::optional<std::string_view> line = lines.next()) {
    table.line(*line, lines.number());
  }
  return table.take();
}

}  // namespace llmsweep
