// Reads what can be read of a store's files, whatever has become of them: for who has no backup.
//
// Damage is passed over, up to the next whole frame; what is missing is done without. So what comes of it need be no
// state that the store ever had: of the keys whose changes are lost it has older values, or none. Nothing is changed in
// the directory.
#pragma once

#include <memory>

#include "base/directory.h"
#include "base/status.h"
#include "log/recovery.h"

namespace shardmap {

// As Recover; where there are no files at all, that. Errors: kNewerFormat, what `apply` and `await` give, and kIo where
// the directory cannot be listed. Throws std::bad_alloc.
Result<std::unique_ptr<RecoveredLog>> Salvage(Directory& directory, const RecoveryOptions& options);

}  // namespace shardmap
