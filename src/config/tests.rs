use figment::Jail;

use super::*;

#[test]
fn the_defaults_are_complete_and_listen_on_loopback_only() {
    Jail::expect_with(|_| {
        let config = Config::load(None).expect("defaults");
        assert!(config.http.bind.ip().is_loopback());
        Ok(())
    });
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    Jail::expect_with(|jail| {
        jail.create_file("calls.toml", "[http]\nworkers = 3\ndrain_seconds = 4\n")?;
        jail.set_env("CALLS__HTTP__WORKERS", "5");
        jail.set_env("CALLS__MEDIA__UDP_PORTS", "[7000, 7001]");
        let config = Config::load(Some(Path::new("calls.toml"))).expect("good");
        assert_eq!((config.http.workers, config.http.drain_seconds), (5, 4));
        assert_eq!(config.media_ports(), [7000, 7001]);
        Ok(())
    });
}

/// What is said about this variable of the environment.
#[track_caller]
fn refusal(name: &str, value: &str) -> String {
    let mut said = String::new();
    Jail::expect_with(|jail| {
        jail.set_env(name, value);
        said = Config::load(None).expect_err("it is wrong").to_string();
        Ok(())
    });
    said
}

#[test]
fn an_unknown_key_is_refused_by_its_name() {
    assert_eq!(
        refusal("CALLS__HTTP__BINDD", "127.0.0.1:1"),
        "configuration: there is no key http.bindd (CALLS__HTTP__BINDD); [http] has allowed_origins, \
         behind_proxy, bind, drain_seconds, public_url, workers"
    );
    let said = refusal("CALLS__HTPP__BIND", "x");
    assert!(
        said.starts_with("configuration: there is no key htpp (CALLS__HTPP); there are auth, "),
        "{said}"
    );
    Jail::expect_with(|jail| {
        jail.create_file("calls.toml", "[http]\nbnd = \"x\"\n")?;
        let said = Config::load(Some(Path::new("calls.toml"))).expect_err("unknown");
        let said = said.to_string();
        assert!(said.contains("there is no key http.bnd (in "), "{said}");
        assert!(said.contains("calls.toml)"), "{said}");
        Ok(())
    });
}

#[test]
fn a_wrong_value_is_refused_by_its_key() {
    assert_eq!(
        refusal("CALLS__HTTP__WORKERS", "many"),
        "configuration: http.workers (CALLS__HTTP__WORKERS): invalid type: found string \"many\", expected usize"
    );
    assert_eq!(
        refusal("CALLS__HTTP__BIND", "localhost"),
        "configuration: http.bind (CALLS__HTTP__BIND): invalid socket address syntax"
    );
    assert_eq!(
        refusal("CALLS__MEDIA__ADVERTISED", "media.example"),
        "configuration: media.advertised (CALLS__MEDIA__ADVERTISED): \"media.example\" cannot be read \
         (invalid IP address syntax); write one value, several with commas between them, or [\"…\", \"…\"]"
    );
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for (name, value, key) in [
        (
            "CALLS__HTTP__PUBLIC_URL",
            "calls.example.org",
            "http.public_url",
        ),
        (
            "CALLS__STORAGE__ENDPOINT",
            "minio.example.org:9000",
            "storage.endpoint",
        ),
        (
            "CALLS__HTTP__ALLOWED_ORIGINS",
            "app.example",
            "http.allowed_origins",
        ),
        (
            "CALLS__TRANSCRIPTION__CATALOGUE",
            "models",
            "transcription.catalogue",
        ),
        ("CALLS__AUTH__TOKEN_MINUTES", "0", "auth.token_minutes"),
        ("CALLS__AUTH__PASSWORD_TRIES", "0", "auth.password_tries"),
        (
            "CALLS__TURN__CREDENTIAL_MINUTES",
            "99999999999",
            "turn.credential_minutes",
        ),
    ] {
        let said = refusal(name, value);
        let begin = format!("configuration: {key} ({name}) must ");
        assert!(said.starts_with(&begin), "{said}");
    }
}

