//! The program itself, as a shell starts it.

#[path = "media_e2e/s3.rs"]
#[allow(dead_code, reason = "recordings use more of it")]
mod s3;
mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use support::serving::{Serving, calls, run, text};

async fn get(url: String) -> Value {
    let reply = reqwest::get(url).await.expect("a reply");
    reply.json().await.expect("JSON")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[tokio::test]
async fn a_server_says_where_everything_is_and_stops_when_it_is_told_to() {
    let folder = folder();
    let server = Serving::start(calls(folder.path(), "serve --dev"));
    let banner = &server.banner;
    for told in [
        format!("API docs  {}", server.url("/docs/")),
        "media     UDP and TCP ".to_owned(),
        format!(
            "database  SQLite in {}/data/calls.db",
            folder.path().canonicalize().unwrap().display()
        ),
        "--dev     no credentials are asked for".to_owned(),
    ] {
        assert!(banner.contains(&told), "{told} in {banner}");
    }
    for untold in ["API key", "TURN   "] {
        assert!(!banner.contains(untold), "{untold} in {banner}");
    }
    assert_eq!(get(server.url("/healthz")).await["status"], "ok");
    let (code, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains('\u{1b}'), "no colours in a file: {log}");
    assert!(!log.contains("actix_server"), "{log}");
}

/// Of its own code, in KiB: how much there is, and how much of that is in memory. Linux has it read in since 5.14.
fn code_in_memory(server: &Serving) -> (u64, u64) {
    let maps = format!("/proc/{}/smaps", server.child.id());
    let maps = std::fs::read_to_string(maps).expect("it runs");
    let program = Path::new(env!("CARGO_BIN_EXE_calls")).canonicalize();
    let program = program.expect("it is there").display().to_string();
    let code = |line: &&str| line.contains(" r-xp ") && line.ends_with(&program);
    let mut lines = maps.lines().skip_while(|line| !code(line));
    let mut value = |name| {
        let line = lines
            .find(|line| line.starts_with(name))
            .expect("it is told");
        let kib = line.split_whitespace().nth(1).expect("a number");
        kib.parse::<u64>().expect("a number")
    };
    (value("Size:"), value("Rss:"))
}

#[test]
fn no_code_is_left_to_be_read_while_somebody_waits() {
    let folder = folder();
    let server = Serving::start(calls(folder.path(), "serve --dev"));
    let (size, resident) = code_in_memory(&server);
    // The system may take some of it back at any time; without being read in it is six sevenths.
    assert!(
        100 * resident >= 98 * size,
        "{resident} of {size} KiB are in memory"
    );
    server.stop();
}

#[test]
fn a_server_with_turn_says_where_that_listens() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").map(|socket| socket.local_addr());
    let port = free().expect("a port").expect("it listens").port();
    let folder = folder();
    let mut command = calls(folder.path(), "serve --dev");
    command.env("CALLS__TURN__PORT", port.to_string());
    let server = Serving::start(command);
    let told = format!("TURN      UDP and TCP {port} on 127.0.0.1\n");
    assert!(server.banner.contains(&told), "{}", server.banner);
    server.stop();
}

#[tokio::test]
async fn a_second_start_by_mistake_leaves_the_first_alone() {
    let folder = folder();
    let server = Serving::start(calls(folder.path(), "serve --dev"));
    let call = json!({ "type": "audio", "from": "ann", "to": ["ben"] });
    let call = reqwest::Client::new()
        .post(server.url("/api/v1/calls/initiate"))
        .json(&call)
        .send();
    let call: Value = call.await.unwrap().json().await.unwrap();

    let mut again = calls(folder.path(), "serve --dev");
    let again = run(again.env("CALLS__HTTP__BIND", &server.address));
    assert_eq!(again.status.code(), Some(1));
    let said = text(&again.stderr);
    assert!(said.contains("Is Calls running already?"), "{said}");

    let elsewhere = run(&mut calls(folder.path(), "serve --dev"));
    assert_eq!(elsewhere.status.code(), Some(1));
    let said = text(&elsewhere.stderr);
    let wanted = format!(
        "another Calls (pid {}) uses the database, SQLite in {}/data/calls.db: stop that one, or give",
        server.child.id(),
        folder.path().canonicalize().unwrap().display(),
    );
    assert!(said.contains(&wanted), "{said}");

    let path = format!("/api/v1/calls/{}", call["call_id"].as_str().unwrap());
    assert_eq!(get(server.url(&path)).await["status"], "initiated");
    assert_eq!(server.stop().0, Some(0));
    Serving::start(calls(folder.path(), "serve --dev")).stop();
}

