# Debian packages: `cpack -G DEB` in a build configured for /usr, which is what tools/package makes.
# One package for each component.
set(CPACK_COMPONENTS_ALL daemon tools libspread libspread-dev client)
if(TARGET spread_python)
    list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "spreadd maintainers <maintainers@spreadd.invalid>")
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)

set(debian ${CMAKE_SOURCE_DIR}/packaging/debian)
# spread_package(COMPONENT NAME SUMMARY TEXT): names and describes one.
function(spread_package component name summary text)
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
    set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${text}" PARENT_SCOPE)
    install(FILES ${debian}/copyright DESTINATION share/doc/${name} COMPONENT ${component})
    install(FILES ${CMAKE_BINARY_DIR}/packaging/changelog.gz DESTINATION share/doc/${name}
            COMPONENT ${component})
endfunction()

spread_package(daemon spreadd "Spread group communication daemon"
    "Orders messages of process groups over a ring of daemons, with extended
virtual synchrony through crashes, partitions and merges. Clients speak the
protocol of stock Spread, whose libraries and configuration files work
unchanged. With spreadctl, which shows and steers a running daemon.")
set(CPACK_DEBIAN_DAEMON_PACKAGE_SECTION net)
set(CPACK_DEBIAN_DAEMON_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DAEMON_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_DAEMON_PACKAGE_CONTROL_EXTRA ${debian}/spreadd/conffiles ${debian}/spreadd/postinst
    ${debian}/spreadd/prerm ${debian}/spreadd/postrm)

spread_package(tools spread-tools "Spread group communication: terminal client and load generator"
    "spuser joins groups, sends messages and shows what comes; spbench measures
daemons under load.")
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)

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
