# Turns a file into a C array of bytes: cmake -DIN=FILE -DOUT=FILE -DNAME=NAME -DHEADER=FILE -P embed.cmake
# HEADER declares NAME and NAME_length.
file(READ "${IN}" bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "((0x[0-9a-f][0-9a-f],){24})" "\\1\n" bytes "${bytes}")
file(WRITE "${OUT}" "#include \"${HEADER}\"\n\nconst unsigned char ${NAME}[] = {\n${bytes}};\n"
  "const size_t ${NAME}_length = sizeof(${NAME});\n")
