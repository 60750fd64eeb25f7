#include "report/figure_bars.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "llmsweep/report/table.h"
#include "report/axis.h"
#include "report/cells.h"
#include "report/escape.h"
#include "report/label_layout.h"
#include "report/svg.h"

namespace llmsweep::report {
namespace {

constexpr double kBar = 20;
constexpr double kGap = 8;
constexpr double kGroupHead = 34;
constexpr double kValueSize = 12;

struct Bar {
  std::string name;
  size_t style = 0;
  const UsersAtTarget* users = nullptr;  // null: the result has no such target
  std::string value;
};
struct Group {
  Target target;
  std::vector<Bar> bars;
};

std::string value_text(const UsersAtTarget* users, int gpus) {
  if (users == nullptr) return "not asked for";
  switch (users->kind) {
    case UsersKind::kBelowSweep:
      return "no measured level meets it";
    case UsersKind::kNoValidLevel:
      return "no valid level";
    case UsersKind::kMeasured:
    case UsersKind::kBeyondSweep:
      break;
  }
  if (gpus <= 0) return "the number of GPUs is not stated";
  const std::string least = users->kind == UsersKind::kBeyondSweep ? "≥ " : "";
  return fmt::format("{}{}  ({}{} on {} {})", least, format_significant(users->users_per_gpu),
                     least, users->users, gpus, gpus == 1 ? "GPU" : "GPUs");
}

std::vector<Group> groups_of(std::span<const SweepResult> results, const Plot& plot) {
  std::vector<Group> groups;
  for (const SweepResult& result : results) {
    for (const UsersAtTarget& users : result.users_at_target) {
      const bool known = std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
        return group.target == users.target;
      });
      if (!known) groups.push_back({.target = users.target});
    }
  }
  for (Group& group : groups) {
    for (size_t i = 0; i < results.size(); ++i) {
      Bar bar{.name = i < plot.curves.size() ? plot.curves[i].name : results[i].name, .style = i};
      for (const UsersAtTarget& users : results[i].users_at_target) {
        if (users.target == group.target) bar.users = &users;
      }
      bar.value = value_text(bar.users, results[i].system.gpus);
      group.bars.push_back(std::move(bar));
    }
  }
  return groups;
}

double length_of(const Bar& bar) {
  if (bar.users == nullptr || bar.users->kind == UsersKind::kNoValidLevel) return 0;
  return std::max(0.0, bar.users->users_per_gpu);
}

struct Frame {
  double left = 0, right = 0;
  double longest = 1;  // users per GPU at `right`
};

// A bar that is only a lower bound ends in an open, dashed edge.
std::string draw_bar(const Bar& bar, double y, const Frame& frame) {
  const size_t style = bar.style % kStyles;
  const double width = length_of(bar) / frame.longest * (frame.right - frame.left);
  std::string svg =
      svg_text(frame.left - 10, y + 14, bar.name,
               {.css = "ink", .size = 13, .anchor = "end", .max_width = frame.left - 34});
  svg += "<g><title>" + markup(bar.name + ": " + bar.value, 500) + "</title>\n";
  svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"f{}\"/>\n",
                     coordinate(frame.left), coordinate(y), coordinate(std::max(width, 1.5)),
                     coordinate(kBar), style);
  double end = frame.left + std::max(width, 1.5);
  if (bar.users != nullptr && bar.users->kind == UsersKind::kBeyondSweep) {
    svg += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"18\" height=\"{}\" class=\"open c{}\" fill=\"none\" "
        "stroke-dasharray=\"3 3\"/>\n",
        coordinate(end), coordinate(y + 0.9), coordinate(kBar - 1.8), style);
    end += 18;
  }
  svg += "</g>\n";
  return svg + svg_text(end + 8, y + 14, bar.value, {.css = "ink", .size = kValueSize});
}

Frame frame_of(const std::vector<Group>& groups, double width) {
  Frame frame{.longest = 1e-9};
  double names = 60;
  double values = 60;
  for (const Group& group : groups) {
    for (const Bar& bar : group.bars) {
      names = std::max(names, text_width(fit_width(bar.name, width * 0.3, 13), 13));
      values = std::max(values, text_width(bar.value, kValueSize));
      frame.longest = std::max(frame.longest, length_of(bar));
    }
  }
  frame.left = 24 + names + 12;
  frame.right = width - 24 - values - 34;
  return frame;
}

}  // namespace

std::string bars_figure(std::span<const SweepResult> results, const Plot& plot,
                        const FigureOptions& options) {
  const std::vector<Group> groups = groups_of(results, plot);
  const double width = std::max(options.width, 480);
  std::string body;
  const double head = svg_heading({plot.title, plot.subtitle, plot.badges}, width, body);
  double y = head + 10;
  std::string description = plot.y_title + " at the latency target.";
  const Frame frame = frame_of(groups, width);
  for (const Group& group : groups) {
    body += svg_text(24, y + 16, condition_text(group.target),
                     {.css = "ink b", .size = 14, .max_width = width - 48});
    y += kGroupHead - kGap;
    const double top = y;
    for (const Bar& bar : group.bars) {
      body += draw_bar(bar, y, frame);
      description += " " + bar.name + ": " + bar.value + ".";
      y += kBar + kGap;
    }
    body += svg_line(frame.left, top - 3, frame.left, y - kGap + 3, "thin axis");
    y += kGap;
  }
  if (groups.empty()) {
    body += svg_text(width / 2, y + 60, "no result has a latency target",
                     {.css = "soft", .size = 15, .anchor = "middle"});
    y += 100;
  }
  body += svg_text(24, y + 18,
                   "bars from 0, in users per GPU · dashed end: every measured level "
                   "meets the target, so this is a lower bound",
                   {.css = "soft", .size = 11, .max_width = width - 48});
  const Page page{
      .width = width, .height = y + 34, .title = plot.title, .description = std::move(description)};
  return svg_open(page) + body + svg_close();
}

}  // namespace llmsweep::report
