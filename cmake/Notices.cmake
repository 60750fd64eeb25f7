# What the program has inside or is linked with: NOTICES_FILE, the licence notices of all of it, which
# `llmsweep licenses` prints, and SBOM_FILE, the same as an SPDX document. Both are installed.
#
# By itself the components are Debian's packages, their versions from dpkg-query, their notices from
# /usr/share/doc. A build from other sources names its own in LLMSWEEP_COMPONENTS: a file with a line
#   NAME|VERSION|SPDX-LICENCE|SOURCE|NOTICE-FILE
# for each component; SOURCE is a package URL (pkg:deb/debian/NAME@VERSION), another URL or NOASSERTION.
set(LLMSWEEP_COMPONENTS "" CACHE FILEPATH "Components of a build that is not from Debian's packages")
set(NOTICES_FILE ${CMAKE_BINARY_DIR}/licenses.txt)
set(SBOM_FILE ${CMAKE_BINARY_DIR}/llmsweep.spdx.json)

# name|package|SPDX licence
set(debian_components
  "fmt|libfmt-dev|MIT"
  "yaml-cpp|libyaml-cpp-dev|MIT"
  "simdjson|libsimdjson-dev|Apache-2.0"
  "curl|libcurl4-openssl-dev|curl"
  "OpenSSL|libssl-dev|Apache-2.0"
  "Oniguruma|libonig-dev|BSD-2-Clause"
  "utf8proc|libutf8proc-dev|MIT"
  "zlib|zlib1g-dev|Zlib"
  "Zstandard|libzstd-dev|BSD-3-Clause"
  "Boost|libboost-dev|BSL-1.0"
  "nlohmann-json|nlohmann-json3-dev|MIT"
  "CLI11|libcli11-dev|BSD-3-Clause"
  "libstdc++|libstdc++-12-dev|GPL-3.0-or-later WITH GCC-exception-3.1")

# Lines of LLMSWEEP_COMPONENTS's form for what is installed.
function(components_of_debian result)
  set(lines "")
  foreach(component IN LISTS debian_components)
    string(REPLACE "|" ";" fields "${component}")
    list(GET fields 0 name)
    list(GET fields 1 package)
    list(GET fields 2 licence)
    execute_process(COMMAND dpkg-query -W "-f=\${Version}" ${package}
      OUTPUT_VARIABLE version ERROR_QUIET RESULT_VARIABLE failed)
    if(failed OR version STREQUAL "")
      continue()
    endif()
    set(notice /usr/share/doc/${package}/copyright)
    if(name STREQUAL "Boost")  # two megabytes of who wrote which header
      set(notice ${CMAKE_SOURCE_DIR}/packaging/licenses/BSL-1.0.txt)
    endif()
    list(APPEND lines "${name}|${version}|${licence}|NOASSERTION|${notice}")
  endforeach()
  set(${result} "${lines}" PARENT_SCOPE)
endfunction()

function(write_notices)
  if(LLMSWEEP_COMPONENTS)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${LLMSWEEP_COMPONENTS})
    file(STRINGS ${LLMSWEEP_COMPONENTS} components)
  else()
    components_of_debian(components)
  endif()
  set(rule "================================================================================")
  file(READ ${CMAKE_SOURCE_DIR}/LICENSE own)
  file(WRITE ${NOTICES_FILE} "llmsweep ${PROJECT_VERSION}\n\n${own}\n"
    "Inside the program, or linked with it:\n")
  set(packages "")
  set(relations "")
  set(number 0)
  foreach(component IN LISTS components)
    string(REPLACE "|" ";" fields "${component}")
    list(GET fields 0 name)
    list(GET fields 1 version)
    list(GET fields 2 licence)
    list(GET fields 3 location)
    list(GET fields 4 notice)
    set(references "")
    if(location MATCHES "^pkg:")  # what scanners for vulnerabilities look up
      set(references ",
     \"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\",
                       \"referenceLocator\": \"${location}\"}]")
      set(location NOASSERTION)
    endif()
    math(EXPR number "${number} + 1")
    file(APPEND ${NOTICES_FILE} "  ${name} ${version}: ${licence}\n")
    string(APPEND packages ",
    {\"SPDXID\": \"SPDXRef-${number}\", \"name\": \"${name}\", \"versionInfo\": \"${version}\",
     \"downloadLocation\": \"${location}\", \"filesAnalyzed\": false,
     \"licenseConcluded\": \"${licence}\", \"licenseDeclared\": \"${licence}\",
     \"copyrightText\": \"NOASSERTION\"${references}}")
    string(APPEND relations ",
    {\"spdxElementId\": \"SPDXRef-llmsweep\", \"relationshipType\": \"DEPENDS_ON\",
     \"relatedSpdxElement\": \"SPDXRef-${number}\"}")
  endforeach()
  foreach(component IN LISTS components)
    string(REPLACE "|" ";" fields "${component}")
    list(GET fields 0 name)
    list(GET fields 4 notice)
    file(APPEND ${NOTICES_FILE} "\n${rule}\n${name}\n${rule}\n\n")
    if(EXISTS ${notice})
      file(READ ${notice} text)
      file(APPEND ${NOTICES_FILE} "${text}")
    else()
      message(WARNING "no notice of ${name}: ${notice} is not there")
    endif()
  endforeach()
  set(apache /usr/share/common-licenses/Apache-2.0)  # Debian's notices only point there
  if(EXISTS ${apache})
    file(READ ${apache} text)
    file(APPEND ${NOTICES_FILE} "\n${rule}\nApache License 2.0\n${rule}\n\n${text}")
  endif()
  file(SHA256 ${NOTICES_FILE} digest)
  string(TIMESTAMP created "%Y-%m-%dT%H:%M:%SZ" UTC)
  file(WRITE ${SBOM_FILE} "{\"spdxVersion\": \"SPDX-2.3\", \"dataLicense\": \"CC0-1.0\",
  \"SPDXID\": \"SPDXRef-DOCUMENT\", \"name\": \"llmsweep-${PROJECT_VERSION}\",
  \"documentNamespace\": \"https://llmsweep.invalid/spdx/llmsweep-${PROJECT_VERSION}-${digest}\",
  \"creationInfo\": {\"created\": \"${created}\", \"creators\": [\"Tool: llmsweep-build\"]},
  \"packages\": [
    {\"SPDXID\": \"SPDXRef-llmsweep\", \"name\": \"llmsweep\", \"versionInfo\": \"${PROJECT_VERSION}\",
     \"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false, \"licenseConcluded\": \"MIT\",
     \"licenseDeclared\": \"MIT\", \"copyrightText\": \"NOASSERTION\"}${packages}],
  \"relationships\": [
    {\"spdxElementId\": \"SPDXRef-DOCUMENT\", \"relationshipType\": \"DESCRIBES\",
     \"relatedSpdxElement\": \"SPDXRef-llmsweep\"}${relations}]}
")
endfunction()
write_notices()
