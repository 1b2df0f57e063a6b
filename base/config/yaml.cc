#include "base/config/yaml.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/config/yaml_documents.h"
#include "base/config/yaml_scalars.h"
#include "base/error_details.h"
#include "base/file.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Edits that turn `a` into `b` (Levenshtein), for suggestions.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

std::string UnknownField(const Descriptor& type, std::string_view name) {
  constexpr size_t kMaxCompared = 64;
  constexpr size_t kMaxListed = 12;
  std::string names;
  const FieldDescriptor* best = nullptr;
  size_t best_distance = 3;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (static_cast<size_t>(i) < kMaxListed) {
      absl::StrAppend(&names, i == 0 ? "" : ", ", field->name());
    }
    if (name.size() > kMaxCompared) continue;
    const size_t distance =
        std::min(EditDistance(name, field->name()), EditDistance(name, field->json_name()));
    if (distance < best_distance) {
      best = field;
      best_distance = distance;
    }
  }
  if (best != nullptr) return absl::StrCat("unknown field; did you mean ", best->name(), "?");
  if (type.field_count() == 0) return "unknown field; nothing may be set here";
  return absl::StrCat("unknown field; known are ", names,
                      type.field_count() > static_cast<int>(kMaxListed) ? ", …" : "");
}

// Walks a YAML tree beside a message's descriptor, notes every problem, and builds the JSON text
// that protobuf then reads. yaml-cpp may throw; ParseYaml catches.
class Walker {
 public:
  explicit Walker(const YamlLimits& limits) : limits_(limits) {}

  std::string Message(const YAML::Node& node, const Descriptor& type, const std::string& path) {
    if (!Enter(node, path)) return "null";
    const DepthGuard guard(this);
    if (HasStringForm(type)) return StringForm(node, type, path);
    if (type.file()->name() == "google/protobuf/wrappers.proto") {
      return Singular(node, *type.field(0), path);
    }
    if (type.file()->name() == "google/protobuf/struct.proto") {
      if (type.name() != "ListValue" || node.IsSequence()) return Untyped(node, path);
      Problem(node, path, absl::StrCat("expected a list", Got(node)));
      return "null";
    }
    if (!node.IsMap()) {
      Problem(node, path, absl::StrCat("expected fields of ", type.name(), Got(node)));
      return "null";
    }
    std::string json = "{";
    std::set<const FieldDescriptor*> seen;
    std::map<const google::protobuf::OneofDescriptor*, std::string> chosen;
    for (const auto& entry : node) {
      if (!CheckKey(entry.first, path)) continue;
      const std::string name = entry.first.Scalar();
      const std::string field_path = path.empty() ? name : absl::StrCat(path, ".", name);
      const FieldDescriptor* field = type.FindFieldByCamelcaseName(name);
      if (field == nullptr) field = type.FindFieldByName(name);
      if (field == nullptr) {
        Problem(entry.first, field_path, UnknownField(type, name));
        continue;
      }
      if (!seen.insert(field).second) {
        Problem(entry.first, field_path, "is set twice");
        continue;
      }
      if (const auto* oneof = field->real_containing_oneof(); oneof != nullptr) {
        const auto [other, first] = chosen.emplace(oneof, name);
        if (!first) {
          Problem(entry.first, field_path,
                  absl::StrCat("only one of ", other->second, " and ", name, " may be set"));
          continue;
        }
      }
      absl::StrAppend(&json, json.size() > 1 ? "," : "", JsonQuote(field->json_name()), ":",
                      Field(entry.second, *field, field_path));
    }
    return json + "}";
  }

  const std::vector<FieldViolation>& violations() const { return violations_; }
  const std::string& exceeded() const { return exceeded_; }

 private:
  struct DepthGuard {
    explicit DepthGuard(Walker* w) : walker(w) { ++walker->depth_; }
    ~DepthGuard() { --walker->depth_; }
    Walker* const walker;
  };

