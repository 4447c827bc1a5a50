//! `calls token`: API keys.

use std::process::ExitCode;

use calls_actors::clock::Clock;
use calls_model::{ApiKey, DisplayName, OrgId, Scope, Timestamp};
use clap::Subcommand;

use super::say;
use crate::auth::Application;
use crate::auth::keys::{self, Wanted};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::store::{Store, StoreError};

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make a key and print the whole of it, this once; its beginning, `calls_` and eight digits, is its name in the list
    CreateKey {
        /// What it is for, such as "billing"; shown in the list
        #[arg(long, value_name = "TEXT")]
        label: Option<DisplayName>,
        /// What it may be used for, such as "rooms,calls"; everything where it is left out
        #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
        scopes: Vec<Scope>,
        /// Whose things it opens, where several tenants share the server
        #[arg(long, value_name = "TENANT", default_value = OrgId::DEFAULT)]
        org: OrgId,
    },
    /// Make a key in the place of another, which goes on beside it for a while
    Rotate {
        /// The old key's name in the list, such as `calls_0a1b2c3d`
        name: String,
        /// How long the old key goes on
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap_hours: u32,
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
        Action::CreateKey { label, scopes, org } => {
            let all = Wanted::default();
            let wanted = Wanted {
                org: org.clone(),
                scopes: if scopes.is_empty() {
                    all.scopes
                } else {
                    scopes.clone()
                },
                label: label.as_ref().map(ToString::to_string),
                expires_at: None,
                subject: None,
            };
            say(keys::create(&store, now, wanted).await?.0.reveal());
        }
        Action::Rotate {
            name,
            overlap_hours,
        } => {
            let known = store.api_keys(None).await?.into_iter();
            let old = known.map(|stored| stored.key).find(|key| key.name == *name);
            let old = old.ok_or(StoreError::NotFound { what: "API key" })?;
            let millis = i64::from(*overlap_hours) * 3_600_000;
            let until = Timestamp::from_millis(now.millis().saturating_add(millis)).unwrap_or(now);
            let maker = Application::anybody(); // whoever may open the database
            say(keys::rotate(&store, now, old, until, &maker)
                .await?
                .0
                .reveal());
        }
        Action::List => {
            let keys = store.api_keys(None).await?;
            if keys.is_empty() {
                say("There are no keys yet; `calls token create-key` makes one.");
            }
            for key in &keys {
                say(&line(&key.key, now));
            }
        }
        Action::Revoke { name } => {
            let webhooks = store.revoke_api_key(name, now).await?;
            say(&format!("{name} opens nothing any more"));
            for id in webhooks {
                say(&format!("webhook {id}, which it made, is disabled"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(key: &ApiKey, now: Timestamp) -> String {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        (None, Some(at)) => format!("good until {at}"),
        (None, None) => "good".to_owned(),
    };
    let scopes = if key.scopes == Scope::ALL {
        "everything".to_owned()
    } else {
        let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        scopes.join(",")
    };
    let label = key.label.as_deref().unwrap_or_default();
    let (name, org, made) = (&key.name, &key.org_id, key.created_at);
    let line = format!("{name}  {org}  {scopes}  made {made}  {state}  {label}");
    line.trim_end().to_owned()
}
