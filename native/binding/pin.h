// Keeps the addon's code in memory for as long as the process lives.
#pragma once

namespace shardmap {

// Without this, the end of a worker that alone loaded the addon would unmap code and statics that the process's stores,
// and later its threads, still need. Idempotent. On Linux the linker's `-z nodelete` does it and this does nothing.
void PinAddon();

}  // namespace shardmap
