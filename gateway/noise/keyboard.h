// Which letters lie beside each other on a keyboard.
#pragma once

#include <string_view>

namespace limbeck::gateway {

enum class Keyboard { kQwerty, kQwertz, kAzerty };

// The letters around a lower-case ASCII letter, two to six of them; empty for anything else. Rows
// are taken as staggered by half a key, so a key touches two keys in the row above and below.
std::string_view KeyNeighbours(Keyboard keyboard, char letter);

}  // namespace limbeck::gateway
