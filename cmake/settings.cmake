# One set of flags for every target of the project.
add_library(scorefield_settings INTERFACE)
# A product and a sum are never fused behind our back: the same bits on every instruction set.
target_compile_options(scorefield_settings INTERFACE -ffp-contract=off)
if(SCOREFIELD_DEVELOPER)
  target_compile_options(scorefield_settings INTERFACE -Wall -Wextra -Wshadow -Wconversion
                         -Wno-sign-conversion -Wno-missing-field-initializers -Wnon-virtual-dtor -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports these falsely inside libstdc++ and Highway.
    target_compile_options(scorefield_settings INTERFACE -Wno-maybe-uninitialized -Wno-restrict
                           -Wno-stringop-overflow -Wno-array-bounds)
  endif()
endif()
if(SCOREFIELD_SANITIZE)
  target_compile_options(scorefield_settings INTERFACE -fsanitize=${SCOREFIELD_SANITIZE}
                         -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(scorefield_settings INTERFACE -fsanitize=${SCOREFIELD_SANITIZE})
endif()
