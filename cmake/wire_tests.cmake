# echo_server: the wire's Python tests call it with real clients.
add_executable(echo_server ${CMAKE_SOURCE_DIR}/tests/wire/echo_server.c)
target_compile_definitions(echo_server PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(echo_server PRIVATE lathe_wire)
