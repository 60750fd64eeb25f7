// One result from the folders that the clients of `run --part` left: what one client would have
// left that had sent it all.
#pragma once

#include <filesystem>
#include <vector>

#include "llmsweep/sweep/rebuild.h"

namespace llmsweep {

// Writes requests.jsonl, sweep.jsonl and result.json into the fresh folder `out`; the parts are
// read only. Instants become those of client 0's clock. The same parts in any order give the same
// bytes.
//
// A client that did not come to the end of a run makes it INVALID (client_lost); its records are
// kept. Throws Error where a folder is no part (what was merged is none), a part is missing or
// there twice, or two are of unlike sweeps.
Rebuilt merge_parts(const std::vector<std::filesystem::path>& folders,
                    const std::filesystem::path& out);

}  // namespace llmsweep
