// The page's charts as data: what figure_svg() draws, for a script that draws the same. Private to
// report/.
//
// An array of charts, each {id, title, wide, views}. A view is one choice of what is shown
// (a chart of latencies has one a metric and statistic; the others have one):
//   name      of the choice; absent where there is none
//   x, y      {log: the scale to begin with, axes: [linear, logarithmic]}, an axis being {title,
//             ticks}, a tick [place, text, from which length of the axis on it has room, whether
//             its line is drawn without the text]
//   curves    {result, dash, name, points}, a point {l: level, x, y, xi, yi, text, no, ring, most}:
//             x and y are places on both axes, null: not on it; xi and yi its interval there as
//             [from, to, whether each end is inside]; no: invalid, ring: the level that carries the
//             users, most: an upper bound
//   targets   {vertical, at, text}; front: places of the Pareto front
//   notes     what the marks mean
//   sizes     {width, height, at}: in user units; `at` has one for (linear, linear), (linear, log),
//             (log, linear), (log, log): {area, labels, targets, note}. A label is [curve, point,
//             text, x, y] from its point, and the ends of its leader; a target's [target, x, y]
//             from its line and the frame.
// A place is a share of the axis, 0 to 1, y upwards.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "llmsweep/model/result.h"
#include "report/axis.h"

namespace llmsweep::report {

nlohmann::ordered_json charts_json(std::span<const SweepResult> results);

// [place, text, from, line]; none that an axis of `longest` user units has no room for.
nlohmann::ordered_json ticks_json(const Axis& axis, double longest);
nlohmann::ordered_json place_json(double share);  // null: not finite

// Dash patterns and markers of the curves' styles, in the order of their numbers.
nlohmann::ordered_json styles_json();

}  // namespace llmsweep::report
