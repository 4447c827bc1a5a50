//! The REST side: rooms, joins and recordings.

use std::time::Duration;

use calls_model::rest::{CreateRoom, JoinRoom, JoinedRoom, MaxParticipants, StartRecording};
use calls_model::{
    CallId, ProblemDetails, Recording, RecordingId, RecordingMode, RecordingReport, Room, RoomId,
    RoomName, RoomSettings, RoomType, UserId,
};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Deserialize;

/// Where the API begins.
const BASE: &str = "/api/v1/calls";

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(2);

/// A client of one server's REST API.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: reqwest::Client,
    base: Url,
    key: Option<String>,
}

/// What the server says of itself.
#[derive(Deserialize)]
struct Health {
    version: String,
}

/// The server could not be asked, or said no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiFailed {
    /// No answer.
    #[error("no answer from the server")]
    Unreachable(#[from] reqwest::Error),
    /// A refusal, with the server's own words.
    #[error("the server refused: {status} {code}: {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code of the problem.
        code: String,
        /// What it says.
        detail: String,
    },
}

impl Api {
    /// A client of the server at `base`.
    pub(crate) fn new(base: Url, key: Option<String>) -> Self {
        // The server closes what has idled for five seconds; a request that meets that moment would fail for no fault of its.
        let client = reqwest::Client::builder().pool_idle_timeout(IDLE);
        Self {
            client: client.build().unwrap_or_default(),
            base,
            key,
        }
    }

    /// The server's own address.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Makes a room for so many.
    pub(crate) async fn create_room(
        &self,
        name: RoomName,
        people: MaxParticipants,
    ) -> Result<RoomId, ApiFailed> {
        let body = CreateRoom {
            name,
            room_type: RoomType::Persistent,
            max_participants: people,
            settings: RoomSettings::default(),
            password: None,
            scheduled_at: None,
            host: None,
            encryption: calls_model::Encryption::Transport,
            phrases: Vec::new(),
        };
        let made = self
            .send(self.request(Method::POST, "/rooms").json(&body))
            .await?;
        Ok(made.json::<Room>().await?.room_id)
    }

    /// Takes the room away again.
    pub(crate) async fn delete_room(&self, room: &RoomId) -> Result<(), ApiFailed> {
        self.send(self.request(Method::DELETE, &format!("/rooms/{room}")))
            .await
            .map(drop)
    }

    /// Joins a room.
    pub(crate) async fn join(
        &self,
        room: &RoomId,
        user_id: UserId,
        publishes: bool,
    ) -> Result<JoinedRoom, ApiFailed> {
        let body = JoinRoom {
            user_id,
            display_name: None,
            password: None,
            audio: Some(publishes),
            video: Some(publishes),
            role: None,
            grants: None,
        };
        let path = format!("/rooms/{room}/join");
        Ok(self
            .send(self.request(Method::POST, &path).json(&body))
            .await?
            .json()
            .await?)
    }

    /// Records a call.
    pub(crate) async fn record(
        &self,
        call: &CallId,
        mode: RecordingMode,
    ) -> Result<Recording, ApiFailed> {
        let body = StartRecording {
            mode,
            participants: Vec::new(),
            layout: None,
            live: false,
        };
        let request = self.request(Method::POST, &format!("/{call}/record/start"));
        Ok(self.send(request.json(&body)).await?.json().await?)
    }

    /// Records it no more.
    pub(crate) async fn stop_recording(&self, call: &CallId) -> Result<(), ApiFailed> {
        let request = self.request(Method::POST, &format!("/{call}/record/stop"));
        self.send(request).await.map(drop)
    }

    /// How a recording stands.
    pub(crate) async fn recording(&self, id: &RecordingId) -> Result<Recording, ApiFailed> {
        let request = self.request(Method::GET, &format!("/recordings/{id}"));
        Ok(self.send(request).await?.json().await?)
    }

    /// How far a recording can be trusted.
    pub(crate) async fn recording_report(
        &self,
        id: &RecordingId,
    ) -> Result<RecordingReport, ApiFailed> {
        let request = self.request(Method::GET, &format!("/recordings/{id}/report"));
        Ok(self.send(request).await?.json().await?)
    }

    /// The server's version.
    pub(crate) async fn version(&self) -> Result<String, ApiFailed> {
        let mut url = self.base.clone();
        url.set_path("/healthz");
        let health = self.send(self.client.get(url)).await?;
        Ok(health.json::<Health>().await?.version)
    }

    /// The server's metrics, as Prometheus text.
    pub(crate) async fn metrics(&self) -> Result<String, ApiFailed> {
        let mut url = self.base.clone();
        url.set_path("/metrics");
        Ok(self
            .send(self.authorized(self.client.get(url)))
            .await?
            .text()
            .await?)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{BASE}{path}"));
        self.authorized(self.client.request(method, url))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ApiFailed> {
        let answer = request.send().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let (code, detail) = match answer.json::<ProblemDetails>().await {
            Ok(problem) => (problem.code, problem.detail),
            Err(_) => ("(no problem document)".to_owned(), String::new()),
        };
        Err(ApiFailed::Refused {
            status: status.as_u16(),
            code,
            detail,
        })
    }
}
