// The hosts of OpenAI's shape that we know, as data. Facts are those of their public references;
// what is not known is OpenAI's way.
#pragma once

#include <string>
#include <string_view>

#include "gateway/teachers/compatible_profile.h"

namespace limbeck::gateway {

inline constexpr std::string_view kOpenRouterProfile = "openrouter";

// Null where there is none of that name. Never destroyed.
const CompatibleProfile* FindProfile(std::string_view name);

// "deepseek, fireworks, …", for messages.
std::string ProfileNames();

}  // namespace limbeck::gateway
