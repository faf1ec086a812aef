include(GNUInstallDirs)
include(cmake/floors.cmake)
# Preset tsan-base builds the lowest floor alone.
if(NOT SCOREFIELD_BUILT_FLOORS)
  set(SCOREFIELD_BUILT_FLOORS ${SCOREFIELD_FLOORS})
endif()

set(sources)
set(headers)
foreach(floor ${SCOREFIELD_BUILT_FLOORS})
  file(GLOB found CONFIGURE_DEPENDS src/scorefield/${floor}/*.cc)
  list(FILTER found EXCLUDE REGEX "_test\\.cc$")
  list(APPEND sources ${found})
  # The insides of the kernels (they need Highway) and what only tests share are not for users.
  file(GLOB found CONFIGURE_DEPENDS src/scorefield/${floor}/*.h)
  list(FILTER found EXCLUDE REGEX "kernel/(candidates|centred_rows|difference_loops|posterior_[a-z]+|query_panel|tile)\\.h$|_test\\.h$")
  list(APPEND headers ${found})
endforeach()
add_library(scorefield SHARED ${sources})
add_library(scorefield::scorefield ALIAS scorefield)
# A header with a source beside it compiles alone: the source begins with it (check_house.cmake). The others are compiled
# by themselves.
set(lone_headers)
foreach(header ${headers})
  string(REGEX REPLACE "\\.h$" ".cc" source ${header})
  if(NOT EXISTS ${source})
    list(APPEND lone_headers ${header})
  endif()
endforeach()
list(REMOVE_ITEM headers ${lone_headers})
target_sources(scorefield PUBLIC FILE_SET HEADERS BASE_DIRS src FILES ${headers}
                                 FILE_SET lone_headers TYPE HEADERS BASE_DIRS src FILES ${lone_headers})
target_compile_features(scorefield PUBLIC cxx_std_20)
target_include_directories(scorefield SYSTEM PRIVATE ${RANDOM123_INCLUDE_DIR} ${SPECTRA_INCLUDE_DIR})
target_compile_definitions(scorefield PRIVATE SCOREFIELD_VERSION="${PROJECT_VERSION}")
target_link_libraries(scorefield PUBLIC Threads::Threads fmt::fmt nlohmann_json::nlohmann_json
  PRIVATE ${CMAKE_DL_LIBS} $<BUILD_INTERFACE:scorefield_settings> Eigen3::Eigen ZLIB::ZLIB PNG::PNG JPEG::JPEG
          PkgConfig::HWY PkgConfig::ZIP PkgConfig::CAIRO)
set_target_properties(scorefield PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)

# At -O2 g++ 12 loses a factor of 3 in the hot loops.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  file(GLOB kernels CONFIGURE_DEPENDS src/scorefield/kernel/*.cc src/scorefield/base/normals.cc
       src/scorefield/base/gram.cc src/scorefield/base/eigen.cc src/scorefield/learn/optimiser.cc)
  set_source_files_properties(${kernels} PROPERTIES COMPILE_OPTIONS "-O3")
endif()

# Here ThreadSanitizer trips g++ 12 over one of its passes (an internal error in sse.md, output_6926).
if(SCOREFIELD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(src/scorefield/kernel/tile_dots.cc PROPERTIES COMPILE_OPTIONS "-fno-tree-forwprop")
endif()

# Under UndefinedBehaviorSanitizer clang 14 takes more than four minutes over these unrolled loops, without it one.
if(SCOREFIELD_SANITIZE MATCHES "undefined")
  set_source_files_properties(src/scorefield/kernel/tile_dots.cc PROPERTIES COMPILE_OPTIONS "-fno-sanitize=undefined")
endif()

file(GLOB cli_sources CONFIGURE_DEPENDS src/scorefield/cli/*.cc)
list(FILTER cli_sources EXCLUDE REGEX "_test\\.cc$")
add_executable(scorefield_command ${cli_sources})
set_target_properties(scorefield_command PROPERTIES OUTPUT_NAME scorefield
  INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
target_compile_definitions(scorefield_command PRIVATE SCOREFIELD_VERSION="${PROJECT_VERSION}")
target_link_libraries(scorefield_command PRIVATE scorefield scorefield_settings CLI11::CLI11)
