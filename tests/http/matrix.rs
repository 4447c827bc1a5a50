//! Every endpoint of the OpenAPI document × every kind of caller × things of the own and of another tenant: what each is
//! answered. The answers are kept in `matrix.txt`, for people to read; `UPDATE_MATRIX=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use calls::auth::keys::{self, Wanted};
use calls::auth::{Issuer, Tokens};
use calls::config::Config;
use calls_model::{Fact, OrgId, Recording, Scope};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{World, send};

/// Where REST begins.
const BASE: &str = "/api/v1/calls";

/// How long things are used.
const LASTING: Duration = Duration::from_secs(15);

/// Who asks. All but the last are of the tenant `default`.
const CALLERS: [&str; 20] = [
    "nobody",
    "a wrong key",
    "a revoked key",
    "an expired token",
    "a token of a revoked key",
    "a key to everything",
    "a key without rooms",
    "a key without calls",
    "a key without moderate",
    "a key without recordings",
    "a key without transcripts",
    "a key without webhooks",
    "a key without keys",
    "a key without admin",
    "a participant's token",
    "a moderator's token",
    "the host's token",
    "another room's token",
    "a user's own token",
    "another tenant's key",
];

/// Things of one tenant, to be asked for.
struct Things {
    made: Instant,
    key: String,
    room: String,
    call: String,
    ringing: String,
    /// Whom that rings; each time somebody else, who is not busy.
    callee: String,
    participant: String,
    recording: String,
    file: String,
    webhook: String,
    delivery: String,
    key_name: String,
    rooms: Vec<String>,
    tokens: BTreeMap<&'static str, String>,
}

struct Matrix {
    world: World,
    /// By caller, those that last.
    bearers: BTreeMap<&'static str, String>,
    ours: Things,
    theirs: Things,
}

impl Matrix {
    async fn start() -> Self {
        let world = World::start(false, |config: &mut Config| {
            config.webhooks.allow_private = true;
            config.webhooks.most = 100_000;
        })
        .await;
        let mut bearers = BTreeMap::new();
        let full = world.server.first_key.clone().expect("a key");
        let full = full.reveal().to_owned();
        bearers.insert("a wrong key", keys::SecretKey::random().reveal().to_owned());
        let revoked = key(&world, Wanted::default()).await;
        bearers.insert("a revoked key", revoked.clone());
        for (caller, scope) in CALLERS[6..14].iter().zip(Scope::ALL) {
            assert!(caller.ends_with(scope.as_str()));
            let scopes = Scope::ALL.into_iter().filter(|one| *one != scope);
            let wanted = Wanted {
                scopes: scopes.collect(),
                ..Wanted::default()
            };
            bearers.insert(caller, key(&world, wanted).await);
        }
        let acme: OrgId = "acme".parse().expect("a tenant");
        let wanted = Wanted {
            org: acme,
            ..Wanted::default()
        };
        let theirs = key(&world, wanted).await;
        bearers.insert("another tenant's key", theirs.clone());
        bearers.insert("a key to everything", full.clone());

        let app = world.server.app();
        let secret = app
            .store
            .secret_or("join-tokens", Vec::new())
            .await
            .expect("the secret");
        let ending = Tokens::new(&secret, Duration::ZERO);
        let expired = ending.user("ann".parse().expect("a user"), Issuer::default());
        bearers.insert("an expired token", expired);
        let body = json!({ "user_id": "ann" });
        let own = ask(
            &world,
            &full,
            Method::POST,
            "/connections",
            Some(body.clone()),
        )
        .await;
        bearers.insert("a user's own token", text(&own, "/token"));
        let dead = ask(&world, &revoked, Method::POST, "/connections", Some(body)).await;
        bearers.insert("a token of a revoked key", text(&dead, "/token"));
        let revoked: keys::SecretKey = revoked.parse().expect("a key");
        let path = format!("/api-keys/{}", revoked.name());
        ask(&world, &full, Method::DELETE, &path, None).await;
        let ours = Things::of(&world, &full).await;
        let theirs = Things::of(&world, &theirs).await;
        tokio::time::sleep(Duration::from_millis(1100)).await; // the token counts whole seconds
        Self {
            world,
            bearers,
            ours,
            theirs,
        }
    }

