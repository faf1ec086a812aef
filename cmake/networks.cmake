# The plugin with LibTorch, opened when a network is first used (src/scorefield/learn/library.h).
if(TORCH_INCLUDE_DIR AND TORCH_API_INCLUDE_DIR AND TORCH_LIBRARY AND C10_LIBRARY)
  file(GLOB network_sources CONFIGURE_DEPENDS src/scorefield/torch/*.cc)
  list(FILTER network_sources EXCLUDE REGEX "_test\\.cc$")
  add_library(scorefield_networks MODULE ${network_sources})
  # clang 14 takes LibTorch 1.13's headers as C++17 only.
  target_compile_features(scorefield_networks PRIVATE cxx_std_17)
  set_target_properties(scorefield_networks PROPERTIES CXX_STANDARD 17 INSTALL_RPATH "$ORIGIN/..")
  target_include_directories(scorefield_networks PRIVATE src)
  target_include_directories(scorefield_networks SYSTEM PRIVATE ${TORCH_INCLUDE_DIR} ${TORCH_API_INCLUDE_DIR})
  target_link_libraries(scorefield_networks PRIVATE scorefield_settings PkgConfig::HWY ${TORCH_LIBRARY} ${C10_LIBRARY}
                        $<LINK_ONLY:scorefield>)
  add_dependencies(scorefield_command scorefield_networks)

  # Models that come with scorefield lie beside the plugin, also before they are installed.
  file(GLOB SCOREFIELD_MODELS CONFIGURE_DEPENDS models/*.safetensors)
  if(SCOREFIELD_MODELS)
    add_custom_target(scorefield_models ALL
      COMMAND ${CMAKE_COMMAND} -E copy_if_different ${SCOREFIELD_MODELS} $<TARGET_FILE_DIR:scorefield_networks>)
    add_dependencies(scorefield_networks scorefield_models)
  endif()
else()
  message(STATUS "LibTorch (libtorch-dev) was not found: networks are left out")
endif()
