// Files in memory that become shorter while they are read.
#pragma once

#include <cstddef>

namespace lenet {

// A guarded mapping of a file.
struct Guarded;

// Makes reads of memory that a file is mapped to yield zeros, from the page on that the file no longer has. Without it the
// system ends the process with SIGBUS. Memory that is guarded already keeps its guard. It stays mapped until the process ends.
const Guarded *guard(const void *memory, size_t bytes);

// Whether such zeros were read.
bool lost(const Guarded *);

}  // namespace lenet
