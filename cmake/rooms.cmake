# room(NAME [LINK library...] [TEST_LINK library...])
#
# src/NAME/**/*.c becomes the static library lathe_NAME, linked with the rooms that it uses by
# tools/floors.txt; every tests/NAME/test_*.c becomes a cmocka program linked with that room alone
# (and what the room uses), so that a test shows which rooms it needs and one broken room does not
# break another's tests.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/floors.txt)
file(STRINGS ${CMAKE_SOURCE_DIR}/tools/floors.txt LATHE_ROOMS REGEX "^[a-z]")

# Which rooms a room uses.
function(room_uses name result)
  set(used "")
  foreach(line ${LATHE_ROOMS})
    if(line MATCHES "^${name} .* uses (.*)$")
      string(REPLACE " " ";" used "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  set(${result} ${used} PARENT_SCOPE)
endfunction()

function(room name)
  cmake_parse_arguments(ROOM "" "" "LINK;TEST_LINK" ${ARGN})
  room_uses(${name} ROOM_USES)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
  list(APPEND sources ${LATHE_GENERATED_${name}})
  if(NOT sources)
    return()
  endif()
  add_library(lathe_${name} STATIC ${sources})
  target_include_directories(lathe_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_compile_definitions(lathe_${name} PRIVATE _POSIX_C_SOURCE=200809L)
  foreach(used ${ROOM_USES})
    if(TARGET lathe_${used})
      target_link_libraries(lathe_${name} PUBLIC lathe_${used})
    endif()
  endforeach()
  target_link_libraries(lathe_${name} PUBLIC ${ROOM_LINK})

  find_library(CMOCKA cmocka)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${name}/test_*.c)
  if(NOT CMOCKA)
    return()
  endif()
  foreach(source ${tests})
    get_filename_component(test ${source} NAME_WE)
    set(target ${name}_${test})
    add_executable(${target} ${source})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE
                               TEST_FOLDER="${CMAKE_SOURCE_DIR}/tests/${name}")
    target_link_libraries(${target} PRIVATE lathe_${name} ${ROOM_TEST_LINK} ${CMOCKA})
    add_test(NAME ${target} COMMAND ${target})
    set_tests_properties(${target} PROPERTIES TIMEOUT 600)
  endforeach()
endfunction()
