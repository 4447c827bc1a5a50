//! REST of a server that runs as a process of its own.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::Socket;
use super::serving::Serving;

/// Asks a server.
pub struct Api {
    pub http: reqwest::Client,
    pub base: String,
}

impl Api {
    pub fn of(server: &Serving) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: server.url("/api/v1/calls"),
        }
    }

    /// Whatever it says.
    pub async fn try_post(&self, path: &str, body: Value) -> Result<Response, reqwest::Error> {
        let request = self
            .http
            .request(Method::POST, format!("{}{path}", self.base));
        request.json(&body).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.try_post(path, body).await.expect("a reply");
        assert!(reply.status().is_success(), "{path}: {}", reply.status());
        reply.json().await.expect("JSON")
    }

    pub async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.base));
        let reply = request.send().await.expect("a reply");
        reply.json().await.expect("JSON")
    }

    /// Everything that happened.
    pub async fn all_events(&self) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/events?limit=100{after}")).await;
            all.extend(page["data"].as_array().expect("a page").iter().cloned());
            if page["has_more"] != true {
                return all;
            }
            after = format!("&after={}", page["next_cursor"].as_str().expect("a cursor"));
        }
    }

    /// What happened to a subject.
    pub async fn events(&self, subject: &str) -> Vec<Value> {
        let all = self.all_events().await.into_iter();
        all.filter(|event| event["subject"] == subject).collect()
    }

    /// A new room.
    pub async fn room(&self) -> String {
        let room = self.post("/rooms", json!({ "name": "Hall" })).await;
        room["room_id"].as_str().expect("an id").to_owned()
    }

    /// Comes into a room with a socket: it, the reply of the join, and the welcome.
    pub async fn enter(&self, room: &str, user: &str) -> (Socket, Value, Value) {
        let join = json!({ "user_id": user });
        let joined = self.post(&format!("/rooms/{room}/join"), join).await;
        let mut socket = Socket::hello(&joined["connection"]).await;
        let welcome = socket.event("welcome").await;
        (socket, joined, welcome)
    }
}
