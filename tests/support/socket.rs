//! A signaling client that remembers what it heard.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long anything may take. Far more than it needs, so that a busy machine fails no test.
const PATIENCE: Duration = Duration::from_secs(10);

/// One signaling socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    heard: VecDeque<Value>,
    asked: u64,
}

impl Socket {
    /// Opens a socket and says nothing.
    pub async fn open(ws_url: &str) -> Self {
        Self::try_open(ws_url, Some("calls.v1"))
            .await
            .expect("a socket")
    }

    /// Opens a socket with this subprotocol.
    pub async fn try_open(ws_url: &str, protocol: Option<&'static str>) -> Result<Self, Error> {
        let mut request = ws_url.into_client_request()?;
        if let Some(protocol) = protocol {
            let value = HeaderValue::from_static(protocol);
            request
                .headers_mut()
                .insert("sec-websocket-protocol", value);
        }
        let (stream, _) = connect_async(request).await?;
        Ok(Self {
            stream,
            heard: VecDeque::new(),
            asked: 0,
        })
    }

    /// Opens the socket of a `connection` and says hello.
    pub async fn hello(connection: &Value) -> Self {
        let mut socket = Self::open(connection["ws_url"].as_str().expect("an address")).await;
        socket
            .ask("hello", json!({ "token": connection["token"] }))
            .await
            .expect("is welcome");
        socket
    }

    /// Says hello to resume what `welcome` began.
    pub async fn resume(ws_url: &Value, welcome: &Value, last_seq: u64) -> Self {
        let mut socket = Self::open(ws_url.as_str().expect("an address")).await;
        let resume = json!({ "session": welcome["session"], "last_seq": last_seq });
        let hello = json!({ "token": welcome["resume_token"], "resume": resume });
        socket.ask("hello", hello).await.expect("is welcome again");
        socket
    }

    /// Sends any text.
    pub async fn text(&mut self, text: impl Into<String>) {
        self.message(Message::text(text.into())).await;
    }

    /// Sends any message.
    pub async fn message(&mut self, message: Message) {
        self.stream
            .send(message)
            .await
            .expect("the socket takes it");
    }

    /// Sends, and tells whether the other end still takes it.
    pub async fn try_text(&mut self, text: impl Into<String>) -> bool {
        self.try_message(Message::text(text.into())).await
    }

    /// The same, for any message.
    pub async fn try_message(&mut self, message: Message) -> bool {
        self.stream.send(message).await.is_ok()
    }

    /// Sends a frame without a number.
    pub async fn tell(&mut self, t: &str, d: Value) {
        self.text(json!({ "t": t, "d": d }).to_string()).await;
    }

    /// Sends a request and waits for its answer; events that come before it are kept.
    pub async fn ask(&mut self, t: &str, d: Value) -> Result<Value, Value> {
        self.asked += 1;
        let id = self.asked;
        self.text(json!({ "t": t, "id": id, "d": d }).to_string())
            .await;
        let answer = self
            .find(&format!("the answer to {t}"), |frame| frame["re"] == id)
            .await;
        if answer["t"] == "ok" {
            Ok(answer["d"].clone())
        } else {
            Err(answer["d"].clone())
        }
    }

    /// The answer to the request of that number: what was done, or why not.
    pub async fn answer(&mut self, id: u64) -> Value {
        let answer = self
            .find(&format!("the answer to {id}"), |frame| frame["re"] == id)
            .await;
        answer["d"].clone()
    }

    /// The next event of this type; others before it are passed over, but kept.
    pub async fn event(&mut self, t: &str) -> Value {
        self.find(t, |frame| frame["t"] == t && frame.get("re").is_none())
            .await["d"]
            .clone()
    }

    /// The next event of this type whose `d` fits.
    pub async fn event_where(&mut self, t: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.find(t, |frame| frame["t"] == t && fits(&frame["d"]))
            .await["d"]
            .clone()
    }

    /// The next frame that fits, with everything that is in it.
    pub async fn find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&fits) {
            return self.heard.remove(at).expect("it is there");
        }
        loop {
            match timeout(PATIENCE, self.next()).await {
                Ok(Some(frame)) if fits(&frame) => return frame,
                Ok(Some(frame)) => self.heard.push_back(frame),
                Ok(None) => panic!("closed before {what} came; heard {:?}", self.heard),
                Err(late) => panic!("{what} did not come, {late}; heard {:?}", self.heard),
            }
        }
    }

    /// The last `seq` that was heard.
    pub fn last_seq(&self) -> u64 {
        self.heard
            .iter()
            .filter_map(|frame| frame["seq"].as_u64())
            .max()
            .unwrap_or(0)
    }

    /// Reads to the end: the reason of the `bye`, and the close code.
    pub async fn end(mut self) -> (String, u16) {
        let mut reason = String::new();
        loop {
            let next = timeout(PATIENCE, self.stream.next())
                .await
                .expect("it is closed in time");
            match next {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    if frame["t"] == "bye" {
                        frame["d"]["reason"]
                            .as_str()
                            .expect("a reason")
                            .clone_into(&mut reason);
                    }
                }
                Some(Ok(Message::Close(close))) => {
                    return (reason, close.map_or(0, |close| close.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (reason, 0),
            }
        }
    }

    /// Cuts the connection without a word, as a lost network does.
    pub fn cut(self) {
        drop(self.stream);
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            match self.stream.next().await? {
                Ok(Message::Text(text)) => {
                    return Some(serde_json::from_str(&text).expect("frames are JSON"));
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
