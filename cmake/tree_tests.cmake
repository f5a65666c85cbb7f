# forest_answers: the tree room's Python tests reach the forest through this program.
add_executable(forest_answers EXCLUDE_FROM_ALL tests/tree/forest_answers.c)
target_link_libraries(forest_answers PRIVATE lathe_tree)
