# embed_file(TARGET NAME PATH) puts the bytes of PATH into TARGET. They are declared as
#   extern "C" const char llmsweep_<NAME>_begin[], llmsweep_<NAME>_end[];
function(embed_file target name path)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded/${name}.S)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
    .section .rodata
    .global llmsweep_@name@_begin
    .global llmsweep_@name@_end
llmsweep_@name@_begin:
    .incbin "@path@"
llmsweep_@name@_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
]])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${path})
  target_sources(${target} PRIVATE ${source})
endfunction()
