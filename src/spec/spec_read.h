// The sections of a spec, from its parsed text. Private to spec/.
#pragma once

#include "llmsweep/base/config.h"
#include "llmsweep/model/spec.h"
#include "spec/spec_paths.h"

namespace llmsweep {

SweepSpec read_spec(const ConfigNode& root, const SpecPaths& paths);

SystemSpec read_system(const ConfigNode& node);
EndpointSpec read_endpoint(const ConfigNode& node, const SpecPaths& paths);
WorkloadSpec read_workload(const ConfigNode& node, const EndpointSpec& endpoint,
                           const SpecPaths& paths);
LoadSpec read_load(const ConfigNode& node);
ClientSpec read_client(const ConfigNode& node, const EndpointSpec& endpoint);
std::vector<Target> read_targets(const ConfigNode& node);
std::vector<Target> read_goodput(const ConfigNode& node);

}  // namespace llmsweep
