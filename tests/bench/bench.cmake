# `ninja bench-all`: the bench and what it measures with.  tests/bench/run.sh builds and runs it.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.c)
list(FILTER sources EXCLUDE REGEX "/(probe|link_rtt|http_.*)\\.c$")
add_executable(bench EXCLUDE_FROM_ALL ${sources})
target_link_libraries(bench PRIVATE base PkgConfig::turbojpeg m)
add_executable(bench-probe EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/probe.c)
target_link_libraries(bench-probe PRIVATE build_flags PkgConfig::x11 PkgConfig::xkbcommon)
target_link_options(bench-probe PRIVATE -s) # it travels into the sandbox as text
add_executable(bench-link EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/link_rtt.c)
target_link_libraries(bench-link PRIVATE vm)
add_executable(bench-http EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/http_bench.c ${CMAKE_CURRENT_LIST_DIR}/http_load.c
	${CMAKE_CURRENT_LIST_DIR}/options.c ${CMAKE_CURRENT_LIST_DIR}/samples.c ${CMAKE_CURRENT_LIST_DIR}/session.c)
target_link_libraries(bench-http PRIVATE base)
set_target_properties(bench bench-probe bench-link bench-http PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
add_custom_target(bench-all DEPENDS bench bench-probe bench-link bench-http vitrine vitrine-agent)
