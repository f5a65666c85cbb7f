# Cross-builds liblathe for ARM and runs its tests under qemu-user. tools/setup.sh unpacks zlib and
# cmocka for ARM under build/deps/aarch64, beside and not into the machine's own packages.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

set(arm_root ${CMAKE_CURRENT_LIST_DIR}/../build/deps/aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${arm_root})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR
    qemu-aarch64 -L /usr/aarch64-linux-gnu
    -E LD_LIBRARY_PATH=${arm_root}/usr/lib/aarch64-linux-gnu:${arm_root}/lib/aarch64-linux-gnu)
