// Runs the benchmarks of the core, and tells with every result how it came about and what was left out.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>

namespace {

std::string LeftOut() {
  std::string left_out;
#if !defined(SHARDMAP_BENCH_TBB)
  left_out += "onetbb: not found when this was built (Debian: libtbb-dev). ";
#endif
#if !defined(SHARDMAP_BENCH_CUCKOO)
  left_out += "libcuckoo: not found when this was built (Debian: libcuckoo-dev). ";
#endif
#if !defined(SHARDMAP_BENCH_DASHMAP)
  left_out += "dashmap: not found when this was built (Debian: cargo librust-dashmap-dev). ";
#endif
  return left_out;
}

}  // namespace

int main(int argc, char** argv) {
#if !defined(NDEBUG)
  std::fputs("This is a debug build, whose figures mean nothing: configure with -DCMAKE_BUILD_TYPE=Release\n", stderr);
  return 1;
#endif
  benchmark::AddCustomContext("compiler", __VERSION__);
  const std::string left_out = LeftOut();
  if (!left_out.empty()) benchmark::AddCustomContext("left_out", left_out);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  // With none, nothing is printed: a program that reads the output should not take that for a result.
  const size_t run = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return run > 0 ? 0 : 1;
}