    /// Anew, before presences without a socket are over.
    async fn renew(&mut self) {
        for own in [true, false] {
            let things = if own { &self.ours } else { &self.theirs };
            if things.made.elapsed() > LASTING {
                self.fresh(own).await;
            }
        }
    }

    async fn fresh(&mut self, own: bool) {
        let things = if own {
            &mut self.ours
        } else {
            &mut self.theirs
        };
        let key = things.key.clone();
        things.clear_away(&self.world).await;
        *things = Things::of(&self.world, &key).await;
    }

    /// What this caller is answered: the status, which is all that a cell says.
    async fn cell(&mut self, caller: &'static str, own: bool, method: &Method, path: &str) -> u16 {
        let things = if own { &self.ours } else { &self.theirs };
        let (bearer, user) = match caller {
            "a participant's token" => (self.ours.tokens.get("participant"), "ben"),
            "a moderator's token" => (self.ours.tokens.get("moderator"), "mia"),
            "the host's token" => (self.ours.tokens.get("host"), "ann"),
            "another room's token" => (self.ours.tokens.get("elsewhere"), "kim"),
            "a user's own token" => (self.bearers.get(caller), "ann"),
            _ => (self.bearers.get(caller), "zoe"),
        };
        let answering = if user == "zoe" { &things.callee } else { user };
        let at = things.fill(method, path);
        let request = self.world.page(method.clone(), &self.world_path(&at));
        let request = match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        };
        let status = with_body(request, method, path, (user, answering))
            .send()
            .await
            .expect("a reply")
            .status();
        if status.is_success() && uses_up(method, path) {
            self.fresh(own).await;
        }
        status.as_u16()
    }

    fn world_path(&self, path: &str) -> String {
        self.world.url(path).replace(&self.world.url(""), "")
    }
}

impl Things {
    async fn of(world: &World, key: &str) -> Self {
        let post = |path: String, body: Value| async move {
            ask(world, key, Method::POST, &path, Some(body)).await
        };
        // Nothing is recorded and nothing is said here, so that each answer comes at once.
        let quiet = json!({ "name": "Hall", "settings": { "allow_recording": false } });
        let room = text(&post("/rooms".into(), quiet).await, "/room_id");
        let other = json!({ "name": "Elsewhere" });
        let other = text(&post("/rooms".into(), other).await, "/room_id");
        let callee = room.replacen("room_", "eve-", 1);
        let mut tokens = BTreeMap::new();
        let mut join = async |room: &str, what: &'static str, user: &str, role: &str| {
            let body = json!({ "user_id": user, "role": role });
            let joined = post(format!("/rooms/{room}/join"), body).await;
            tokens.insert(what, text(&joined, "/connection/token"));
            joined
        };
        join(&room, "host", "ann", "host").await;
        join(&room, "moderator", "mia", "moderator").await;
        join(&other, "elsewhere", "kim", "participant").await;
        let joined = join(&room, "participant", "ben", "participant").await;
        let call = text(&joined, "/call_id");
        let share = format!("/{call}/files?name=notes.txt");
        let shared = world.request_as(Some(&tokens["participant"]), Method::POST, &share);
        let shared = send(shared.body("notes")).await.expect(201);
        let ring = json!({ "type": "audio", "from": "ann", "to": [callee, "ben"] });
        let ringing = text(&post("/initiate".into(), ring).await, "/call_id");
        let hook = json!({ "url": "http://127.0.0.1:9/", "events": ["room.created"] });
        let webhook = text(&post("/webhooks".into(), hook).await, "/webhook_id");
        let told = post("/rooms".into(), json!({ "name": "Told" })).await;
        let path = format!("/webhooks/{webhook}/deliveries");
        let deliveries = ask(world, key, Method::GET, &path, None).await;
        let new = post("/api-keys".into(), json!({ "scopes": ["rooms"] })).await;
        Self {
            made: Instant::now(),
            key: key.to_owned(),
            recording: failed_recording(world, &call).await,
            file: text(&shared, "/file_id"),
            participant: text(&joined, "/participant_id"),
            delivery: text(&deliveries, "/data/0/delivery_id"),
            key_name: text(&new, "/name"),
            rooms: vec![room.clone(), other, text(&told, "/room_id")],
            callee,
            room,
            call,
            ringing,
            webhook,
            tokens,
        }
    }

    /// Nothing of it goes on: else all that goes on in the server would grow with each row.
    async fn clear_away(&self, world: &World) {
        let rooms = self.rooms.iter().map(|room| format!("/rooms/{room}"));
        let hook = format!("/webhooks/{}", self.webhook);
        for path in rooms.chain([hook]) {
            send(world.request_as(Some(&self.key), Method::DELETE, &path)).await; // or it is gone
        }
        let end = format!("/{}/end", self.ringing);
        send(world.request_as(Some(&self.key), Method::POST, &end)).await;
    }

    /// A path with ids in it, and what its query needs.
    fn fill(&self, method: &Method, path: &str) -> String {
        let rings = ["/answer", "/reject", "/cancel"];
        let call = if rings.iter().any(|verb| path.ends_with(verb)) {
            &self.ringing
        } else {
            &self.call
        };
        let path = path
            .replace("{call_id}", call)
            .replace("{room_id}", &self.room)
            .replace("{participant_id}", &self.participant)
            .replace("{recording_id}", &self.recording)
            .replace("{file_id}", &self.file)
            .replace("{webhook_id}", &self.webhook)
            .replace("{delivery_id}", &self.delivery)
            .replace("{key_name}", &self.key_name)
            .replace("{user_id}", "nobody-there");
        assert!(!path.contains('{'), "{path}: the matrix knows no such id");
        if path.ends_with("/search") {
            format!("{path}?q=hello")
        } else if *method == Method::POST && path.ends_with("/files") {
            format!("{path}?name=notes.txt")
        } else {
            path
        }
    }
}

