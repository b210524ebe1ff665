#include "allocation_probe.h"

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/clock.h"

#define SHARDMAP_TEST_EXPORT extern "C" __attribute__((visibility("default")))

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);
}

namespace shardmap {
namespace {

std::atomic<bool> g_counts{false};
std::atomic<int64_t> g_pieces{0};
std::atomic<int64_t> g_bytes{0};

constexpr uint64_t kUnlimited = UINT64_MAX;
thread_local uint64_t t_granted = kUnlimited;
thread_local uint64_t t_refused = 0;
thread_local const std::function<void()>* t_meanwhile = nullptr;

void InterruptIfAsked() {
  if (t_meanwhile != nullptr) (*std::exchange(t_meanwhile, nullptr))();
}

bool MayAllocate() {
  if (t_granted == kUnlimited) return true;
  if (t_granted != 0) {
    --t_granted;
    return true;
  }
  ++t_refused;
  errno = ENOMEM;
  return false;
}

void* NoteHandedOut(void* memory) {
  if (memory == nullptr || !g_counts.load(std::memory_order_relaxed)) return memory;
  g_pieces.fetch_add(1, std::memory_order_relaxed);
  g_bytes.fetch_add(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
  return memory;
}

void NoteGivenBack(void* memory) {
  if (memory == nullptr || !g_counts.load(std::memory_order_relaxed)) return;
  g_pieces.fetch_sub(1, std::memory_order_relaxed);
  g_bytes.fetch_sub(static_cast<int64_t>(malloc_usable_size(memory)), std::memory_order_relaxed);
}

void AllocateWhatIsKept() {
  (void)Clock::Steady();
  (void)TestSeed();
  try {
    throw std::bad_alloc();
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace

AllocationCount::AllocationCount() {
  AllocateWhatIsKept();
  g_pieces = 0;
  g_bytes = 0;
  g_counts = true;
}
AllocationCount::~AllocationCount() { g_counts = false; }
int64_t AllocationCount::pieces() const { return g_pieces.load(); }
int64_t AllocationCount::bytes() const { return g_bytes.load(); }

AllocationRefusal::AllocationRefusal(uint64_t granted) {
  t_granted = granted;
  t_refused = 0;
}
AllocationRefusal::~AllocationRefusal() { t_granted = kUnlimited; }
uint64_t AllocationRefusal::refused() const { return t_refused; }

AllocationInterruption::AllocationInterruption(std::function<void()> meanwhile) : meanwhile_(std::move(meanwhile)) {
  t_meanwhile = &meanwhile_;
}
AllocationInterruption::~AllocationInterruption() { t_meanwhile = nullptr; }
bool AllocationInterruption::happened() const { return t_meanwhile == nullptr; }

}  // namespace shardmap

using shardmap::InterruptIfAsked;
using shardmap::MayAllocate;
using shardmap::NoteGivenBack;
using shardmap::NoteHandedOut;

SHARDMAP_TEST_EXPORT void* malloc(size_t size) noexcept {
  return MayAllocate() ? NoteHandedOut(__libc_malloc(size)) : nullptr;
}

SHARDMAP_TEST_EXPORT void* calloc(size_t count, size_t size) noexcept {
  InterruptIfAsked();
  return MayAllocate() ? NoteHandedOut(__libc_calloc(count, size)) : nullptr;
}

SHARDMAP_TEST_EXPORT void* realloc(void* memory, size_t size) noexcept {
  if (!MayAllocate()) return nullptr;
  NoteGivenBack(memory);
  return NoteHandedOut(__libc_realloc(memory, size));
}

SHARDMAP_TEST_EXPORT void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return MayAllocate() ? NoteHandedOut(__libc_memalign(alignment, size)) : nullptr;
}

SHARDMAP_TEST_EXPORT void* memalign(size_t alignment, size_t size) noexcept { return aligned_alloc(alignment, size); }

SHARDMAP_TEST_EXPORT int posix_memalign(void** out, size_t alignment, size_t size) noexcept {
  *out = aligned_alloc(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}

SHARDMAP_TEST_EXPORT void free(void* memory) noexcept {
  NoteGivenBack(memory);
  __libc_free(memory);
}

#endif
