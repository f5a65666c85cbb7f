# csv_predict: text of rows to text of predictions, for ./dev bench.
add_executable(csv_predict EXCLUDE_FROM_ALL bench/csv_predict.c)
target_compile_definitions(csv_predict PRIVATE _GNU_SOURCE)
target_link_libraries(csv_predict PRIVATE lathe_model)
