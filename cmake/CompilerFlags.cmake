# One interface target carries the warnings, the sanitizers and the hardening of every build.
add_library(llmsweep_flags INTERFACE)
target_compile_options(llmsweep_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
  -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms about std::string and std::optional in optimised builds (GCC bugs 105651, 80635).
  target_compile_options(llmsweep_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(LLMSWEEP_SANITIZE)
  target_compile_options(llmsweep_flags INTERFACE
    -fsanitize=${LLMSWEEP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(LLMSWEEP_SANITIZE MATCHES undefined)
    # What these four find crashes or is harmless on x86; they double the time to compile.
    target_compile_options(llmsweep_flags INTERFACE
      -fno-sanitize=null,alignment,vptr,object-size -fsanitize=float-cast-overflow)
  endif()
  target_link_options(llmsweep_flags INTERFACE -fsanitize=${LLMSWEEP_SANITIZE})
else()
  set(control_flow -fcf-protection)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
    set(control_flow -mbranch-protection=standard)
  endif()
  target_compile_options(llmsweep_flags INTERFACE
    $<$<CONFIG:Release>:-fstack-protector-strong ${control_flow}>)
  # It needs an optimised build, which tests are not.
  target_compile_definitions(llmsweep_flags INTERFACE
    $<$<AND:$<CONFIG:Release>,$<NOT:$<BOOL:$<TARGET_PROPERTY:UNOPTIMISED>>>>:_FORTIFY_SOURCE=2>)
  target_link_options(llmsweep_flags INTERFACE
    $<$<CONFIG:Release>:-pie -Wl,-z,relro,-z,now>)
endif()
