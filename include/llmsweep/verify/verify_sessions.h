// Holds the records of users, and of a trace's sessions, against what these do, and against the
// truth log of the simulated endpoint.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/record.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {

// A problem for each request of a user whose turn does not follow from the one before: another turn
// than the next, a session that goes on after a failure or ends without one before its last turn,
// or that two users have, a time to think that was not kept by the records or at the endpoint, a
// prompt that is no longer than that of the turn before. Of a trace's session: a turn that stands
// twice, or is of another number of turns; and where it waited for the one before (it has a time to
// think), one that is not the next, that follows a failure, or whose time to think was not kept.
// Records of other loads are passed over, and superseded ones.
std::vector<std::string> verify_sessions(const std::vector<RequestRecord>& records,
                                         const Truth& truth);

}  // namespace llmsweep
