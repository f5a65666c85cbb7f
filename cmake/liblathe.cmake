# liblathe: floor 0 as one library, shared and static, with include/lathe.h as its whole face.
# Everything is compiled hidden and that header alone says what is not, so the objects of both
# export lathe_* only.
set(rooms lathe_parse lathe_csv lathe_archive lathe_feature lathe_tree lathe_model lathe_export)
set(objects)
foreach(room ${rooms})
  list(APPEND objects $<TARGET_OBJECTS:${room}>)
endforeach()

add_library(liblathe SHARED ${objects})
set_target_properties(liblathe PROPERTIES
  OUTPUT_NAME lathe VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE C)
target_link_options(liblathe PRIVATE
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/liblathe.map)
set_target_properties(liblathe PROPERTIES LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/liblathe.map)
target_link_libraries(liblathe PRIVATE ZLIB::ZLIB Threads::Threads m)

# The static one is a single object in which what is hidden has become local.
add_custom_command(
  OUTPUT liblathe.a
  COMMAND ${CMAKE_LINKER} -r -o liblathe.o ${objects}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden liblathe.o
  COMMAND ${CMAKE_COMMAND} -E rm -f liblathe.a
  COMMAND ${CMAKE_AR} rcs liblathe.a liblathe.o
  DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(liblathe_static ALL DEPENDS liblathe.a)
add_dependencies(liblathe_static ${rooms}) # make, other than Ninja, does not see it by the objects

# `cmake --install BUILD --component liblathe` installs these without the server.
include(GNUInstallDirs)
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
configure_file(cmake/lathe.pc.in lathe.pc @ONLY)
install(TARGETS liblathe DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT liblathe)
install(FILES ${CMAKE_BINARY_DIR}/liblathe.a DESTINATION ${CMAKE_INSTALL_LIBDIR}
        COMPONENT liblathe)
install(FILES include/lathe.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT liblathe)
install(FILES ${CMAKE_BINARY_DIR}/lathe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT liblathe)

# `man lathe_predict_text` shows liblathe's page, which has all functions.
file(READ include/lathe.h header)
string(REGEX MATCHALL "lathe_[a-z_]+\\(" functions "${header}")
list(REMOVE_DUPLICATES functions)
set(pages man/liblathe.3)
foreach(function ${functions})
  string(REPLACE "(" ".3" page ${function})
  file(WRITE ${CMAKE_BINARY_DIR}/man/${page} ".so man3/liblathe.3\n")
  list(APPEND pages ${CMAKE_BINARY_DIR}/man/${page})
endforeach()
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT liblathe)
