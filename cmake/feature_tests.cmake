# feature_apply: the feature room's Python tests reach the transformers through this program.
# feature_bench: fitting and applying AI4I's features on many rows, for ./dev bench.
add_executable(feature_apply EXCLUDE_FROM_ALL tests/feature/feature_apply.c)
target_link_libraries(feature_apply PRIVATE lathe_feature)

add_executable(feature_bench EXCLUDE_FROM_ALL tests/feature/feature_bench.c)
target_compile_definitions(feature_bench PRIVATE _GNU_SOURCE)
target_link_libraries(feature_bench PRIVATE lathe_feature)
