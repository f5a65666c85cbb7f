# What ./dev bench calls from C: trees by several engines, and CSV text by liblathe.
if(NOT LATHE_FLOOR0_ONLY)
  foreach(program tree_bench csv_bench)
    add_executable(${program} ${CMAKE_SOURCE_DIR}/bench/${program}.c)
    target_compile_definitions(${program} PRIVATE _POSIX_C_SOURCE=200809L)
  endforeach()
  target_link_libraries(tree_bench PRIVATE lathe_tree Threads::Threads ${CMAKE_DL_LIBS})
  target_link_libraries(csv_bench PRIVATE lathe_model)
endif()
