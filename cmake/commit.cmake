# SPREAD_COMMIT_BUILT: the commit whose sources are compiled, for status and metrics.
set(SPREAD_COMMIT "" CACHE STRING "Commit of the sources, where it is not that of a working tree of git")
set(SPREAD_COMMIT_BUILT "${SPREAD_COMMIT}")
find_program(SPREAD_GIT git)
mark_as_advanced(SPREAD_GIT)
if(SPREAD_GIT AND SPREAD_COMMIT_BUILT STREQUAL "" AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
    execute_process(COMMAND ${SPREAD_GIT} rev-parse --short=12 HEAD WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                    OUTPUT_VARIABLE SPREAD_COMMIT_BUILT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${SPREAD_GIT} rev-parse --path-format=absolute --git-path logs/HEAD
                    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                    OUTPUT_VARIABLE log_of_head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    # It grows with every commit and checkout.
    if(EXISTS "${log_of_head}")
        set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${log_of_head}")
    endif()
endif()
