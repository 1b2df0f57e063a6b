#include "trainer/checkpoints/checkpoint.h"

#include <algorithm>
#include <system_error>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"
#include "trainer/checkpoints/safetensors.h"

namespace limbeck::trainer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kPrefix[] = "step-";
constexpr char kModel[] = "model.safetensors";
constexpr char kOptimiser[] = "optimizer.safetensors";
constexpr char kManifest[] = "manifest.json";
constexpr int kFormat = 1;

std::string EncodeOptimiser(const std::vector<Parameter>& parameters, AdamW* optimiser) {
  std::vector<TensorView> views;
  for (size_t i = 0; i < parameters.size(); ++i) {
    views.push_back({parameters[i].name + ".m", parameters[i].shape, optimiser->first_moment(i)});
    views.push_back({parameters[i].name + ".v", parameters[i].shape, optimiser->second_moment(i)});
  }
  return EncodeSafetensors(views, {});
}

absl::Status Fill(const TensorFile& file, const std::string& name,
                  const std::vector<int64_t>& shape, std::span<float> values) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() || found->second.shape != shape) {
    return absl::FailedPreconditionError(
        absl::StrCat("tensor ", name, " is missing or has another shape"));
  }
  std::copy(found->second.values.begin(), found->second.values.end(), values.begin());
  return absl::OkStatus();
}

// Names of whole checkpoints, newest first; the step is in the name with leading zeros.
std::vector<fs::path> Folders(const fs::path& directory) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().filename().string().rfind(kPrefix, 0) == 0) folders.push_back(entry.path());
  }
  std::sort(folders.rbegin(), folders.rend());
  return folders;
}

absl::StatusOr<std::string> ReadVerified(const fs::path& path, const Json& hashes) {
  LIMBECK_ASSIGN_OR_RETURN(std::string content, ReadFile(path));
  if (hashes.value(path.filename().string(), "") != Sha256Hex(content)) {
    return absl::DataLossError(absl::StrCat(path.string(), ": hash differs from the manifest"));
  }
  return content;
}

absl::StatusOr<RunPosition> LoadFolder(const fs::path& folder, std::string_view run_hash,
                                       Student* student, AdamW* optimiser) try {
  LIMBECK_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder / kManifest));
  const Json manifest = Json::parse(text);
  if (manifest.at("format") != kFormat || manifest.at("run_hash") != std::string(run_hash)) {
    return absl::FailedPreconditionError("checkpoint of another run or format");
  }
  LIMBECK_ASSIGN_OR_RETURN(const std::string model,
                           ReadVerified(folder / kModel, manifest.at("sha256")));
  LIMBECK_ASSIGN_OR_RETURN(const std::string moments,
                           ReadVerified(folder / kOptimiser, manifest.at("sha256")));
  LIMBECK_ASSIGN_OR_RETURN(const TensorFile file, DecodeSafetensors(moments));
  RunPosition position{.step = manifest.at("step").get<uint64_t>(),
                       .epoch = manifest.at("epoch").get<uint32_t>(),
                       .position = manifest.at("position").get<uint64_t>(),
                       .seed = manifest.at("seed").get<uint64_t>(),
                       .run_hash = std::string(run_hash)};
  LIMBECK_RETURN_IF_ERROR(DecodeModel(model, student));
  const std::vector<Parameter>& parameters = student->parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    LIMBECK_RETURN_IF_ERROR(Fill(file, p.name + ".m", p.shape, optimiser->first_moment(i)));
    LIMBECK_RETURN_IF_ERROR(Fill(file, p.name + ".v", p.shape, optimiser->second_moment(i)));
  }
  optimiser->set_steps(position.step);
  return position;
} catch (const std::exception& error) {
  return absl::DataLossError(absl::StrCat("manifest: ", error.what()));
}

}  // namespace

std::string EncodeModel(Student* student) {
  std::vector<TensorView> views;
  for (const Parameter& p : student->parameters()) views.push_back({p.name, p.shape, p.values});
  return EncodeSafetensors(views, {{"format", "limbeck"}});
}

absl::Status DecodeModel(std::string_view content, Student* student) {
  LIMBECK_ASSIGN_OR_RETURN(const TensorFile file, DecodeSafetensors(content));
  for (Parameter& p : student->parameters()) {
    LIMBECK_RETURN_IF_ERROR(Fill(file, p.name, p.shape, p.values));
  }
  return absl::OkStatus();
}

absl::Status SaveCheckpoint(const fs::path& directory, const RunPosition& position,
                            Student* student, AdamW* optimiser) {
  const fs::path folder =
      directory / absl::StrFormat("%s%012d", kPrefix, static_cast<int64_t>(position.step));
  const fs::path side = directory / absl::StrCat(".writing-", position.step);
  std::error_code error;
  fs::remove_all(side, error);
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(side));
  const std::string model = EncodeModel(student);
  const std::string moments = EncodeOptimiser(student->parameters(), optimiser);
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(side / kModel, model));
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(side / kOptimiser, moments));
  const Json manifest = {
      {"format", kFormat},
      {"step", position.step},
      {"epoch", position.epoch},
      {"position", position.position},
      {"seed", position.seed},
      {"run_hash", position.run_hash},
      {"sha256", {{kModel, Sha256Hex(model)}, {kOptimiser, Sha256Hex(moments)}}}};
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(side / kManifest, manifest.dump(1)));
  // The same step may be there already: damaged, or written before the run was moved back.
  fs::remove_all(folder, error);
  fs::rename(side, folder, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("rename checkpoint to ", folder.string(), ": ", error.message()));
  }
  LIMBECK_RETURN_IF_ERROR(SyncDirectory(directory));
  const std::vector<fs::path> folders = Folders(directory);
  for (size_t i = kCheckpointsKept; i < folders.size(); ++i) fs::remove_all(folders[i], error);
  return absl::OkStatus();
}

absl::StatusOr<RunPosition> LoadNewestCheckpoint(const fs::path& directory,
                                                 std::string_view run_hash, Student* student,
                                                 AdamW* optimiser) {
  std::string reasons;
  for (const fs::path& folder : Folders(directory)) {
    auto position = LoadFolder(folder, run_hash, student, optimiser);
    if (position.ok()) return position;
    absl::StrAppend(&reasons, "; ", folder.filename().string(), ": ",
                    position.status().message());
  }
  return absl::NotFoundError(
      absl::StrCat("no usable checkpoint in ", directory.string(), reasons));
}

}  // namespace limbeck::trainer
