//! Secrets that stand in files of their own, as service managers and orchestrators hand them over.

use std::path::Path;

use super::{Config, ConfigError};

/// What stands in the place of a secret that is shown.
const HIDDEN: &str = "(hidden)";

/// Keys of whole secrets, by section.
const SECRETS: [(&str, &str); 2] = [("storage", "secret_access_key"), ("turn", "secret")];

/// Puts in what the files say. A secret is a line; what ends it does not belong to it.
pub(super) fn read(config: &mut Config) -> Result<(), ConfigError> {
    let (database, storage, turn) = (&mut config.database, &mut config.storage, &mut config.turn);
    if !database.url_file.as_os_str().is_empty() {
        // It has a default, so it cannot be told whether it was written as well.
        database.url = contents("database.url_file", &database.url_file)?;
    }
    fill(
        [
            "storage.secret_access_key",
            "storage.secret_access_key_file",
        ],
        &mut storage.secret_access_key,
        &storage.secret_access_key_file,
    )?;
    fill(
        ["turn.secret", "turn.secret_file"],
        &mut turn.secret,
        &turn.secret_file,
    )
}

fn fill(
    [key, file_key]: [&'static str; 2],
    secret: &mut String,
    file: &Path,
) -> Result<(), ConfigError> {
    if file.as_os_str().is_empty() {
        return Ok(());
    }
    if !secret.is_empty() {
        return Err(ConfigError::Senseless {
            key: file_key,
            detail: format!("is given, and so is {key}; one of them is enough"),
        });
    }
    *secret = contents(file_key, file)?;
    Ok(())
}

fn contents(key: &'static str, file: &Path) -> Result<String, ConfigError> {
    let unread = |detail: String| ConfigError::Senseless { key, detail };
    let text = std::fs::read_to_string(file)
        .map_err(|error| unread(format!("cannot be read ({}): {error}", file.display())))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(unread(format!("is empty ({})", file.display())));
    }
    Ok(secret.to_owned())
}

/// Takes out of a table of all keys what nobody should see.
pub(super) fn hide(all: &mut toml::Table) {
    let mut cover = |section: &str, key: &str, cover: &dyn Fn(&str) -> String| {
        let section = all.get_mut(section).and_then(toml::Value::as_table_mut);
        let value = section.and_then(|section| section.get_mut(key));
        if let Some(toml::Value::String(value)) = value
            && !value.is_empty()
        {
            *value = cover(value);
        }
    };
    for (section, key) in SECRETS {
        cover(section, key, &|_| HIDDEN.to_owned());
    }
    cover("database", "url", &without_password);
}

/// `postgres://user:(hidden)@host/name`. A password in the query goes with all of the query.
pub(super) fn without_password(url: &str) -> String {
    let (url, query) = match url.split_once('?') {
        Some((url, _)) => (url, format!("?{HIDDEN}")),
        None => (url, String::new()),
    };
    let covered = || {
        let (scheme, rest) = url.split_once("://")?;
        let (who, place) = rest.rsplit_once('@')?;
        let (user, _) = who.split_once(':')?;
        Some(format!("{scheme}://{user}:{HIDDEN}@{place}"))
    };
    covered().unwrap_or_else(|| url.to_owned()) + &query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, shown) in [
            (
                "postgres://calls:pa:ss@w@db:5432/calls",
                "postgres://calls:(hidden)@db:5432/calls",
            ),
            ("postgres://calls@db/calls", "postgres://calls@db/calls"),
            (
                "postgres://db/calls?user=x&password=y",
                "postgres://db/calls?(hidden)",
            ),
            ("sqlite:data/calls.db", "sqlite:data/calls.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
