# Builds the crate beside this file and sets DASHMAP_LIBRARY, where Cargo is installed and dashmap is to be had: as
# Debian's package, or from the network.
set(DASHMAP_LIBRARY "")
set(dashmap_crates /usr/share/cargo/registry)
set(dashmap_folder ${CMAKE_BINARY_DIR}/dashmap)
find_program(CARGO cargo)
if(CARGO AND UNIX)
  # Cargo writes beside its manifest.
  configure_file(bench/native/dashmap/Cargo.toml ${dashmap_folder}/Cargo.toml COPYONLY)
  configure_file(bench/native/dashmap/lib.rs ${dashmap_folder}/lib.rs COPYONLY)
  file(GLOB dashmap_package ${dashmap_crates}/dashmap-*)
  if(dashmap_package)
    set(dashmap_source --offline --config "source.crates-io.replace-with='debian'"
      --config "source.debian.directory='${dashmap_crates}'")
  endif()
  execute_process(COMMAND ${CARGO} build --quiet --release ${dashmap_source}
    WORKING_DIRECTORY ${dashmap_folder} RESULT_VARIABLE dashmap_failed ERROR_VARIABLE dashmap_error)
  if(dashmap_failed)
    message(STATUS "dashmap is left out: ${dashmap_error}")
  else()
    set(DASHMAP_LIBRARY ${dashmap_folder}/target/release/libdashmap_for_cpp.a)
  endif()
endif()
