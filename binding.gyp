# Builds the addon with node-gyp: for `npm run prebuild`, and for installs that find no prebuilt binary.
# The flags that change the code are those of CMakeLists.txt; warnings are left to the checkout's own builds.
{
  "targets": [
    {
      "target_name": "shardmap",
      "sources": ["<!@(node scripts/sources.mjs --print)"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NDEBUG", "NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-exceptions", "-fno-rtti"],
      "cflags_cc": ["-std=c++20", "-fvisibility=hidden", "-fvisibility-inlines-hidden"],
      "conditions": [
        # Never unmapped: a worker that alone loaded the addon may end while a thread of the addon runs.
        # Link-time optimisation: see CMakeLists.txt.
        ["OS=='linux'", {"cflags_cc": ["-flto"], "ldflags": ["-flto", "-Wl,-z,nodelete"]}],
        ["OS=='mac'", {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
            "CLANG_CXX_LIBRARY": "libc++",
            "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
            "GCC_ENABLE_CPP_RTTI": "YES",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "LLVM_LTO": "YES",
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
          },
        }],
        ["OS=='win'", {
          "defines": ["NOMINMAX", "WIN32_LEAN_AND_MEAN"],
          "msvs_settings": {
            "VCCLCompilerTool": {
              "ExceptionHandling": 1,
              "RuntimeTypeInfo": "true",
              "WholeProgramOptimization": "true",
              "AdditionalOptions": ["/std:c++20", "/permissive-", "/utf-8"],
            },
          },
        }],
      ],
    },
  ],
}
