# cmake -DPROGRAM=... -DGOLDEN=... -DOUTPUT=... -P compare_golden.cmake: runs PROGRAM; what it prints must be GOLDEN, byte for byte.
execute_process(COMMAND ${PROGRAM} OUTPUT_FILE ${OUTPUT} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${status}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${OUTPUT} ${GOLDEN} RESULT_VARIABLE differs)
if(differs)
  message(FATAL_ERROR "${OUTPUT} differs from ${GOLDEN}: the same input no longer gives the same bits. "
    "If that is meant, raise LF_ENGINE_VERSION and commit the new file.")
endif()
