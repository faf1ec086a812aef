# cmake -D BUILD=... -D VERSION=... -D COMPILER=... -P check.cmake: installs BUILD into a folder of its own, then builds
# and runs the consumer beside this file against it, and the installed command.
cmake_minimum_required(VERSION 3.25)
set(place "${BUILD}/install_test")
file(REMOVE_RECURSE "${place}")

function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message("${output}")
    message(FATAL_ERROR "failed (${code}): ${command}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect text)
  if(NOT output MATCHES "${text}")
    message(FATAL_ERROR "expected '${text}' in:\n${output}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install "${BUILD}" --prefix "${place}/prefix")
run(${CMAKE_COMMAND} -S "${CMAKE_CURRENT_LIST_DIR}" -B "${place}/build" -G Ninja "-DCMAKE_PREFIX_PATH=${place}/prefix"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DWANTED_VERSION=${VERSION}")
run(${CMAKE_COMMAND} --build "${place}/build")
run("${place}/build/consumer")
expect("scorefield ${VERSION}")
run("${place}/prefix/bin/scorefield" --version)
expect("${VERSION}")

# The plugin finds what lies beside it.
file(GLOB_RECURSE plugin "${place}/prefix/*/libscorefield_networks.so")
foreach(found ${plugin})
  get_filename_component(folder "${found}" DIRECTORY)
  if(NOT EXISTS "${folder}/fashion-mnist-classifier.safetensors")
    message(FATAL_ERROR "the classifier of Fashion-MNIST is not installed beside ${found}")
  endif()
endforeach()

# What is for ourselves stays at home.
file(GLOB_RECURSE ours "${place}/prefix/*_test*" "${place}/prefix/*_bench*" "${place}/prefix/*.cc")
if(ours)
  message(FATAL_ERROR "installed, but not for users: ${ours}")
endif()
file(GLOB_RECURSE headers "${place}/prefix/include/*.h")
foreach(header ${headers})
  file(STRINGS "${header}" private REGEX "#include [<\"](hwy|Eigen|Spectra|cairo|CLI|Random123)/")
  if(private)
    message(FATAL_ERROR "${header} asks users for a library that is ours alone: ${private}")
  endif()
endforeach()
file(REMOVE_RECURSE "${place}")
