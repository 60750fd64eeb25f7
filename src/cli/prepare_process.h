// What has to hold of the process before a command runs, whoever started it.
#pragma once

namespace llmsweep {

// Opens /dev/null at descriptors 0 to 2 where they are closed: the first file that is opened would
// get their number, and messages would be written into it. Ignores SIGPIPE and SIGXFSZ: a reader
// that went away and a limit on a file's size are errors of the write, not deaths. What would end
// in std::terminate says so and exits with 1, without a core that holds the API key.
void prepare_process();

}  // namespace llmsweep
