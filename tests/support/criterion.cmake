# What starts a test quickly: Criterion runs each in a process of its own, whose loader takes longer than most tests.
add_library(criterion_start INTERFACE)
target_link_options(criterion_start INTERFACE LINKER:--as-needed)

# Criterion is linked with libgit2, and that with 14 libraries (TLS, SSH, Kerberos), for the differences that cr_assert(eq(...)) shows,
# which no test uses.  An empty library of the same name comes first.  Its functions abort, but for those in runner.c.
execute_process(COMMAND ${CMAKE_NM} -D ${criterion_LINK_LIBRARIES} OUTPUT_VARIABLE symbols)
execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${criterion_LINK_LIBRARIES} OUTPUT_VARIABLE needed)
if(needed MATCHES "NEEDED +libgit2\\.so\\.([0-9.]+)")
	set(version ${CMAKE_MATCH_1})
	string(REGEX MATCHALL "U git_[a-z0-9_]+" functions "${symbols}")
	set(source "")
	foreach(function ${functions})
		string(REPLACE "U " "" function ${function})
		string(APPEND source "void ${function}(void)\n{\n\t__builtin_trap();\n}\n")
	endforeach()
	file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/git2.c CONTENT "${source}" @ONLY)
	add_library(git2 SHARED ${CMAKE_BINARY_DIR}/git2.c)
	set_target_properties(git2 PROPERTIES SOVERSION ${version})
	target_link_libraries(criterion_start INTERFACE -Wl,--no-as-needed git2 -Wl,--as-needed)
endif()
