// The maps that are compared, under the names that results give them.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "maps/locked_map.h"
#include "maps/shard_map.h"

#if defined(SHARDMAP_BENCH_TBB)
#include "maps/tbb_map.h"
#endif
#if defined(SHARDMAP_BENCH_CUCKOO)
#include "maps/cuckoo_map.h"
#endif
#if defined(SHARDMAP_BENCH_DASHMAP)
#include "maps/dash_map.h"
#endif

namespace shardmap::bench {

// Calls `visit.operator()<Map>(name)` for each map.
template <typename Visit>
void ForEachMap(Visit visit) {
  visit.template operator()<ShardMap>("shardmap");
#if defined(SHARDMAP_BENCH_CUCKOO)
  visit.template operator()<CuckooMap>("libcuckoo");
#endif
#if defined(SHARDMAP_BENCH_TBB)
  visit.template operator()<TbbMap>("onetbb");
#endif
#if defined(SHARDMAP_BENCH_DASHMAP)
  visit.template operator()<DashMap>("dashmap");
#endif
  visit.template operator()<LockedShards<std::mutex, 1>>("std-mutex");
  visit.template operator()<LockedShards<std::mutex, 64>>("std-mutex-64");
  visit.template operator()<LockedShards<std::mutex, 1024>>("std-mutex-1024");
  visit.template operator()<LockedShards<std::shared_mutex, 64>>("std-shared-mutex-64");
  visit.template operator()<LockedShards<std::shared_mutex, 1024>>("std-shared-mutex-1024");
}

}  // namespace shardmap::bench
