# unity_by_module(TARGET SOURCES...) compiles the sources of one module (a folder of src/) as one,
# in builds whose LLMSWEEP_UNITY is ALL: most of a short file's compile time is its headers'.
# simdjson's amalgamation and fmt do not go into one translation unit.
function(unity_by_module target)
  if(NOT LLMSWEEP_UNITY STREQUAL "ALL")
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(source ${ARGN})
    file(STRINGS ${source} simdjson REGEX "#include <simdjson.h>")
    if(simdjson OR NOT source MATCHES "/src/([a-z_]+)/[^/]+\\.cc$")
      continue()
    endif()
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${CMAKE_MATCH_1})
  endforeach()
endfunction()
