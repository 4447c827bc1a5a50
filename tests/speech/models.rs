//! `calls models`: a model from a host of models onto this machine, whole and good, or not at all.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use crate::support::serving::{calls, run, text};
use md5::{Digest, Md5};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const NAME: &str = "vosk-model-tiny-en-0.1";

/// A host of models, with one archive. It hangs up in the middle of an answer where that is longer than it should be.
struct Host {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    list: Vec<u8>,
    archive: Vec<u8>,
    /// It hangs up after so many bytes of the archive.
    hangs_up_after: Option<usize>,
    /// From which byte on the archive was asked for.
    asked: Vec<usize>,
}

impl Host {
    fn with(archive: Vec<u8>) -> Self {
        let list = json!([
            {
                "name": NAME, "lang": "en-us", "lang_text": "US English", "type": "small", "obsolete": "false",
                "md5": hex::encode(Md5::digest(&archive)), "size": archive.len(), "size_text": "1 MiB",
                "url": "https://elsewhere.example/x.zip", "version": "0.1",
            },
            {
                "name": "vosk-model-cn-0.1", "lang": "cn", "lang_text": "Chinese", "type": "big",
                "obsolete": "true", "md5": "00", "size": 1,
            },
        ]);
        let state = Arc::new(Mutex::new(State {
            list: list.to_string().into_bytes(),
            archive,
            ..State::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it listens");
        let serving = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(stream, &serving); // a client that hung up is no matter
            }
        });
        Self { address, state }
    }

    fn hang_up_after(&self, bytes: Option<usize>) {
        self.state.lock().expect("nobody panics").hangs_up_after = bytes;
    }

    fn asked(&self) -> Vec<usize> {
        self.state.lock().expect("nobody panics").asked.clone()
    }

    fn models(&self, folder: &Path, arguments: &str) -> Output {
        let mut command: Command = calls(folder, &format!("models {arguments}"));
        command.env(
            "CALLS__TRANSCRIPTION__CATALOGUE",
            format!("http://{}", self.address),
        );
        run(&mut command)
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    let mut from = 0;
    for line in lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().expect("a number");
        }
    }
    let mut state = state.lock().expect("nobody panics");
    let (mut body, mut head) = (state.list.clone(), "200 OK\r\n".to_owned());
    if first.contains(".zip") {
        state.asked.push(from);
        body = state.archive[from..].to_vec();
        if from > 0 {
            let size = state.archive.len();
            head = format!(
                "206 Partial Content\r\ncontent-range: bytes {from}-{}/{size}\r\n",
                size - 1
            );
        }
    }
    let length = body.len();
    if first.contains(".zip") {
        body.truncate(state.hangs_up_after.unwrap_or(length));
    }
    let head = format!("HTTP/1.1 {head}content-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}

/// The bundled model, as an archive of an official one.
fn archive() -> Vec<u8> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("speech/model");
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut folders = vec![model.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&model).expect("inside").display();
            zip.start_file(format!("{NAME}/{name}"), SimpleFileOptions::default())
                .expect("a name");
            let mut bytes = Vec::new();
            let mut file = fs::File::open(&path).expect("a file");
            file.read_to_end(&mut bytes).expect("read");
            zip.write_all(&bytes).expect("written");
        }
    }
    zip.finish().expect("whole").into_inner()
}

#[track_caller]
fn good(output: &Output) -> String {
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    said
}

#[track_caller]
fn bad(output: &Output) -> String {
    let complained = text(&output.stderr);
    assert!(!output.status.success(), "{}", text(&output.stdout));
    complained
}

#[test]
fn a_model_is_listed_fetched_in_two_goes_checked_and_understood_by() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = Host::with(archive());
    let listed = good(&host.models(folder.path(), "list"));
    assert!(
        listed.contains("en       bundled, for commands"),
        "{listed}"
    );
    let line = listed
        .lines()
        .find(|line| line.contains(NAME))
        .expect("it is there");
    assert!(
        line.contains("en-us") && line.contains(" MB") && line.contains("md5 "),
        "{line}"
    );
    assert!(!listed.contains("vosk-model-cn"), "obsolete: {listed}");

    host.hang_up_after(Some(300_000));
    let cut = bad(&host.models(folder.path(), &format!("fetch {NAME}")));
    assert!(cut.contains(&format!("{NAME}.zip: ")), "{cut}");
    let models = folder.path().join("data/models");
    assert!(!models.join("en-us").exists(), "nothing half has a place");
    host.hang_up_after(None);
    good(&host.models(folder.path(), "fetch en-us"));
    assert_eq!(
        host.asked(),
        [0, 300_000],
        "the second goes on where the first was cut off"
    );
    assert!(models.join("en-us/am/final.mdl").exists());
    let left: Vec<_> = fs::read_dir(&models).expect("a folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");

    let checked = good(&host.models(folder.path(), "check en-us"));
    assert!(checked.contains("ok    en-us"), "{checked}");
    let again = bad(&host.models(folder.path(), "fetch en-us"));
    assert!(again.contains("--replace"), "{again}");
    good(&host.models(folder.path(), "fetch en-us --replace"));
    let unknown = bad(&host.models(folder.path(), "fetch xx"));
    assert!(unknown.contains(NAME), "it says what there is: {unknown}");
}

#[test]
fn what_does_not_arrive_as_it_left_or_does_not_load_takes_no_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = folder.path().join("data/models");
    let host = Host::with(archive());
    host.state.lock().expect("nobody panics").archive[1000] ^= 1;
    let differs = bad(&host.models(folder.path(), &format!("fetch {NAME}")));
    assert!(differs.contains("did not arrive as it left"), "{differs}");
    assert!(!models.join("en-us").exists());

    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(format!("{NAME}/README"), SimpleFileOptions::default())
        .expect("a name");
    zip.write_all(b"no model at all").expect("written");
    let host = Host::with(zip.finish().expect("whole").into_inner());
    let useless = bad(&host.models(folder.path(), &format!("fetch {NAME}")));
    assert!(useless.contains("is of no use"), "{useless}");
    assert!(!models.join("en-us").exists());

    fs::create_dir_all(models.join("de/am")).expect("a folder");
    let checked = host.models(folder.path(), "check");
    let said = text(&checked.stdout);
    assert!(!checked.status.success(), "{said}");
    assert!(
        said.contains("BAD   de") && said.contains("ok    en,"),
        "{said}"
    );
}

#[test]
fn a_host_that_cannot_be_reached_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("it listens");
    drop(nobody);
    let mut command = calls(folder.path(), "models list");
    command.env(
        "CALLS__TRANSCRIPTION__CATALOGUE",
        format!("http://{address}"),
    );
    let refused = bad(&run(&mut command));
    assert!(
        refused.contains(&format!("http://{address}/model-list.json")),
        "{refused}"
    );
    assert!(
        refused.contains("; what is installed works without that"),
        "{refused}"
    );
    let installed = good(&run(&mut calls(folder.path(), "models list --installed")));
    assert!(installed.contains("bundled"), "{installed}");
}
