//! Ctrl+C at the program itself, from outside.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

/// Nobody can join here, so the server's turn is short.
const SCENARIO: &str = "name = \"interrupted\"\nrooms = 1\npublishers = 2\njoins_per_second = 100\n\
    warmup_seconds = 0\nseconds = 1\naudio_slots = 1\nvideo_slots = 0\n[audio]\npacket_bytes = 100\n";

/// What the server says of a room that it made.
const ROOM: &str = "{\"room_id\": \"room_1\", \"name\": \"x\", \
    \"type\": \"persistent\", \"max_participants\": 2, \"settings\": {}, \"current_participants\": 0, \
    \"created_at\": \"2026-11-30T00:00:00Z\"}";

/// A server that tells its version, makes rooms and does nothing else, one request for each connection.
fn serve(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        // Whoever hangs up is not served.
        let _hung_up = answer(stream);
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let length = stream.read(&mut request)?;
    let line = String::from_utf8_lossy(&request[..length]);
    let (status, body) = if line.starts_with("GET /healthz ") {
        ("200 OK", "{\"status\": \"ok\", \"version\": \"9.8.7\"}")
    } else if line.starts_with("POST") && line.contains("/rooms HTTP") {
        ("201 Created", ROOM)
    } else {
        ("404 Not Found", "{}")
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len(),
    )
}

/// The program at the floor, once it is there.
fn floor_of(harness: u32) -> Option<PathBuf> {
    let processes = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    let mut floors = processes.filter(|process| {
        let read = |file| fs::read_to_string(process.join(file)).unwrap_or_default();
        // proc(5): behind the name in brackets stand the state and the parent.
        let stat = read("stat");
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1));
        parent == Some(&harness.to_string()) && read("cmdline").contains("--serve-floor")
    });
    floors.next()
}

#[test]
fn ctrl_c_at_the_floor_is_an_interruption_and_no_failure_of_the_floor() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || serve(&listener));
    let scenario =
        std::env::temp_dir().join(format!("calls-interrupted-{}.toml", std::process::id()));
    fs::write(&scenario, SCENARIO).unwrap();

    // A terminal sends the signal to all of the group.
    let mut harness = Command::new(env!("CARGO_BIN_EXE_calls-loadtest"))
        .args(["--floor", "--url", &url, "--scenario"])
        .arg(&scenario)
        .env_remove("CALLS_PID")
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = harness.id();
    while floor_of(pid).is_none() && harness.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    let group = format!("-{pid}");
    let _gone = Command::new("kill").args(["-INT", "--", &group]).status();

    let output = harness.wait_with_output().unwrap();
    fs::remove_file(&scenario).unwrap();
    let (told, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        told.contains("FAILED: it was interrupted"),
        "{told}\n{complained}"
    );
    assert!(!told.contains("floor CPU"), "{told}");
    assert!(
        told.contains("server version              9.8.7\n"),
        "{told}"
    );
    assert!(!complained.contains("the floor"), "{complained}");
    assert_eq!(output.status.code(), Some(1));
}