/// Whether who comes next needs other things.
fn uses_up(method: &Method, path: &str) -> bool {
    let verbs = [
        "/answer", "/reject", "/cancel", "/end", "/join", "/leave", "/rotate",
    ];
    *method == Method::DELETE || verbs.iter().any(|verb| path.ends_with(verb))
}

/// Whether a path names a thing of another tenant, or of another room than the token is for. What stands for a user is
/// a name, which each tenant may have.
fn is_of_another(caller: &str, own: bool, path: &str) -> bool {
    let named = path.contains('{') && !path.ends_with("/users/{user_id}");
    let stranger = caller == "another room's token";
    named && (stranger || own == (caller == "another tenant's key"))
}

/// A recording that is settled, without files.
async fn failed_recording(world: &World, call: &str) -> String {
    let id = calls_model::RecordingId::new();
    let recording: Recording = serde_json::from_value(json!({
        "recording_id": id, "call_id": call, "mode": "audio", "status": "requested",
        "started_at": null, "duration_seconds": 0, "size_bytes": 0, "files": [],
        "requested_at": "2026-01-01T00:00:00Z", "participants": [], "paused": false, "layout": null, "live": false, "progress": 0, "error": null,
    }))
    .expect("a recording");
    let failed = Fact::RecordingFailed {
        call_id: recording.call_id.clone(),
        recording_id: id.clone(),
        reason: "nothing came".to_owned(),
        at: world.server.app().clock.now(),
    };
    let facts = vec![
        Fact::RecordingRequested {
            recording: Box::new(recording),
        },
        failed,
    ];
    world.server.app().store.record(facts).await.expect("facts");
    id.to_string()
}

async fn key(world: &World, wanted: Wanted) -> String {
    let app = world.server.app();
    let (secret, _) = keys::create(&app.store, app.clock.now(), wanted)
        .await
        .expect("a key");
    secret.reveal().to_owned()
}

async fn ask(world: &World, key: &str, method: Method, path: &str, body: Option<Value>) -> Value {
    let mut request = world.request_as(Some(key), method, path);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let reply = send(request).await;
    assert!(reply.status.is_success(), "{path}: {}", reply.text);
    serde_json::from_str(&reply.text).unwrap_or(Value::Null)
}

fn text(json: &Value, pointer: &str) -> String {
    let found = json.pointer(pointer).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("{pointer} of {json}"))
        .to_owned()
}

