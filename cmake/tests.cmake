# A unit test stands beside its code (x_test.cc); one test program a floor. tests/ holds what crosses floors.
enable_testing()
include(GoogleTest)

# Absolute paths stay in one header, so that ccache finds the other tests whatever folder the tree is in.
configure_file(tests/paths.h.in generated/tests/paths.h @ONLY)

# One test program from its sources; its tests carry the floor's name as their label (ctest -L '^data$').
function(scorefield_add_tests floor)
  set(name ${floor}_test)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE scorefield scorefield_settings Eigen3::Eigen ZLIB::ZLIB PkgConfig::ZIP
                        PkgConfig::HWY PNG::PNG JPEG::JPEG GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)  # tests/*.h
  target_include_directories(${name} SYSTEM PRIVATE ${RANDOM123_INCLUDE_DIR})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 600 LABELS ${floor})
endfunction()

# Tests of networks go through the plugin, as every user does.
foreach(floor ${SCOREFIELD_FLOORS} torch cli)
  if(floor STREQUAL "torch" AND NOT TARGET scorefield_networks)
    continue()
  endif()
  file(GLOB found CONFIGURE_DEPENDS src/scorefield/${floor}/*_test.cc)
  if(found)
    scorefield_add_tests(${floor} ${found})
    if(TARGET scorefield_networks)
      add_dependencies(${floor}_test scorefield_networks)
    endif()
  endif()
endforeach()
if(TARGET cli_test)
  # The commands are no part of the library.
  set(commands ${cli_sources})
  list(FILTER commands EXCLUDE REGEX "/main\\.cc$")
  target_sources(cli_test PRIVATE ${commands})
  target_link_libraries(cli_test PRIVATE CLI11::CLI11)
endif()
file(GLOB found CONFIGURE_DEPENDS tests/*_test.cc)
if(found)
  scorefield_add_tests(commands ${found})
  add_dependencies(commands_test scorefield_command)
  target_compile_definitions(commands_test PRIVATE SCOREFIELD_COMMAND="$<TARGET_FILE:scorefield_command>")
endif()
add_test(NAME house.rules COMMAND ${CMAKE_COMMAND} -P ${PROJECT_SOURCE_DIR}/cmake/check_house.cmake)
set_tests_properties(house.rules PROPERTIES LABELS house)
find_program(CLANG_FORMAT clang-format-14)
if(CLANG_FORMAT)
  file(GLOB_RECURSE formatted CONFIGURE_DEPENDS src/*.h src/*.cc bench/*.h bench/*.cc fuzz/*.h fuzz/*.cc tests/*.h tests/*.cc)
  add_test(NAME house.formatting COMMAND ${CLANG_FORMAT} --dry-run --Werror ${formatted})
  set_tests_properties(house.formatting PROPERTIES LABELS house)
endif()

# Every public header compiles alone (library.cmake), and a stranger's project builds against what is installed.
if(NOT SCOREFIELD_SANITIZE)
  set_target_properties(scorefield PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON
                        INTERFACE_HEADER_SETS_TO_VERIFY lone_headers)
  cmake_language(DEFER CALL add_custom_target scorefield_headers ALL
                 DEPENDS scorefield_verify_interface_header_sets)
  add_test(NAME house.install
           COMMAND ${CMAKE_COMMAND} -D BUILD=${PROJECT_BINARY_DIR} -D VERSION=${PROJECT_VERSION}
                   -D COMPILER=${CMAKE_CXX_COMPILER} -P ${PROJECT_SOURCE_DIR}/tests/install/check.cmake)
  set_tests_properties(house.install PROPERTIES LABELS house TIMEOUT 600)
endif()
