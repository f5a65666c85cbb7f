# The two libraries that tools/setup.sh fetches under build/deps. lathe opens them with dlopen from
# lib/ beside the executable; installed, from lib/lathe/.
set(LATHE_DEPS ${CMAKE_SOURCE_DIR}/build/deps)
foreach(library xgboost duckdb)
  if(EXISTS ${LATHE_DEPS}/${library})
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
    file(CREATE_LINK ${LATHE_DEPS}/${library} ${CMAKE_BINARY_DIR}/lib/${library} SYMBOLIC)
    install(DIRECTORY ${LATHE_DEPS}/${library} DESTINATION lib/lathe
            PATTERN "*.h" EXCLUDE)
  else()
    message(STATUS "${LATHE_DEPS}/${library} is missing: run ./dev setup")
  endif()
endforeach()
