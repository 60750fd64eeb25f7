# unity_by_module(TARGET SOURCES...) compiles the sources of one module (a folder of src/) as one,
# in builds whose LLMSWEEP_UNITY is ALL: most of a short file's compile time is its headers'.
# fmt's headers do not compile after simdjson's amalgamation, so they come first.
function(unity_by_module target)
  if(NOT LLMSWEEP_UNITY STREQUAL "ALL")
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP
    UNITY_BUILD_CODE_BEFORE_INCLUDE "#include <fmt/format.h>")
  foreach(source ${ARGN})
    if(source MATCHES "/src/([a-z_]+)/[^/]+\\.cc$")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${CMAKE_MATCH_1})
    endif()
  endforeach()
endfunction()
