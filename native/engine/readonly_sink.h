// Refuses every change of a store that is only read.
#pragma once

#include "core/mutation_sink.h"

namespace shardmap {

class ReadonlySink final : public MutationSink {
 public:
  MutationStage* OpenStage() override { return &stage_; }
  void CloseStage(MutationStage*) override {}

 private:
  // Has no state: all sessions share it.
  struct RefusingStage final : MutationStage {
    Status Reserve(const Key*, const Value*, size_t) override {
      return Status(Code::kReadonly, "The store was opened to be read only");
    }
    void Append(const Mutation&) override {}
    void Release() override {}
  };
  RefusingStage stage_;
};

}  // namespace shardmap
