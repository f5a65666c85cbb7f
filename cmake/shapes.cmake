# The shape tables: C written from botocore's models at build time by tools/shapes.py. They go into
# the room `operation`.
set(LATHE_PYTHON "/usr/bin/env;python3" CACHE STRING "a Python with the pinned botocore")
set(shapes_folder ${CMAKE_BINARY_DIR}/shapes)
set(LATHE_GENERATED_operation ${shapes_folder}/shapes_index.c)
foreach(service application_autoscaling athena cloudwatch ecr events firehose glue iam kinesis lambda
        logs s3 sagemaker sagemaker_metrics sagemaker_runtime sns sqs stepfunctions sts)
  list(APPEND LATHE_GENERATED_operation ${shapes_folder}/shapes_${service}.c)
endforeach()
file(GLOB member_decisions CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/members/*.txt)
add_custom_command(
  OUTPUT ${LATHE_GENERATED_operation}
  COMMAND ${LATHE_PYTHON} ${CMAKE_SOURCE_DIR}/tools/shapes.py
          ${CMAKE_SOURCE_DIR}/tools/operations.txt ${CMAKE_SOURCE_DIR}/tools/members
          ${shapes_folder}
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/shapes.py ${CMAKE_SOURCE_DIR}/tools/members.py
          ${CMAKE_SOURCE_DIR}/tools/operations.txt ${member_decisions}
  COMMENT "Compiling AWS's shapes"
  VERBATIM)

if(LATHE_CHECK_REPLIES)
  add_compile_definitions(LATHE_CHECK_REPLIES)
endif()

# The wire's test server needs the room `wire`, which is declared after this file is read.
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR}
               CALL include ${CMAKE_SOURCE_DIR}/cmake/wire_tests.cmake)
