# Debian packages of the client libraries: `cpack -G DEB` in a build configured for /usr, which is what
# tools/package makes. One package for each component.
set(CPACK_COMPONENTS_ALL libspread libspread-dev client)
if(TARGET spread_python)
    list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "spreadd maintainers <maintainers@spreadd.invalid>")
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)

# spread_package(COMPONENT NAME SUMMARY TEXT): names and describes one.
function(spread_package component name summary text)
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
    set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${text}" PARENT_SCOPE)
    install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/${name} RENAME copyright
            COMPONENT ${component})
endfunction()

spread_package(libspread libspread3 "Spread group communication: C libraries"
    "Takes the place of the libraries of stock Spread: libspread, libtspread-core and libspread-core.")
set(CPACK_DEBIAN_LIBSPREAD_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBSPREAD_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBSPREAD_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/cmake/debian/triggers)

spread_package(libspread-dev libspread-dev "Spread group communication: C headers, static libraries"
    "For building programs with libspread: headers, static libraries, pkg-config and CMake files.")
set(CPACK_DEBIAN_LIBSPREAD-DEV_PACKAGE_DEPENDS "libspread3 (= ${PROJECT_VERSION})")

spread_package(client libspread-client-dev "Spread group communication: C++ client library"
    "spread::Session, C++20: typed events, threads, reconnecting, an adapter for Boost.Asio.")
set(CPACK_DEBIAN_CLIENT_PACKAGE_DEPENDS libexpected-dev)

spread_package(python python3-spread "Spread group communication: Python module"
    "Module spread, compatible with SpreadModule and its ports, and spread.aio for asyncio.")
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.9)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
    ${CMAKE_SOURCE_DIR}/cmake/debian/postinst ${CMAKE_SOURCE_DIR}/cmake/debian/prerm)
include(CPack)
