//! The commands of `calls`.

mod doctor;
mod models;
mod serve;
mod token;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::http::openapi;
use crate::signaling::asyncapi;
use crate::store::Store;

/// Voice and video calls, rooms and meetings on your own machine.
#[derive(Debug, Parser)]
#[command(name = "calls", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    source: Source,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve REST, signaling, media and the web pages until a signal says stop
    Serve {
        /// Ask for no credentials; REST and pages answer this machine only
        #[arg(long)]
        dev: bool,
    },
    /// Bring the database's tables up to date (`serve` does it too)
    Migrate,
    /// Make, list and revoke API keys
    Token {
        #[command(subcommand)]
        action: token::Action,
    },
    /// Speech models: what is installed, and official ones from elsewhere
    Models {
        #[command(subcommand)]
        action: models::Action,
    },
    /// Check ports, addresses and the database, change nothing, and say what to do
    Doctor,
    /// Print every key of the configuration as it holds now, without secrets
    Config,
    /// Print the OpenAPI document of REST
    Openapi,
    /// Print the AsyncAPI document of signaling
    Asyncapi,
}

/// Where the configuration comes from.
#[derive(Debug, clap::Args)]
struct Source {
    /// Read this file over the defaults; `CALLS__SECTION__KEY` in the environment wins over both
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

impl Source {
    fn load(&self) -> Result<Config, String> {
        for (name, meant) in Config::misspelt() {
            complain(&format!("{name} is not read; did you mean {meant}?"));
        }
        Config::load(self.config.as_deref()).map_err(|error| error.to_string())
    }
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    match dispatch(&Cli::parse()) {
        Ok(code) => code,
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(Cli { source, command }: &Cli) -> Result<ExitCode, String> {
    match command {
        Command::Serve { dev } => serve::serve(source.load()?, *dev),
        Command::Migrate => migrate(&source.load()?),
        Command::Token { action } => token::run(&source.load()?, action),
        Command::Models { action } => models::run(&source.load()?, action),
        Command::Doctor => Ok(doctor::examine(&source.load()?)),
        Command::Config => {
            let shown = Config::shown(source.config.as_deref());
            say(shown.map_err(|error| error.to_string())?.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            say(openapi::text().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Asyncapi => {
            say(asyncapi::text().trim_end());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn migrate(config: &Config) -> Result<ExitCode, String> {
    let ran = actix::System::new()
        .block_on(Store::migrate(&config.database.url))
        .map_err(|error| error.to_string())?;
    if ran.is_empty() {
        say("the tables are up to date");
    }
    for name in ran {
        say(&format!("ran {name}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a line. A reader that has gone (`| head`) is no error.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn complain(problem: &str) {
    eprintln!("calls: {problem}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_configuration_may_be_named_anywhere() {
        for line in [
            "calls --config x.toml token list",
            "calls token --config x.toml list",
            "calls token list --config x.toml",
            "calls serve --dev --config x.toml",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.source.config, Some("x.toml".into()), "{line}");
        }
    }
}