/// A body that is good, whoever sends it.
fn with_body(
    request: RequestBuilder,
    method: &Method,
    path: &str,
    (user, answering): (&str, &str),
) -> RequestBuilder {
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let body = match (method.as_str(), path) {
        ("POST", "/initiate") => json!({ "type": "audio", "from": "ray", "to": ["sue"] }),
        ("POST", "/connections") => json!({ "user_id": user }),
        ("POST", "/rooms") | ("PATCH", "/rooms/{room_id}") => json!({ "name": "Attic" }),
        ("POST", "/rooms/{room_id}/join" | "/rooms/{room_id}/leave") => json!({ "user_id": user }),
        ("POST", "/recordings/{recording_id}/compose") => json!({ "layout": "grid" }),
        ("POST", "/webhooks") => json!({ "url": "http://127.0.0.1:9/", "events": ["call.ended"] }),
        ("PATCH", "/webhooks/{webhook_id}") => json!({ "description": "mine" }),
        ("POST", "/{call_id}/record/start") => json!({ "mode": "audio" }),
        ("POST", "/{call_id}/transcribe" | "/recordings/{recording_id}/transcribe") => {
            json!({ "language": "tlh" })
        }
        ("POST", "/{call_id}/say") => json!({ "text": "hello", "language": "tlh" }),
        ("PATCH", "/{call_id}/participants/{participant_id}") => json!({ "muted": true }),
        ("POST", "/{call_id}/answer" | "/{call_id}/reject") => json!({ "user_id": answering }),
        ("POST", "/{call_id}/files") => return request.body("notes"),
        ("POST", path) if path.starts_with("/whip") || path.starts_with("/whep") => {
            return request
                .header("content-type", "application/sdp")
                .body("v=0");
        }
        ("PATCH", path) if path.starts_with("/whip") || path.starts_with("/whep") => {
            let fragment = "application/trickle-ice-sdpfrag";
            return request.header("content-type", fragment).body("");
        }
        _ => return request,
    };
    request.json(&body)
}

/// Every operation there is, but pages and documents.
fn operations() -> Vec<(Method, String)> {
    let document = serde_json::to_value(calls::http::openapi::document()).expect("JSON");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            if let Ok(method) = method.to_uppercase().parse::<Method>() {
                found.push((method, path.clone()));
            }
        }
    }
    found.sort_by(|(a, p), (b, q)| (p, a.as_str()).cmp(&(q, b.as_str())));
    found
}

fn heading() -> String {
    let mut text = String::from(
        "# What each caller is answered at each endpoint: the status. Written by tests/http/matrix.rs (UPDATE_MATRIX=1).\n\
         # \"own\": things of the tenant that all callers but the last belong to; \"other\": things of that last one's.\n#\n",
    );
    for (number, caller) in CALLERS.iter().enumerate() {
        let letter = char::from(b'A' + u8::try_from(number).expect("a letter"));
        let _ = writeln!(text, "# {letter}  {caller}");
    }
    text.push('#');
    text
}

#[actix_web::test]
async fn each_caller_gets_what_is_theirs_and_nothing_else() {
    let mut matrix = Matrix::start().await;
    let mut lines = heading();
    let columns: Vec<String> = (b'A'..)
        .take(CALLERS.len())
        .map(|b| format!("  {}", char::from(b)))
        .collect();
    let _ = write!(lines, "\n{:<76}{}\n", "", columns.join(" "));
    for (method, path) in operations() {
        for own in [true, false] {
            if !own && !path.contains('{') {
                continue; // it names nothing that somebody could own
            }
            matrix.renew().await;
            let mut cells = Vec::new();
            for caller in CALLERS {
                let status = matrix.cell(caller, own, &method, &path).await;
                // Whatever the file says: nobody is let through to what is another's.
                assert!(
                    status >= 400 || !is_of_another(caller, own, &path),
                    "{caller}: {status} at {method} {path}"
                );
                cells.push(status.to_string());
            }
            let whose = if own { "own" } else { "other" };
            let short = path.strip_prefix(BASE).unwrap_or(&path);
            let _ = writeln!(
                lines,
                "{whose:<6}{:<7}{short:<63}{}",
                method.as_str(),
                cells.join(" ")
            );
        }
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/matrix.txt");
    if std::env::var_os("UPDATE_MATRIX").is_some() {
        std::fs::write(golden, &lines).expect("it is written");
        return;
    }
    let kept = std::fs::read_to_string(golden).unwrap_or_default();
    let differ: Vec<_> = lines
        .lines()
        .filter(|line| !kept.lines().any(|k| k == *line))
        .collect();
    assert!(
        lines == kept,
        "answered otherwise than tests/http/matrix.txt says (UPDATE_MATRIX=1 writes it anew, look at the difference):\n{}",
        differ.join("\n")
    );
}