  std::string Field(const YAML::Node& node, const FieldDescriptor& field, const std::string& path) {
    if (field.is_map()) return Map(node, field, path);
    if (!field.is_repeated()) return Singular(node, field, path);
    if (!node.IsSequence()) {
      Problem(node, path, absl::StrCat("expected a list", Got(node)));
      return "null";
    }
    std::string json = "[";
    size_t index = 0;
    for (const YAML::Node& item : node) {
      std::string value = Singular(item, field, absl::StrCat(path, "[", index++, "]"));
      // Only entries at fault are null, which a list may not hold.
      if (value == "null") {
        if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
        value = "{}";
      }
      absl::StrAppend(&json, json.size() == 1 ? "" : ",", value);
    }
    return json + "]";
  }

  std::string Map(const YAML::Node& node, const FieldDescriptor& field, const std::string& path) {
    if (!node.IsMap()) {
      Problem(node, path, absl::StrCat("expected a map", Got(node)));
      return "null";
    }
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    std::string json = "{";
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!CheckKey(entry.first, path)) continue;
      const std::string key = entry.first.Scalar();
      const std::string item_path = absl::StrCat(path, "[\"", key, "\"]");
      if (!seen.insert(key).second) {
        Problem(entry.first, item_path, "is set twice");
        continue;
      }
      // A key is text in JSON; its quotes say nothing about its type.
      const bool text = key_field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
      const auto checked = ScalarToJson(key_field, {key, text});
      if (!checked.ok()) {
        Problem(entry.first, item_path, absl::StrCat("as a key, ", checked.status().message()));
        continue;
      }
      const std::string value =
          Singular(entry.second, *field.message_type()->map_value(), item_path);
      if (value == "null") continue;  // At fault; a map may not hold it.
      absl::StrAppend(&json, json.size() > 1 ? "," : "", JsonQuote(key), ":", value);
    }
    return json + "}";
  }

  std::string Singular(const YAML::Node& node, const FieldDescriptor& field,
                       const std::string& path) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return Message(node, *field.message_type(), path);
    }
    if (!Enter(node, path)) return "null";
    if (!node.IsScalar()) {
      Problem(node, path, absl::StrCat("expected a single value", Got(node)));
      return "null";
    }
    return Take(node, path, ScalarToJson(field, ToScalar(node)));
  }

  std::string StringForm(const YAML::Node& node, const Descriptor& type, const std::string& path) {
    if (!node.IsScalar()) {
      Problem(node, path, absl::StrCat("expected a ", type.name(), " as text", Got(node)));
      return "null";
    }
    return Take(node, path, StringFormToJson(type, ToScalar(node)));
  }

  std::string Untyped(const YAML::Node& node, const std::string& path) {
    if (node.IsScalar()) return UntypedToJson(ToScalar(node));
    std::string json = node.IsMap() ? "{" : "[";
    for (const auto& entry : node) {
      const YAML::Node& value = node.IsMap() ? entry.second : static_cast<const YAML::Node&>(entry);
      if (node.IsMap() && !CheckKey(entry.first, path)) continue;
      if (json.size() > 1) json += ",";
      if (node.IsMap()) absl::StrAppend(&json, JsonQuote(entry.first.Scalar()), ":");
      if (value.IsNull()) {
        json += "null";
        continue;
      }
      if (!Enter(value, path)) return "null";
      const DepthGuard guard(this);
      json += Untyped(value, path);
    }
    return json + (node.IsMap() ? "}" : "]");
  }

  static Scalar ToScalar(const YAML::Node& node) {
    return {node.Scalar(), node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str"};
  }

  // Whether `key` is a scalar, whose text it then is.
  bool CheckKey(const YAML::Node& key, const std::string& path) {
    if (!key.IsScalar()) Problem(key, path, "a name must be a single word, not a list or map");
    return key.IsScalar();
  }

  std::string Take(const YAML::Node& node, const std::string& path,
                   absl::StatusOr<std::string> json) {
    if (json.ok()) return *std::move(json);
    Problem(node, path, ToStd(json.status().message()));
    return "null";
  }

  // Counts the node; false where it has no value or a limit is reached.
  bool Enter(const YAML::Node& node, const std::string& path) {
    if (++nodes_ > limits_.max_nodes) {
      exceeded_ = absl::StrCat("has more than ", limits_.max_nodes, " values (max_nodes)");
    } else if (depth_ >= limits_.max_depth) {
      exceeded_ = absl::StrCat("is nested deeper than ", limits_.max_depth, " (max_depth)");
    }
    if (!exceeded_.empty()) return false;
    if (node.IsDefined() && !node.IsNull()) return true;
    Problem(node, path, "has no value; give it one or remove the line");
    return false;
  }

  static std::string Got(const YAML::Node& node) {
    return node.IsMap() ? ", got a map" : node.IsSequence() ? ", got a list" : ", got one value";
  }

  void Problem(const YAML::Node& node, const std::string& path, std::string_view description) {
    if (violations_.size() > limits_.max_violations) return;
    if (violations_.size() == limits_.max_violations) {
      violations_.push_back({"", "and more (only the first are listed)"});
      return;
    }
    const int line = node.Mark().line;  // From 0; -1 where unknown.
    violations_.push_back({path, absl::StrCat(line < 0 ? "" : absl::StrCat("line ", line + 1, ": "),
                                              ToAbsl(description))});
  }

  const YamlLimits& limits_;
  std::vector<FieldViolation> violations_;
  size_t nodes_ = 0;
  size_t depth_ = 0;
  std::string exceeded_;
};

