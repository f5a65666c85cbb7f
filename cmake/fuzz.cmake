# Every tests/<room>/fuzz_<what>.c is a libFuzzer target <room>_fuzz_<what>, linked with its room;
# its corpus is tests/<room>/corpus/<what>/. `./dev test --all` replays the corpora;
# `./dev fuzz <room>/<what> <seconds>` searches on.
file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*/fuzz_*.c)
foreach(source ${fuzzers})
  get_filename_component(name ${source} NAME_WE)
  get_filename_component(folder ${source} DIRECTORY)
  get_filename_component(room ${folder} NAME)
  string(REPLACE "fuzz_" "" what ${name})
  set(target ${room}_${name})
  if(TARGET lathe_${room})
    add_executable(${target} ${source})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    target_link_libraries(${target} PRIVATE lathe_${room})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${target} COMMAND ${target} -runs=0 ${folder}/corpus/${what})
  endif()
endforeach()
