# The Python of ours that runs in users' interpreters (src/python), as a table in the room `script`.
set(LATHE_GENERATED_script ${CMAKE_BINARY_DIR}/python_files_table.c)
file(GLOB_RECURSE python_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/python/*.py)
add_custom_command(
  OUTPUT ${LATHE_GENERATED_script}
  COMMAND ${LATHE_PYTHON} ${CMAKE_SOURCE_DIR}/tools/embed.py ${LATHE_GENERATED_script}
          ${CMAKE_SOURCE_DIR}/src/python
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed.py ${python_files}
  COMMENT "Embedding src/python"
  VERBATIM)
