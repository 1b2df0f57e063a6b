# Functions that every folder's CMakeLists.txt uses, so that flags live in one place.
#
#   limbeck_library(NAME SOURCES a.cc … DEPS target …)        a static library
#   limbeck_binary(NAME SOURCES main.cc DEPS target … [NO_INSTALL])   a program in build/<preset>/bin
#   limbeck_test(NAME SOURCES a_test.cc … DEPS target … [TIMEOUT seconds] [LABELS label …])
#
# Includes are written from the repository root ("base/clock.h"), generated protos from their
# own root ("limbeck/v1/job.pb.h").

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# What an optimiser warns of differs between compilers; it must not stop a user's build.
set(LIMBECK_WARNINGS -Wall -Wextra $<$<NOT:$<CONFIG:Release>>:-Werror> -Wno-unused-parameter
    -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND LIMBECK_WARNINGS -Wthread-safety)
else()
  # At -O3 g++ 12 sees uninitialised members in every moved-from std::optional, and overlap in "+".
  list(APPEND LIMBECK_WARNINGS $<$<CONFIG:Release>:-Wno-maybe-uninitialized>
       $<$<CONFIG:Release>:-Wno-restrict>)
endif()

if(LIMBECK_SANITIZE)
  add_compile_options(-fsanitize=${LIMBECK_SANITIZE} -fno-omit-frame-pointer -O1 -g1)
  add_link_options(-fsanitize=${LIMBECK_SANITIZE})
endif()

function(limbeck_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${LIMBECK_WARNINGS})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
endfunction()

function(limbeck_binary name)
  cmake_parse_arguments(ARG "NO_INSTALL" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${LIMBECK_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  if(NOT ARG_NO_INSTALL)
    install(TARGETS ${name} RUNTIME)
  endif()
endfunction()

function(limbeck_test name)
  if(NOT LIMBECK_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${LIMBECK_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "LIMBECK_SOURCE_DIR=${CMAKE_SOURCE_DIR};LIMBECK_BINARY_DIR=${CMAKE_BINARY_DIR}/bin")
endfunction()