// With `partly`, what can be read is, whatever else is wrong.
absl::Status Convert(std::string_view text, std::string_view name, const YamlLimits& limits,
                     bool partly, google::protobuf::Message* message) {
  const absl::StatusOr<YAML::Node> document = LoadDocument(std::string(text));
  if (!document.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(name), " ", document.status().message()));
  }
  const std::unique_ptr<google::protobuf::Message> read(message->New());
  absl::Status faults;
  if (document->IsDefined() && !document->IsNull()) {
    Walker walker(limits);
    const std::string json = walker.Message(*document, *message->GetDescriptor(), "");
    if (!walker.exceeded().empty()) {
      return absl::ResourceExhaustedError(absl::StrCat(ToAbsl(name), " ", walker.exceeded()));
    }
    faults = InvalidFields(name, walker.violations());
    if (!faults.ok() && !partly) return faults;
    const auto status = google::protobuf::util::JsonStringToMessage(json, read.get());
    if (!status.ok()) {
      LIMBECK_RETURN_IF_ERROR(faults);
      return absl::InvalidArgumentError(absl::StrCat(ToAbsl(name), ": ", status.ToString()));
    }
  }
  message->GetReflection()->Swap(message, read.get());
  return faults;
}

absl::Status Parse(std::string_view text, std::string_view name, const YamlLimits& limits,
                   bool partly, google::protobuf::Message* message) {
  if (text.size() > limits.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        ToAbsl(name), " has ", text.size(), " bytes, the limit (max_bytes) is ", limits.max_bytes));
  }
  try {
    return Convert(text, name, limits, partly, message);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        ToAbsl(name), error.mark.is_null() ? "" : absl::StrCat(" line ", error.mark.line + 1), ": ",
        error.msg));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(name), ": ", error.what()));
  }
}

}  // namespace

absl::Status ParseYaml(std::string_view text, std::string_view name,
                       google::protobuf::Message* message, const YamlLimits& limits) {
  return Parse(text, name, limits, false, message);
}

absl::Status ParseYamlPartly(std::string_view text, std::string_view name,
                             google::protobuf::Message* message, const YamlLimits& limits) {
  return Parse(text, name, limits, true, message);
}

absl::Status ReadYamlFile(const std::string& path, google::protobuf::Message* message,
                          const YamlLimits& limits) {
  LIMBECK_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseYaml(text, path, message, limits);
}

}  // namespace limbeck::config