#[test]
fn people_sign_in_to_the_console_where_nobody_on_the_way_listens() {
    Jail::expect_with(|jail| {
        jail.set_env("CALLS__OIDC__AUDIENCE", "us");
        jail.set_env("CALLS__OIDC__CONSOLE_CLIENT_ID", "console");
        for (issuer, good) in [
            ("https://login.example.org", true),
            ("http://127.0.0.1:8081", true),
            ("http://[::1]:8081/realm", true),
            ("http://localhost:8081", true),
            ("http://login.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("login.example.org", false),
        ] {
            jail.set_env("CALLS__OIDC__ISSUER", issuer);
            let said = Config::load(None)
                .map(drop)
                .map_err(|said| said.to_string());
            let refused = |said: &String| said.contains("oidc.console_client_id");
            assert_eq!(said.is_ok(), good, "{issuer}: {said:?}");
            assert_eq!(
                said.as_ref().is_err_and(refused),
                !good,
                "{issuer}: {said:?}"
            );
        }
        jail.set_env("CALLS__OIDC__CONSOLE_CLIENT_ID", "");
        assert!(Config::load(None).is_ok(), "it is for the console only");
        Ok(())
    });
}

#[test]
fn a_list_of_the_environment_may_be_written_as_one_writes_it() {
    Jail::expect_with(|jail| {
        jail.set_env("CALLS__MEDIA__ADVERTISED", "203.0.113.7");
        jail.set_env("CALLS__MEDIA__UDP_PORTS", "7000");
        jail.set_env(
            "CALLS__HTTP__ALLOWED_ORIGINS",
            "https://a.example, https://b.example",
        );
        let config = Config::load(None).expect("good");
        assert_eq!(config.media.advertised, [IpAddr::from([203, 0, 113, 7])]);
        assert_eq!(config.media_ports(), [7000]);
        assert_eq!(config.http.allowed_origins.len(), 2);
        jail.set_env("CALLS__MEDIA__UDP_PORTS", "7000,7001");
        jail.set_env("CALLS__MEDIA__ADVERTISED", "");
        let config = Config::load(None).expect("good");
        assert_eq!(config.media_ports(), [7000, 7001]);
        assert!(config.media.advertised.is_empty());
        Ok(())
    });
}

#[test]
fn a_folder_is_no_file() {
    let said = Config::load(Some(Path::new("."))).expect_err("a folder");
    assert_eq!(
        said.to_string(),
        ". is a folder; --config wants a file in it"
    );
}

#[test]
fn the_example_of_a_host_is_good() {
    Jail::expect_with(|jail| {
        jail.create_file(
            "host.toml",
            include_str!("../../config/production.example.toml"),
        )?;
        assert!(Config::load(Some(Path::new("host.toml"))).is_ok());
        Ok(())
    });
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own_and_not_in_both_places() {
    Jail::expect_with(|jail| {
        jail.create_file("secret", "hunter2\n")?;
        jail.create_file("url", "postgres://calls:hunter3@db/calls")?;
        jail.set_env("CALLS__TURN__SECRET_FILE", "secret");
        jail.set_env("CALLS__STORAGE__SECRET_ACCESS_KEY_FILE", "secret");
        jail.set_env("CALLS__DATABASE__URL_FILE", "url");
        let config = Config::load(None).expect("good");
        assert_eq!(config.turn.secret, "hunter2");
        assert_eq!(config.storage.secret_access_key, "hunter2");
        assert_eq!(config.database.url, "postgres://calls:hunter3@db/calls");
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter"), "{shown}");

        jail.set_env("CALLS__TURN__SECRET", "hunter2");
        let said = Config::load(None).expect_err("twice").to_string();
        assert!(
            said.starts_with("configuration: turn.secret_file "),
            "{said}"
        );
        jail.set_env("CALLS__TURN__SECRET", "");
        jail.set_env("CALLS__TURN__SECRET_FILE", "nowhere");
        let said = Config::load(None).expect_err("no file").to_string();
        assert!(said.contains("cannot be read (nowhere)"), "{said}");
        Ok(())
    });
}

#[test]
fn what_is_shown_of_a_configuration_has_every_key_and_no_secret() {
    Jail::expect_with(|jail| {
        jail.set_env("CALLS__TURN__SECRET", "hunter2");
        jail.set_env("CALLS__STORAGE__SECRET_ACCESS_KEY", "hunter3");
        jail.set_env("CALLS__DATABASE__URL", "postgres://calls:hunter4@db/calls");
        let shown = Config::shown(None).expect("good");
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(
            shown.contains("postgres://calls:(hidden)@db/calls"),
            "{shown}"
        );
        let read: toml::Table = shown.parse().expect("it is TOML");
        let kept: toml::Table = DEFAULTS.parse().expect("it is TOML");
        for (section, keys) in &kept {
            let read = read[section].as_table().expect("a section");
            let missing = |key: &&String| !read.contains_key(*key);
            let keys = keys.as_table().expect("a section").keys();
            assert_eq!(keys.filter(missing).count(), 0, "{section}");
        }
        Ok(())
    });
}
