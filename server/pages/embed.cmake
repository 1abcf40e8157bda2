# Writes the table of embedded files (server/viewer/assets.h) as a C file: cmake -D PAGES=... -D NOVNC=... -D OUTPUT=... -P embed.cmake
# The assembler takes the bytes from where they are (.incbin), so nothing is copied or escaped.
cmake_minimum_required(VERSION 3.22)
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_txt "text/plain; charset=utf-8")

set(rows "")
set(bytes "")
set(names "")
set(number 0)
# add(NAME FILE): NAME is what is asked for.
macro(add name file)
	string(REGEX MATCH "[a-z]+$" ending ${name})
	file(SHA256 ${file} sum)
	string(SUBSTRING ${sum} 0 16 sum)
	file(SIZE ${file} size)
	string(APPEND bytes "\t\"asset_${number}: .incbin \\\"${file}\\\"\\n .byte 0\\n\"\n")
	string(APPEND names "extern const char asset_${number}[];\n")
	string(APPEND rows "\t{ \"${name}\", asset_${number}, ${size}, \"${type_${ending}}\", \"\\\"${sum}\\\"\" },\n")
	math(EXPR number "${number} + 1")
endmacro()

file(GLOB pages ${PAGES}/*.html ${PAGES}/*.css ${PAGES}/*.js ${PAGES}/*.svg)
foreach(file ${pages})
	get_filename_component(name ${file} NAME)
	add(${name} ${file})
endforeach()
file(GLOB_RECURSE modules RELATIVE ${NOVNC} ${NOVNC}/core/*.js ${NOVNC}/vendor/*.js)
foreach(name ${modules})
	add(novnc/${name} ${NOVNC}/${name})
endforeach()
foreach(file ${NOVNC}/copyright ${NOVNC}/../doc/novnc/copyright)
	if(EXISTS ${file})
		add(novnc/copyright.txt ${file})
		break()
	endif()
endforeach()

file(WRITE ${OUTPUT} "/* Made by server/pages/embed.cmake. */
#include \"server/viewer/assets.h\"

__asm__(\".pushsection .rodata\\n\"
${bytes}\t\".popsection\\n\");

${names}
const struct asset asset_table[] = {
${rows}\t{ NULL },
};
")