/// A terminal sends Ctrl+C to all of a group, and the command may still need its server then.
#[test]
fn ctrl_c_reaches_the_command_of_serve_for_tests_and_not_its_server() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/serve-for-tests");
    let command = "trap 'sleep 0.5; curl -sS $CALLS_URL/healthz; exit 7' INT; echo $CALLS_PID; \
                   for n in $(seq 200); do sleep 0.1; done";
    // Whoever runs the tests in the background has it ignored.
    let mut shell = Command::new("env")
        .arg("--default-signal=INT")
        .arg(script)
        .args(["sh", "-c", command])
        .env("CALLS_BIN", env!("CARGO_BIN_EXE_calls"))
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut told = BufReader::new(shell.stdout.take().expect("a pipe"));
    let mut server = String::new();
    told.read_line(&mut server).expect("a number");
    let group = format!("-{}", shell.id());
    let sent = Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(sent.expect("kill").success());
    let mut said = String::new();
    told.read_to_string(&mut said).expect("the rest");
    assert_eq!(shell.wait().expect("it ends").code(), Some(7), "{said}");
    assert!(said.contains("\"ok\""), "{said}");
    let server = Path::new("/proc").join(server.trim());
    assert!(!server.exists(), "it was stopped afterwards");
}

#[test]
fn the_first_key_is_not_lost_when_the_first_start_fails() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = calls(folder.path(), "serve");
    let failed = run(command.env("CALLS__HTTP__BIND", taken.local_addr().unwrap().to_string()));
    assert_eq!(failed.status.code(), Some(1));
    let server = Serving::start(calls(folder.path(), "serve"));
    assert!(server.banner.contains("    calls_"), "{}", server.banner);
    server.stop();
}

#[test]
fn a_diagnosis_changes_nothing_and_knows_a_server_that_runs() {
    let folder = folder();
    let fresh = run(&mut calls(folder.path(), "doctor"));
    let said = text(&fresh.stdout);
    assert_eq!(fresh.status.code(), Some(0), "{said}");
    assert!(said.contains("will be made at the first start"), "{said}");
    assert!(said.contains("transcription: vosk 0.3.45, "), "{said}");
    assert!(
        said.contains("clients are told this machine's addresses, 127.0.0.1"),
        "{said}"
    );
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);

    let server = Serving::start(calls(folder.path(), "serve --dev"));
    let mut command = calls(folder.path(), "doctor");
    let running = run(command.env("CALLS__HTTP__BIND", &server.address));
    let said = text(&running.stdout);
    assert_eq!(running.status.code(), Some(0), "{said}");
    assert!(said.contains("runs there, and is well"), "{said}");
    assert!(said.contains("tables are up to date"), "{said}");
    server.stop();
}

