//! A session of Janus' WebSocket API.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::interval;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::JanusFailed;

/// A session ends a minute after the last word.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// An open session.
pub(super) struct Session {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    id: Option<u64>,
    transactions: u64,
}

impl From<tungstenite::Error> for JanusFailed {
    fn from(error: tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

impl Session {
    /// Opens one.
    pub(super) async fn open(url: &Url) -> Result<Self, JanusFailed> {
        let mut request = url.as_str().into_client_request()?;
        let protocol = HeaderValue::from_static("janus-protocol");
        request
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        let (socket, _) = connect_async(request).await?;
        let mut session = Self {
            socket,
            id: None,
            transactions: 0,
        };
        let made = session.request(json!({"janus": "create"})).await?;
        session.id = Some(
            made["data"]["id"]
                .as_u64()
                .ok_or(JanusFailed::Lacks("id"))?,
        );
        Ok(session)
    }

    /// A handle of the `VideoRoom` plugin.
    pub(super) async fn attach(&mut self) -> Result<u64, JanusFailed> {
        let attach = json!({"janus": "attach", "plugin": "janus.plugin.videoroom"});
        let attached = self.request(attach).await?;
        attached["data"]["id"]
            .as_u64()
            .ok_or(JanusFailed::Lacks("id"))
    }

    /// Asks the plugin, and waits for what it says to that.
    pub(super) async fn ask(
        &mut self,
        handle: u64,
        body: Value,
        jsep: Option<Value>,
    ) -> Result<Value, JanusFailed> {
        let mut request = json!({"janus": "message", "handle_id": handle, "body": body});
        if let Some(jsep) = jsep {
            request["jsep"] = jsep;
        }
        self.request(request).await
    }

    /// Keeps it alive until it breaks.
    pub(super) async fn keep(mut self) {
        let mut alive = interval(KEEP_ALIVE);
        loop {
            tokio::select! {
                _ = alive.tick() => {
                    if self.send(json!({"janus": "keepalive"})).await.is_err() {
                        return;
                    }
                }
                frame = self.socket.next() => match frame {
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                }
            }
        }
    }

    async fn send(&mut self, mut request: Value) -> Result<String, JanusFailed> {
        self.transactions += 1;
        let transaction = self.transactions.to_string();
        request["transaction"] = Value::from(transaction.as_str());
        if let Some(id) = self.id {
            request["session_id"] = Value::from(id);
        }
        self.socket.send(Message::text(request.to_string())).await?;
        Ok(transaction)
    }

    async fn request(&mut self, request: Value) -> Result<Value, JanusFailed> {
        let transaction = self.send(request).await?;
        loop {
            let frame = self.socket.next().await.ok_or(JanusFailed::Closed)??;
            let Message::Text(text) = frame else { continue };
            let frame: Value = serde_json::from_str(&text)?;
            if frame["transaction"] == transaction.as_str()
                && let Some(frame) = answered(frame)?
            {
                return Ok(frame);
            }
        }
    }
}

/// The frame, if it is more than the word that it was heard.
fn answered(frame: Value) -> Result<Option<Value>, JanusFailed> {
    let refused = frame["error"]["reason"]
        .as_str()
        .or(frame["plugindata"]["data"]["error"].as_str());
    match refused {
        Some(reason) => Err(JanusFailed::Refused(reason.to_owned())),
        None => Ok((frame["janus"] != "ack").then_some(frame)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_is_no_answer_and_a_plugins_error_is_a_refusal() {
        assert!(answered(json!({"janus": "ack"})).unwrap().is_none());
        assert!(answered(json!({"janus": "event"})).unwrap().is_some());
        let error = json!({"janus": "event", "plugindata": {"data": {"error": "No such room"}}});
        assert_eq!(
            answered(error).unwrap_err().to_string(),
            "refused: No such room"
        );
    }
}
