# The first process of a sandbox (src/sandbox/first.c) is a program of its own, which the room `sandbox`
# has in it. Of the room it has what it needs and no more, so that it starts within a millisecond.
enable_language(ASM)
set(LATHE_APART_sandbox first.c)
add_executable(lathe_first src/sandbox/first.c src/sandbox/inside.c src/sandbox/forward.c
                           src/sandbox/resolver.c)
target_compile_definitions(lathe_first PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(lathe_first PRIVATE lathe_base)
target_link_options(lathe_first PRIVATE -Wl,--as-needed,--gc-sections $<$<CONFIG:Release>:-s>)
file(CONFIGURE OUTPUT first_process.S CONTENT [[
    .section .rodata
    .global first_program, first_program_end
    .balign 16
first_program:
    .incbin "@CMAKE_BINARY_DIR@/lathe_first"
first_program_end:
    .section .note.GNU-stack, "", %progbits
]] @ONLY)
set(LATHE_GENERATED_sandbox ${CMAKE_BINARY_DIR}/first_process.S)
set_source_files_properties(${LATHE_GENERATED_sandbox} PROPERTIES OBJECT_DEPENDS lathe_first)
