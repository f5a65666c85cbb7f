# The floors above liblathe: they may use GLib, Jansson and the libraries of the README's table.
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
foreach(module glib-2.0 jansson sqlite3 libmicrohttpd libarchive libfyaml)
  string(MAKE_C_IDENTIFIER ${module} id)
  pkg_check_modules(${id} REQUIRED IMPORTED_TARGET ${module})
endforeach()

include(cmake/shapes.cmake OPTIONAL)
include(cmake/deps.cmake OPTIONAL)

room(sample USES parse LINK m)
room(base USES parse
     LINK PkgConfig::glib_2_0 PkgConfig::jansson PkgConfig::libarchive PkgConfig::libfyaml
          OpenSSL::Crypto ZLIB::ZLIB Threads::Threads m)
room(worker USES base)
room(log USES base)
room(store USES base LINK PkgConfig::sqlite3)
target_compile_definitions(lathe_store PRIVATE $<$<CONFIG:Debug>:LATHE_CHECK_STORE>)
room(operation USES store base)
room(lake USES store base)
room(table USES lake base csv LINK ${CMAKE_DL_LIBS})
room(rows USES table base csv model parse LINK ZLIB::ZLIB Threads::Threads)
room(train USES rows base csv tree LINK ${CMAKE_DL_LIBS})
room(monitor USES base)
room(runtime USES train monitor rows feature base model)
room(job USES runtime lake store log base)
room(serve USES runtime monitor model tree lake store worker base)
room(flow USES operation store base)
room(service USES flow serve job runtime train lake operation store log base)
room(http USES base LINK PkgConfig::libmicrohttpd)
room(wire USES http operation base)

if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/main.c)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/cli/*.c)
  add_executable(lathe ${sources})
  target_compile_definitions(lathe PRIVATE _POSIX_C_SOURCE=200809L
                             LATHE_VERSION="${PROJECT_VERSION}")
  target_link_libraries(lathe PRIVATE lathe_wire lathe_service lathe_export lathe_sample)
  install(TARGETS lathe)
endif()

include(cmake/http_tests.cmake OPTIONAL)
include(cmake/train_tests.cmake OPTIONAL)
