//! `calls token`: API keys.

use std::process::ExitCode;

use calls_actors::clock::Clock;
use calls_model::DisplayName;
use clap::Subcommand;

use super::say;
use crate::auth::keys;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::store::{ApiKey, Store, StoreError};

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make a key and print it, this once
    CreateKey {
        /// What it is for, such as "billing"; shown in the list
        #[arg(long, value_name = "TEXT")]
        label: Option<DisplayName>,
    },
    /// List keys by their names, never the keys themselves
    List,
    /// Revoke a key, by its name in the list
    Revoke {
        /// Its name in the list, such as `calls_0a1b2c3d`
        name: String,
    },
}

pub(super) fn run(config: &Config, action: &Action) -> Result<ExitCode, String> {
    actix::System::new()
        .block_on(act(config, action))
        .map_err(|error| error.to_string())
}

async fn act(config: &Config, action: &Action) -> Result<ExitCode, StoreError> {
    let store = Store::open(&config.database.url, 1).await?;
    let now = SystemClock.now();
    match action {
        Action::CreateKey { label } => {
            let label = label.as_ref().map(ToString::to_string);
            say(keys::create(&store, now, label).await?.reveal());
        }
        Action::List => {
            let keys = store.api_keys().await?;
            if keys.is_empty() {
                say("There are no keys yet; `calls token create-key` makes one.");
            }
            for key in &keys {
                say(&line(key));
            }
        }
        Action::Revoke { name } => {
            store.revoke_api_key(name, now).await?;
            say(&format!("{name} opens nothing any more"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(key: &ApiKey) -> String {
    let state = key
        .revoked_at
        .map_or("good".to_owned(), |at| format!("revoked {at}"));
    let label = key.label.as_deref().unwrap_or_default();
    let line = format!("{}  made {}  {state}  {label}", key.prefix, key.created_at);
    line.trim_end().to_owned()
}
