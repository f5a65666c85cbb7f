# The programs that HTTP's tests and benchmarks run: http_probe is the server alone, with a handler
# that does what a test asks; http_load is the load; the other two are what it is held against.
add_executable(http_probe ${CMAKE_SOURCE_DIR}/tests/wire/http_probe.c)
target_compile_definitions(http_probe PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(http_probe PRIVATE lathe_http)

add_executable(http_load ${CMAKE_SOURCE_DIR}/bench/http_load.c)
add_executable(bench_echo ${CMAKE_SOURCE_DIR}/bench/echo_server.c)
add_executable(bench_mhd ${CMAKE_SOURCE_DIR}/bench/mhd_server.c)
target_link_libraries(bench_mhd PRIVATE PkgConfig::libmicrohttpd)
foreach(program http_load bench_echo bench_mhd)
  target_compile_definitions(${program} PRIVATE _GNU_SOURCE)
endforeach()
