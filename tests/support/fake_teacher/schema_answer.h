// How the fake teacher follows a JSON schema.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/fake_teacher/language.h"

namespace limbeck::testing {

// The schema that a request asks for, in whichever provider's place; null where it asks for
// none.
nlohmann::ordered_json SchemaOf(const nlohmann::ordered_json& request);

// The labels that a schema names: an enum of its properties, else the properties.
std::vector<std::string> LabelsOf(const nlohmann::ordered_json& schema);

// An object that validates: `chosen` where a property has an enum, and for numbers the probability
// of each property by its name, to two digits as models state them.
std::string SchemaAnswer(const nlohmann::ordered_json& schema, const std::string& chosen,
                         const std::vector<Likelihood>& distribution);

}  // namespace limbeck::testing
