# tune_answers: the Python tests of the room tune ask it through this program.
add_executable(tune_answers EXCLUDE_FROM_ALL tests/tune/tune_answers.c)
target_compile_definitions(tune_answers PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(tune_answers PRIVATE lathe_tune lapacke)
