#include <memory>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/up.h"

namespace limbeck::cli {

void AddUp(CLI::App& root, Session& session) {
  auto options = std::make_shared<UpOptions>();
  CLI::App* command = root.add_subcommand(
      "up", "Run everything on this machine: cache, gateway and trainers, until Ctrl-C");
  command->add_option("-c,--config", options->config_file,
                      "Configuration (default: ./limbeck.yaml where there is one)");
  command->add_option("--data-dir", options->data_dir,
                      "Folder of all durable state (default: the configuration's, limbeck-data)");
  command->add_option("--trainers", options->trainers,
                      "Trainer processes (default: the configuration's, 2)");
  command->add_option("--port-file", options->port_file,
                      "Write where everything listens here, as JSON, once it does");
  command->footer(
      "Examples:\n"
      "  limbeck up -c limbeck.yaml\n"
      "  limbeck up --data-dir /srv/limbeck --trainers 4\n\n"
      "SIGINT and SIGTERM drain; the same command again goes on with unfinished jobs.\n"
      "Exit status: 0 stopped when asked, 1 could not start (the data folder is in use, an "
      "address\n"
      "is taken), 2 faults in the configuration.");
  command->callback([&session, options] {
    session.set_command([&session, options] { return Up(session, *options); });
  });
}

}  // namespace limbeck::cli