/// What `calls doctor` says of this bucket, and whether all is well.
async fn doctor(folder: &Path, storage: [(&'static str, String); 4]) -> (bool, String) {
    let mut command = calls(folder, "doctor");
    for (key, value) in storage {
        command.env(format!("CALLS__STORAGE__{key}"), value);
    }
    let ran = tokio::task::spawn_blocking(move || run(&mut command));
    let ran = ran.await.expect("it ran");
    (ran.status.success(), text(&ran.stdout))
}

#[tokio::test]
async fn a_diagnosis_looks_whether_the_bucket_takes_recordings_and_says_what_is_wrong() {
    let (folder, bucket) = (folder(), s3::bucket());
    let (address, serving) = s3::serve(bucket.path(), s3::anywhere()).await;
    let storage = |bucket: &str, key: &str, secret: &str| {
        [
            ("BUCKET", bucket.to_owned()),
            ("ENDPOINT", format!("http://{address}")),
            ("ACCESS_KEY_ID", key.to_owned()),
            ("SECRET_ACCESS_KEY", secret.to_owned()),
        ]
    };
    let right = || storage(s3::BUCKET, s3::KEY, s3::SECRET);
    let (well, said) = doctor(folder.path(), right()).await;
    assert!(well, "{said}");
    let told = format!(
        "  ok    storage.bucket: {} at http://{address} answers",
        s3::BUCKET
    );
    assert!(said.contains(&told), "{said}");
    let inside = bucket.path().join(s3::BUCKET).read_dir().expect("a bucket");
    assert_eq!(inside.count(), 0, "it changes nothing");

    let not_the_secret = "not-the-secret";
    let wrong = [
        (
            storage(s3::BUCKET, s3::KEY, not_the_secret),
            "the secret does not belong to the access key",
        ),
        (
            storage(s3::BUCKET, "nobody", s3::SECRET),
            "the access key is not known there",
        ),
    ];
    for (storage, told) in wrong {
        let (well, said) = doctor(folder.path(), storage).await;
        let told = format!("  BAD   storage.bucket: {}: {told}", s3::BUCKET);
        assert!(!well && said.contains(&told), "{said}");
        for secret in [not_the_secret, s3::SECRET, "<Error>"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    std::fs::remove_dir(bucket.path().join(s3::BUCKET)).expect("it was there");
    let (well, said) = doctor(folder.path(), right()).await;
    assert!(
        !well && said.contains(": there is no such bucket"),
        "{said}"
    );
    serving.abort();
    let _ = serving.await; // it was told to end
    let (well, said) = doctor(folder.path(), right()).await;
    let told = ": the bucket cannot be reached: connection refused";
    assert!(!well && said.contains(told), "{said}");
}

#[test]
fn a_diagnosis_tells_of_a_folder_in_which_nothing_can_be_recorded() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").expect("written");
    let examined = |place: &Path| {
        let mut command = calls(folder.path(), "doctor");
        let ran = run(command.env("CALLS__RECORDING__FOLDER", place));
        (ran.status.success(), text(&ran.stdout))
    };
    let (well, said) = examined(&file.join("recordings"));
    assert!(
        !well && said.contains("  BAD   recording.folder: "),
        "{said}"
    );
    let (well, said) = examined(&folder.path().join("recordings"));
    assert!(
        well && said.contains(" MB free, 1000 MB stay free"),
        "{said}"
    );
}

#[test]
fn keys_have_labels_and_an_empty_list_says_so() {
    let folder = folder();
    let list = || text(&run(&mut calls(folder.path(), "token list")).stdout);
    assert!(list().contains("There are no keys yet"));
    let made = run(&mut calls(
        folder.path(),
        "token create-key --label billing",
    ));
    let key = text(&made.stdout);
    let listed = list();
    assert!(listed.starts_with(&key[..14]), "{listed}");
    assert!(listed.trim_end().ends_with("good  billing"), "{listed}");
}

#[test]
fn a_variable_with_too_few_underscores_does_not_go_unnoticed() {
    let folder = folder();
    let mut command = calls(folder.path(), "token list");
    let said = text(&run(command.env("CALLS_HTTP_BIND", "127.0.0.1:1")).stderr);
    assert!(
        said.contains("CALLS_HTTP_BIND is not read; did you mean CALLS__HTTP__BIND?"),
        "{said}"
    );
}
