#include "trainer/checkpoints/checkpoint.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
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
constexpr char kSidePrefix[] = ".writing-";
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

// Folders whose names begin with `prefix`; whole checkpoints newest first, since the step is in the
// name with leading zeros.
std::vector<fs::path> Folders(const fs::path& directory, std::string_view prefix) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.rfind(prefix, 0) == 0) folders.push_back(it->path());
  }
  std::sort(folders.rbegin(), folders.rend());
  return folders;
}

// The three files of a checkpoint by name.
using Files = std::map<std::string, std::string>;

std::string EncodeManifest(const RunState& state) {
  const RunPosition& position = state.position;
  Json manifest = {{"format", kFormat},
                   {"step", position.step},
                   {"epoch", position.epoch},
                   {"position", position.position},
                   {"seed", position.seed},
                   {"run_hash", position.run_hash},
                   {"loss_sum", position.loss_sum},
                   {"loss_rows", position.loss_rows},
                   {"curve", Json::array()}};
  for (const CurvePoint& p : position.curve) {
    manifest["curve"].push_back(
        {p.step, p.epoch, p.train_loss, p.validation_kl, p.validation_agreement});
  }
  manifest["sha256"][kModel] = Sha256Hex(state.model);
  manifest["sha256"][kOptimiser] = Sha256Hex(state.optimiser);
  return manifest.dump(1);
}

// Puts `side` in the place of `folder` in one step, so that one of them has the name at any time.
absl::Status Exchange(const fs::path& side, const fs::path& folder) {
  if (::renameat2(AT_FDCWD, side.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0) {
    std::error_code ignored;
    fs::remove_all(side, ignored);  // What had the name before.
    return absl::OkStatus();
  }
  // None had the name, or the filesystem cannot exchange.
  std::error_code error;
  if (errno != ENOENT) fs::remove_all(folder, error);
  fs::rename(side, folder, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("rename checkpoint to ", folder.string(), ": ", error.message()));
}

RunPosition ReadPosition(const Json& manifest) {
  RunPosition position{.step = manifest.at("step").get<uint64_t>(),
                       .epoch = manifest.at("epoch").get<uint32_t>(),
                       .position = manifest.at("position").get<uint64_t>(),
                       .seed = manifest.at("seed").get<uint64_t>(),
                       .run_hash = manifest.at("run_hash").get<std::string>(),
                       .loss_sum = manifest.at("loss_sum").get<double>(),
                       .loss_rows = manifest.at("loss_rows").get<uint64_t>()};
  for (const Json& p : manifest.at("curve")) {
    position.curve.push_back({p.at(0).get<uint64_t>(), p.at(1).get<double>(), p.at(2).get<double>(),
                              p.at(3).get<double>(), p.at(4).get<double>()});
  }
  return position;
}

absl::StatusOr<RunPosition> DecodeFiles(const Files& files, std::string_view run_hash,
                                        Student* student, AdamW* optimiser) try {
  const Json manifest = Json::parse(files.at(kManifest));
  if (manifest.at("format") != kFormat || manifest.at("run_hash") != std::string(run_hash)) {
    return absl::FailedPreconditionError("checkpoint of another run or format");
  }
  for (const char* name : {kModel, kOptimiser}) {
    if (manifest.at("sha256").at(name) != Sha256Hex(files.at(name))) {
      return absl::DataLossError(absl::StrCat(name, ": hash differs from the manifest"));
    }
  }
  const RunPosition position = ReadPosition(manifest);
  LIMBECK_ASSIGN_OR_RETURN(const TensorFile moments, DecodeSafetensors(files.at(kOptimiser)));
  LIMBECK_RETURN_IF_ERROR(DecodeModel(files.at(kModel), student));
  const std::vector<Parameter>& parameters = student->parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    LIMBECK_RETURN_IF_ERROR(Fill(moments, p.name + ".m", p.shape, optimiser->first_moment(i)));
    LIMBECK_RETURN_IF_ERROR(Fill(moments, p.name + ".v", p.shape, optimiser->second_moment(i)));
  }
  optimiser->set_steps(position.step);
  return position;
} catch (const std::exception& error) {
  return absl::DataLossError(absl::StrCat("manifest: ", error.what()));
}

absl::StatusOr<RunPosition> LoadFolder(const fs::path& folder, std::string_view run_hash,
                                       Student* student, AdamW* optimiser) {
  Files files;
  for (const char* name : {kManifest, kModel, kOptimiser}) {
    LIMBECK_ASSIGN_OR_RETURN(files[name], ReadFile(folder / name));
  }
  return DecodeFiles(files, run_hash, student, optimiser);
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

RunState CopyRun(const RunPosition& position, Student* student, AdamW* optimiser) {
  return {.position = position,
          .model = EncodeModel(student),
          .optimiser = EncodeOptimiser(student->parameters(), optimiser)};
}

absl::Status WriteCheckpoint(const fs::path& directory, const RunState& state) {
  const auto step = static_cast<int64_t>(state.position.step);
  std::error_code ignored;
  // A process that was killed while writing left one of these.
  for (const fs::path& left : Folders(directory, kSidePrefix)) fs::remove_all(left, ignored);
  const fs::path side = directory / absl::StrCat(kSidePrefix, step);
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(side));
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(side / kModel, state.model));
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(side / kOptimiser, state.optimiser));
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(side / kManifest, EncodeManifest(state)));
  // The same step may be there already: damaged, or written before the run was moved back.
  LIMBECK_RETURN_IF_ERROR(Exchange(side, directory / absl::StrFormat("%s%012d", kPrefix, step)));
  LIMBECK_RETURN_IF_ERROR(SyncDirectory(directory));
  const std::vector<fs::path> folders = Folders(directory, kPrefix);
  for (size_t i = kCheckpointsKept; i < folders.size(); ++i) fs::remove_all(folders[i], ignored);
  return absl::OkStatus();
}

std::string EncodeRun(const RunState& state) {
  const Files files = {
      {kModel, state.model}, {kOptimiser, state.optimiser}, {kManifest, EncodeManifest(state)}};
  std::string bytes;
  for (const auto& [name, content] : files) {
    const uint64_t size = content.size();
    bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
    bytes += content;
  }
  return bytes;
}

absl::StatusOr<RunPosition> DecodeRun(std::string_view bytes, std::string_view run_hash,
                                      Student* student, AdamW* optimiser) {
  Files files = {{kModel, ""}, {kOptimiser, ""}, {kManifest, ""}};
  for (auto& [name, content] : files) {
    uint64_t size = 0;
    if (bytes.size() < sizeof(size)) return absl::DataLossError("run state is cut");
    std::memcpy(&size, bytes.data(), sizeof(size));
    bytes.remove_prefix(sizeof(size));
    if (bytes.size() < size) return absl::DataLossError("run state is cut");
    content = std::string(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return DecodeFiles(files, run_hash, student, optimiser);
}

absl::StatusOr<RunPosition> LoadNewestCheckpoint(const fs::path& directory,
                                                 std::string_view run_hash, Student* student,
                                                 AdamW* optimiser) {
  std::string reasons;
  for (const fs::path& folder : Folders(directory, kPrefix)) {
    auto position = LoadFolder(folder, run_hash, student, optimiser);
    if (position.ok()) return position;
    absl::StrAppend(&reasons, "; ", folder.filename().string(), ": ", position.status().message());
  }
  return absl::NotFoundError(absl::StrCat("no usable checkpoint in ", directory.string(), reasons));
}

}  // namespace limbeck::trainer
