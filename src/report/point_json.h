// A load point in the JSON that the program prints, as in result.json: `concurrency`, and of
// another kind null there and its name beside it. Private to report/.
#pragma once

#include "llmsweep/model/load_point.h"

namespace llmsweep::report {

template <class Json>
void put_point(Json& object, LoadPoint point) {
  const bool closed = point.kind == LoadKind::kConcurrency;
  object["concurrency"] = closed ? Json(point.concurrency()) : Json();
  if (!closed) object["load_point"] = name_of(point);
}

}  // namespace llmsweep::report
