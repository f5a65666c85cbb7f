# A training job's process on its own: the pytest files of tests/train run it on folders they make.
if(TARGET lathe_train)
  add_executable(train_driver ${CMAKE_SOURCE_DIR}/tests/train/train_driver.c)
  target_compile_definitions(train_driver PRIVATE _POSIX_C_SOURCE=200809L)
  target_link_libraries(train_driver PRIVATE lathe_train)
endif()
