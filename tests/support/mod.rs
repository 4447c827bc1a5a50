//! A whole server in this process, on free ports and a database of its own, and clients for it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "every test file uses another part of it, and unwraps what it expects"
)]

pub mod api;
pub mod postgres;
pub mod receiver;
pub mod serving;
pub mod socket;

use calls::app::Server;
use calls::config::Config;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use socket::Socket;

/// A server and a client for it. The database goes with it.
pub struct World {
    pub server: Server,
    pub config: Config,
    http: reqwest::Client,
    bearer: Option<String>,
    folder: TempDir,
}

/// A reply, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl World {
    /// A server that asks for no credentials.
    pub async fn open() -> Self {
        Self::start(true, |_| {}).await
    }

    /// A server that asks for credentials, and a client that has its first key.
    pub async fn closed() -> Self {
        Self::start(false, |_| {}).await
    }

    /// A server with a configuration of its own.
    pub async fn start(dev: bool, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config::load(None).expect("the defaults are good");
        config.http.bind = "127.0.0.1:0".parse().expect("an address");
        config.http.workers = 1;
        config.http.drain_seconds = 3;
        config.media.bind = "127.0.0.1".parse().expect("an address");
        config.media.udp_ports = vec![0];
        config.turn.port = 0;
        config.database.url = format!("sqlite:{}/calls.db", folder.path().display());
        config.recording.folder = folder.path().join("recordings");
        config.files.folder = folder.path().join("files");
        config.transcription.models = folder.path().join("models");
        change(&mut config);
        let server = Box::pin(Server::start(config.clone(), dev))
            .await
            .expect("the server starts");
        let bearer = server.first_key.as_ref().map(|key| key.reveal().to_owned());
        Self {
            server,
            config,
            http: reqwest::Client::new(),
            bearer,
            folder,
        }
    }

    /// The same database and configuration, another process as far as anybody can tell.
    pub async fn restart(self, dev: bool) -> Self {
        self.restart_with(dev, |_| {}).await
    }

    /// The same database, and another configuration.
    pub async fn restart_with(self, dev: bool, change: impl FnOnce(&mut Config)) -> Self {
        let Self {
            server,
            mut config,
            http,
            bearer,
            folder,
        } = self;
        server.stop().await;
        change(&mut config);
        let server = Box::pin(Server::start(config.clone(), dev))
            .await
            .expect("the server starts again");
        Self {
            server,
            config,
            http,
            bearer,
            folder,
        }
    }

    /// The address of a path, from the root.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }

    /// A request to a path of the API, with the first key where there is one.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, self.url(&format!("/api/v1/calls{path}")));
        match &self.bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        }
    }

    /// A request with another bearer, or none.
    pub fn request_as(&self, bearer: Option<&str>, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, self.url(&format!("/api/v1/calls{path}")));
        match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        }
    }

    /// A request to a path from the root.
    pub fn page(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    /// Where recordings are.
    pub fn recordings(&self) -> std::path::PathBuf {
        self.config.recording.folder.clone()
    }

    pub async fn delete(&self, path: &str) -> Reply {
        send(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// Makes a room with these keys beside its name.
    pub async fn room(&self, keys: Value) -> String {
        let mut body = json!({ "name": "Daily Standup" });
        body.as_object_mut()
            .unwrap()
            .extend(keys.as_object().unwrap().clone());
        let room = self.post("/rooms", body).await.expect(201);
        room["room_id"].as_str().expect("an id").to_owned()
    }

    /// Joins a room.
    pub async fn join(&self, room: &str, user: &str) -> Value {
        self.post(&format!("/rooms/{room}/join"), json!({ "user_id": user }))
            .await
            .expect(200)
    }

    /// Joins a room and says hello; gives the welcome too.
    pub async fn enter(&self, room: &str, user: &str) -> (Socket, Value) {
        let joined = self.join(room, user).await;
        let mut socket = Socket::hello(&joined["connection"]).await;
        let welcome = socket.event("welcome").await;
        (socket, welcome)
    }

    /// Opens a user's own socket.
    pub async fn online(&self, user: &str) -> Socket {
        let connection = self
            .post("/connections", json!({ "user_id": user }))
            .await
            .expect(201);
        let mut socket = Socket::hello(&connection).await;
        assert_eq!(socket.event("ready").await["user_id"], user);
        socket
    }
}

impl Reply {
    /// The body, if the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// It is a problem with this status and code, in the form that all have; gives its `errors` and `detail`.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let media_type = self.headers[header::CONTENT_TYPE].to_str().unwrap();
        assert_eq!(media_type, "application/problem+json");
        let problem = self.json();
        assert_eq!(
            (&problem["status"], &problem["code"]),
            (&json!(status), &json!(code))
        );
        let id = self.headers["x-request-id"].to_str().unwrap();
        assert_eq!(problem["request_id"], id, "the reply's own id");
        assert!(!id.is_empty());
        problem
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends a request and reads the reply.
pub async fn send(request: RequestBuilder) -> Reply {
    read(request.send().await.expect("a reply")).await
}

async fn read(response: Response) -> Reply {
    let (status, headers) = (response.status(), response.headers().clone());
    Reply {
        status,
        headers,
        text: response.text().await.expect("a body"),
    }
}
