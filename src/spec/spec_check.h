// What the keys of a spec ask of each other. Each fails at the key that is wrong. Private to spec/.
#pragma once

#include "llmsweep/base/config.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

// Which keys of a section may stand together, before any is read.
template <class Section>
void check_presence(const ConfigNode&, const Section&) {}
void check_presence(const ConfigNode& node, const EndpointSpec& endpoint);
void check_presence(const ConfigNode& node, const LoadSpec& load);

// What the values of a section ask of each other and of the sections before it, which `spec` has.
template <class Section>
void check(const ConfigNode&, Section&, const SweepSpec&) {}
void check(const ConfigNode& node, PowerSpec& power, const SweepSpec& spec);
void check(const ConfigNode& node, PriceSpec& prices, const SweepSpec& spec);
void check(const ConfigNode& node, EndpointSpec& endpoint, const SweepSpec& spec);
void check(const ConfigNode& node, SessionSpec& sessions, const SweepSpec& spec);
void check(const ConfigNode& node, ImagesSpec& images, const SweepSpec& spec);
void check(const ConfigNode& node, WorkloadSpec& workload, const SweepSpec& spec);
void check(const ConfigNode& node, ArrivalSpec& arrivals, const SweepSpec& spec);
void check(const ConfigNode& node, TraceColumns& columns, const SweepSpec& spec);
void check(const ConfigNode& node, TraceSpec& trace, const SweepSpec& spec);
void check(const ConfigNode& node, SearchSpec& search, const SweepSpec& spec);
void check(const ConfigNode& node, LoadSpec& load, const SweepSpec& spec);
void check(const ConfigNode& node, ClientSpec& client, const SweepSpec& spec);

}  // namespace llmsweep
