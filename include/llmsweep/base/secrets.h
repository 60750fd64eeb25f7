// Which names stand for credentials, so that their values are never written anywhere, and how a
// credential is kept in memory.
#pragma once

#include <string>
#include <string_view>

#include "llmsweep/base/redactor.h"

namespace llmsweep {

// Of a header or a body field: "Authorization", "api-key", "X-Auth-Token", "client_secret", "sig",
// "hf_tokens", "X-Token-2", "X-LLM-Key-Primary", … by the words of the name, whatever separates
// them and whatever stands behind. Case does not matter otherwise; "max_tokens", "stop_token_ids",
// "prompt_cache_key" and "author" are none.
bool names_a_secret(std::string_view name);

// JSON text with the value of every member that names_a_secret() replaced, at any depth. Text that
// is not JSON comes back empty.
std::string redact_json(std::string_view json);

// A key without the byte order marks, white space of any script, invisible characters and line ends
// that editors, shells, web pages and secret stores leave around it.
std::string_view trimmed_key(std::string_view text);

// For the start of a program: from now on a crash writes no memory into a core file. The limit
// alone would not do, since a crash handler that the kernel pipes a core into gets it whatever the
// limit is; the filter leaves every mapping out of it. PR_SET_DUMPABLE would do both, but gives
// /proc/self to root: /dev/stdout could not be opened any more, and no debugger attached.
void keep_secrets_out_of_core_dumps();

}  // namespace llmsweep
