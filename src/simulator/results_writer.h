// Answers that are results for texts, in one piece: served_embeddings.cc, served_rerank.cc.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "simulator/wire.h"

namespace llmsweep::sim {

// An unstreamed answer alone: what belongs to a stream is never called, and writes nothing.
class ResultsWriter : public EventWriter {
 public:
  ResultsWriter(const WireProfile& wire, Dialect dialect, Answer answer)
      : EventWriter(wire, dialect, std::move(answer)) {}

  void opening(std::string& /*out*/) final {}
  void tokens(const TokenText& /*text*/, const Progress& /*progress*/, std::string_view /*finish*/,
              std::string& /*out*/) final {}
  void closing(std::string_view /*finish*/, const Progress& /*progress*/,
               std::string& /*out*/) final {}
  void done(std::string& /*out*/) final {}

 protected:
  // ,"usage":{…}, or nothing where it is not to be sent.
  std::string usage_member() const;
};

}  // namespace llmsweep::sim
