# The shape tables: C written from botocore's models at build time by tools/shapes.py. They go into
# the room `operation`.
set(LATHE_PYTHON "/usr/bin/env;python3" CACHE STRING "a Python with the pinned botocore")
set(shapes_folder ${CMAKE_BINARY_DIR}/shapes)
set(LATHE_GENERATED_operation ${shapes_folder}/shapes_index.c)
set(LATHE_GENERATED_service ${shapes_folder}/services.c)
set(services ${CMAKE_SOURCE_DIR}/tools/services.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${services})
file(STRINGS ${services} names REGEX "^[^#]")
foreach(service ${names})
  string(REPLACE "-" "_" symbol ${service})
  list(APPEND LATHE_GENERATED_operation ${shapes_folder}/shapes_${symbol}.c)
endforeach()
file(GLOB built CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/operations/*.txt
     ${CMAKE_SOURCE_DIR}/tools/models/*.json)
add_custom_command(
  OUTPUT ${LATHE_GENERATED_operation} ${LATHE_GENERATED_service}
  COMMAND ${LATHE_PYTHON} ${CMAKE_SOURCE_DIR}/tools/shapes.py ${services}
          ${CMAKE_SOURCE_DIR}/tools/operations ${shapes_folder}
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/shapes.py ${CMAKE_SOURCE_DIR}/tools/members.py
          ${services} ${built}
  COMMENT "Compiling AWS's shapes"
  VERBATIM)

if(LATHE_CHECK_REPLIES)
  add_compile_definitions(LATHE_CHECK_REPLIES)
endif()

# The wire's test server needs the room `wire`, which is declared after this file is read.
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR}
               CALL include ${CMAKE_SOURCE_DIR}/cmake/wire_tests.cmake)
