// The streams of APIs whose events have names, each of which is the `type` in its data too.
#pragma once

#include <string>
#include <string_view>

#include "simulator/wire.h"

namespace llmsweep::sim {

class TypedEventWriter : public EventWriter {
 public:
  void error(const ApiFailure& failure, std::string& out) final;

 protected:
  using EventWriter::EventWriter;

  // `members` of the event's JSON follow its type: "", or R"("index":0)".
  void typed(std::string_view type, std::string_view members, std::string& out) const;
  // The members of an `error` event.
  virtual std::string error_members(const ApiFailure& failure) = 0;
  // An end that is none of a model's: "network_error".
  static bool is_failure(std::string_view finish);
};

}  // namespace llmsweep::sim
