#pragma once

namespace llmsweep {

const char* version();  // "0.1.0", as CMakeLists.txt states it

}  // namespace llmsweep
