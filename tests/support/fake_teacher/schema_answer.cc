#include "tests/support/fake_teacher/schema_answer.h"

#include <cmath>

namespace limbeck::testing {

using nlohmann::ordered_json;

ordered_json SchemaOf(const ordered_json& request) {
  for (const char* path : {"/response_format/json_schema/schema", "/output_config/format/schema",
                           "/generationConfig/responseSchema", "/json_schema", "/format"}) {
    const ordered_json::json_pointer pointer(path);
    if (request.contains(pointer)) return request.at(pointer);
  }
  return nullptr;
}

std::vector<std::string> LabelsOf(const ordered_json& schema) {
  std::vector<std::string> names;
  for (const auto& [name, property] : schema.at("properties").items()) {
    if (property.contains("enum")) return property["enum"].get<std::vector<std::string>>();
    names.push_back(name);
  }
  return names;
}

std::string SchemaAnswer(const ordered_json& schema, const std::string& chosen,
                         const std::vector<Likelihood>& distribution) {
  ordered_json answer = ordered_json::object();
  for (const auto& [name, property] : schema.at("properties").items()) {
    if (property.contains("enum")) {
      answer[name] = chosen;
      continue;
    }
    answer[name] = 0.0;
    for (const Likelihood& one : distribution) {
      if (one.bytes == name) answer[name] = std::round(one.probability * 100) / 100;
    }
  }
  return answer.dump();
}

}  // namespace limbeck::testing
