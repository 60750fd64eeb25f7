# What `cmake --install` puts where, and what `cpack` makes a Debian package of.
#   cmake --build build/release --target llmsweep && cmake --install build/release --prefix ~/.local
#   cpack --config build/release/CPackConfig.cmake -B build/package
set(LLMSWEEP_MAINTAINER "The llmsweep authors <llmsweep@example.org>" CACHE STRING
    "Maintainer of the Debian package")

# All that is installed comes with the target llmsweep: tests need not be built for it.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

# Completions and the manual come from the command line's definition, through the program itself.
set(shell_files ${CMAKE_BINARY_DIR}/shell)
find_program(GZIP gzip REQUIRED)
add_custom_command(TARGET llmsweep POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E make_directory ${shell_files}
  COMMAND llmsweep completion bash > ${shell_files}/llmsweep
  COMMAND llmsweep completion zsh > ${shell_files}/_llmsweep
  COMMAND llmsweep completion fish > ${shell_files}/llmsweep.fish
  COMMAND llmsweep man > ${shell_files}/llmsweep.1
  COMMAND ${GZIP} -9nf ${shell_files}/llmsweep.1
  VERBATIM)

install(TARGETS llmsweep)
install(DIRECTORY configs datasets DESTINATION ${CMAKE_INSTALL_DATADIR}/llmsweep
  PATTERN "ShareGPT*" EXCLUDE
  PATTERN "requests.jsonl" EXCLUDE)  # of datasets/measured: 17 MB that only the repository needs
install(FILES ${shell_files}/llmsweep
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${shell_files}/llmsweep.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${shell_files}/llmsweep.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
# Debian's zsh looks for packages' functions in a folder of its own.
install(CODE "
  set(folder site-functions)
  if(CMAKE_INSTALL_PREFIX MATCHES \"(^|/)usr/?$\" AND EXISTS /etc/debian_version)
    set(folder vendor-completions)
  endif()
  file(INSTALL ${shell_files}/_llmsweep
    DESTINATION \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/\${folder})")

configure_file(packaging/changelog.in ${CMAKE_BINARY_DIR}/packaging/changelog @ONLY)
execute_process(COMMAND ${GZIP} -9nf ${CMAKE_BINARY_DIR}/packaging/changelog)
install(FILES packaging/copyright ${CMAKE_BINARY_DIR}/packaging/changelog.gz README.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES ${NOTICES_FILE} ${SBOM_FILE} DESTINATION ${CMAKE_INSTALL_DOCDIR})

file(READ packaging/description CPACK_DEBIAN_PACKAGE_DESCRIPTION)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME llmsweep)
set(CPACK_PACKAGE_CONTACT ${LLMSWEEP_MAINTAINER})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS librsvg2-bin)  # report --png
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
include(CPack)
