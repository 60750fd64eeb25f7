#include "llmsweep/base/version.h"

namespace llmsweep {

const char* version() {
  return LLMSWEEP_VERSION;
}

}  // namespace llmsweep
