# A training job's process on its own, and its check of hyperparameters: the pytest files of
# tests/train run them.
if(TARGET lathe_train)
  foreach(program train_driver hyperparameter_answers)
    add_executable(${program} ${CMAKE_SOURCE_DIR}/tests/train/${program}.c)
    target_compile_definitions(${program} PRIVATE _POSIX_C_SOURCE=200809L)
    target_link_libraries(${program} PRIVATE lathe_train)
  endforeach()
endif()
