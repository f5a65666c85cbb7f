# What ./dev bench calls from C: trees by several engines, and CSV text by liblathe.
add_executable(tree_bench ${CMAKE_SOURCE_DIR}/bench/tree_bench.c)
target_compile_definitions(tree_bench PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(tree_bench PRIVATE lathe_tree Threads::Threads ${CMAKE_DL_LIBS})
