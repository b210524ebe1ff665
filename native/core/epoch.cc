#include "core/epoch.h"

#include <utility>

namespace shardmap {

void RetiredList::Add(Block* block) {
  block->next = head_;
  head_ = block;
  bytes_ += block->total_bytes();
}

void RetiredList::Swap(RetiredList& other) noexcept {
  std::swap(head_, other.head_);
  std::swap(bytes_, other.bytes_);
}

void RetiredList::FreeAll() {
  while (head_ != nullptr) {
    Block* block = head_;
    head_ = block->next;
    Block::Free(block);
  }
  bytes_ = 0;
}

}  // namespace shardmap
