# `find_package(scorefield)` after `cmake --install`.
include(CMakePackageConfigHelpers)
install(TARGETS scorefield EXPORT scorefield FILE_SET HEADERS FILE_SET lone_headers)
install(TARGETS scorefield_command)
if(TARGET scorefield_networks)
  install(TARGETS scorefield_networks LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/scorefield)
  install(FILES ${SCOREFIELD_MODELS} DESTINATION ${CMAKE_INSTALL_LIBDIR}/scorefield)
endif()
install(EXPORT scorefield NAMESPACE scorefield:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/scorefield)
configure_package_config_file(cmake/scorefieldConfig.cmake.in scorefieldConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/scorefield)
write_basic_package_version_file(scorefieldConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/scorefieldConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/scorefieldConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/scorefield)
