# unity_by_module(TARGET SOURCES...) compiles the sources of one module (a folder of src/) as one,
# in builds whose LLMSWEEP_UNITY is ALL: most of a short file's compile time is its headers'.
# Sources of simdjson are a group of their own, and those that have nlohmann's library too are
# another: where both are known a value of simdjson converts to one of nlohmann's, and another
# overload may be called. So nlohmann's header is not among COMMON_HEADERS; fmt's are first, since
# they do not compile after simdjson's amalgamation.
#
# Clang loads a precompiled header at once; GCC takes as long as to read the headers.
set(COMMON_HEADERS
  <fmt/format.h> <algorithm> <array> <atomic> <chrono> <cmath> <deque> <filesystem> <fstream>
  <functional> <map> <memory> <mutex> <numeric> <optional> <ranges> <set> <span> <sstream> <string>
  <string_view> <thread> <unordered_map> <variant> <vector>)
set(PRECOMPILE OFF)
if(LLMSWEEP_UNITY AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(PRECOMPILE ON)
endif()

function(unity_by_module target)
  if(NOT LLMSWEEP_UNITY STREQUAL "ALL")
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  if(PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${COMMON_HEADERS})
  else()
    set_target_properties(${target} PROPERTIES
      UNITY_BUILD_CODE_BEFORE_INCLUDE "#include <fmt/format.h>")
  endif()
  foreach(source ${ARGN})
    file(STRINGS ${source} libraries REGEX "#include <(simdjson.h|nlohmann/.*)>")
    if(NOT source MATCHES "/src/([a-z_]+)/[^/]+\\.cc$")
      continue()
    endif()
    set(group ${CMAKE_MATCH_1})
    if(libraries MATCHES simdjson)
      string(APPEND group _simdjson)
      if(libraries MATCHES nlohmann)
        string(APPEND group _and_nlohmann)
      endif()
    endif()
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()
