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
# What Debian takes for a changelog has a form of its own; ours lies beside it. The date is that of the newest
# release, so that builds are alike.
file(STRINGS ${CMAKE_SOURCE_DIR}/CHANGELOG.md released REGEX "^## [0-9.]+ - [0-9-]+$" LIMIT_COUNT 1)
string(REGEX REPLACE ".* - " "" released "${released}")
execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C date -u -d ${released} "+%a, %d %b %Y %T +0000"
                OUTPUT_VARIABLE released OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(debian_changelog ${CMAKE_BINARY_DIR}/packaging/debian-changelog)
file(WRITE ${debian_changelog} "spreadd (${PROJECT_VERSION}) unstable; urgency=medium

  * What has changed is in CHANGELOG.md.gz.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${released}
")
execute_process(COMMAND gzip -9nc ${debian_changelog} OUTPUT_FILE ${debian_changelog}.gz COMMAND_ERROR_IS_FATAL ANY)

# spread_package(COMPONENT NAME SUMMARY TEXT): names and describes one.
function(spread_package component name summary text)
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
    set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${text}" PARENT_SCOPE)
    install(FILES ${debian}/copyright DESTINATION share/doc/${name} COMPONENT ${component})
    install(FILES ${CMAKE_BINARY_DIR}/packaging/changelog.gz DESTINATION share/doc/${name}
            COMPONENT ${component} RENAME CHANGELOG.md.gz)
    install(FILES ${debian_changelog}.gz DESTINATION share/doc/${name} COMPONENT ${component} RENAME changelog.gz)
    if(EXISTS ${debian}/${name}.lintian)
        install(FILES ${debian}/${name}.lintian DESTINATION share/lintian/overrides COMPONENT ${component}
                RENAME ${name})
    endif()
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
    "Takes the place of the libraries of stock Spread: libspread, libtspread-core
and libspread-core.")
set(CPACK_DEBIAN_LIBSPREAD_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBSPREAD_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBSPREAD_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/cmake/debian/triggers)

spread_package(libspread-dev libspread-dev "Spread group communication: C headers, static libraries"
    "For building programs with libspread: headers, static libraries, pkg-config
and CMake files.")
set(CPACK_DEBIAN_LIBSPREAD-DEV_PACKAGE_DEPENDS "libspread3 (= ${PROJECT_VERSION})")

spread_package(client libspread-client-dev "Spread group communication: C++ client library"
    "spread::Session, C++20: typed events, threads, reconnecting, an adapter for
Boost.Asio.")
set(CPACK_DEBIAN_CLIENT_PACKAGE_DEPENDS "libexpected-dev, libssl-dev")

spread_package(python python3-spread "Spread group communication: Python module"
    "Module spread, compatible with SpreadModule and its ports, and spread.aio for
asyncio.")
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.9)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
    ${CMAKE_SOURCE_DIR}/cmake/debian/postinst ${CMAKE_SOURCE_DIR}/cmake/debian/prerm)
# Of the same tree, for distributions with RPM: `cpack -G RPM -D CPACK_COMPONENTS_ALL="daemon;tools"`. What the
# programs are linked with is found by rpmbuild, so a package fits the distribution it was built on.
set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE "Apache-2.0")
set(CPACK_RPM_PACKAGE_VENDOR "spreadd")
set(CPACK_RPM_PACKAGE_GROUP "System Environment/Daemons")
set(CPACK_RPM_SPEC_MORE_DEFINE "%define packager ${CPACK_DEBIAN_PACKAGE_MAINTAINER}")
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
    /etc /etc/default /etc/logrotate.d /usr /usr/bin /usr/sbin /usr/lib /usr/lib/systemd /usr/lib/systemd/system
    /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/lib/sysctl.d /usr/lib/firewalld /usr/lib/firewalld/services
    /usr/share /usr/share/bash-completion /usr/share/bash-completion/completions /usr/share/doc /usr/share/man
    /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man7 /usr/share/man/man8)
set(CPACK_RPM_DAEMON_PACKAGE_NAME spreadd)
set(CPACK_RPM_DAEMON_PACKAGE_SUMMARY "Spread group communication daemon")
set(CPACK_RPM_DAEMON_PACKAGE_DESCRIPTION
    "Orders messages of process groups over a ring of daemons, with extended
virtual synchrony. With spreadctl.")
set(CPACK_RPM_DAEMON_PACKAGE_REQUIRES_POST systemd)
set(CPACK_RPM_DAEMON_USER_FILELIST "%config(noreplace) /etc/spread/spread.conf"
    "%config(noreplace) /etc/default/spreadd" "%config(noreplace) /etc/logrotate.d/spreadd"
    "%ghost %dir %attr(0750,spread,spread) /var/lib/spread" "%ghost %dir %attr(0750,spread,spread) /var/log/spread")
set(CPACK_RPM_DAEMON_PACKAGE_REQUIRES_PRE shadow-utils)
set(CPACK_RPM_DAEMON_PRE_INSTALL_SCRIPT_FILE ${CMAKE_SOURCE_DIR}/packaging/rpm/pre)
set(CPACK_RPM_DAEMON_POST_INSTALL_SCRIPT_FILE ${CMAKE_SOURCE_DIR}/packaging/rpm/post)
set(CPACK_RPM_DAEMON_PRE_UNINSTALL_SCRIPT_FILE ${CMAKE_SOURCE_DIR}/packaging/rpm/preun)
set(CPACK_RPM_DAEMON_POST_UNINSTALL_SCRIPT_FILE ${CMAKE_SOURCE_DIR}/packaging/rpm/postun)
set(CPACK_RPM_TOOLS_PACKAGE_NAME spread-tools)
set(CPACK_RPM_TOOLS_PACKAGE_SUMMARY "Spread group communication: terminal client and load generator")
set(CPACK_RPM_TOOLS_PACKAGE_DESCRIPTION
    "spuser joins groups, sends messages and shows what comes; spbench measures
daemons under load.")
include(CPack)
