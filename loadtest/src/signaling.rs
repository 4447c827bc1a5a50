//! The signaling socket of one participant, as `calls.v1` has it.

use calls_model::signal::{
    Answer, ByeReason, ClientFrame, Empty, Event, Hello, Offer, Request, SUBPROTOCOL, ServerFrame,
    View, Welcome,
};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// An open socket that has been welcomed.
pub(crate) struct Signaling {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    requests: u64,
}

/// An offer to be made while the socket is listened to, and where its answer goes.
pub(crate) type Asked = (Offer, oneshot::Sender<Answer>);

/// The socket is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignalingFailed {
    /// The socket broke.
    #[error("signaling socket broke")]
    Socket(#[from] Box<tungstenite::Error>),
    /// The server closed it and said why.
    #[error("the server said bye: {0:?}")]
    Bye(ByeReason),
    /// The server closed it without a word.
    #[error("the server closed the signaling socket without a word")]
    Closed,
    /// A request was refused.
    #[error("the server refused: {code}: {detail}")]
    Refused {
        /// Stable code of the problem.
        code: String,
        /// What it says.
        detail: String,
    },
    /// A frame that is not of the protocol.
    #[error("a frame that is none of {SUBPROTOCOL}")]
    Malformed(#[from] serde_json::Error),
    /// A moderator would have to let us in.
    #[error("the room has a waiting room")]
    Waiting,
}

impl From<tungstenite::Error> for SignalingFailed {
    fn from(error: tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

impl Signaling {
    /// Opens the socket and says hello.
    pub(crate) async fn connect(
        url: &str,
        token: String,
    ) -> Result<(Self, Box<Welcome>), SignalingFailed> {
        let mut request = url.into_client_request()?;
        request.headers_mut().insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
        let (socket, _) = connect_async(request).await?;
        let mut signaling = Self {
            socket,
            requests: 0,
        };

        let hello = signaling
            .send(Request::Hello(Hello {
                token,
                resume: None,
            }))
            .await?;
        loop {
            let frame = signaling.next().await?;
            match frame.event {
                Event::Welcome(welcome) => return Ok((signaling, welcome)),
                Event::Waiting(_) => return Err(SignalingFailed::Waiting),
                event => _ = answered(hello, frame.re, event)?,
            }
        }
    }

    /// Sends an offer and gives back the answer.
    pub(crate) async fn offer(&mut self, offer: Offer) -> Result<Answer, SignalingFailed> {
        let value = self.ask(Request::Offer(offer)).await?;
        Ok(serde_json::from_value(value)?)
    }

    /// Tells what is on screen.
    pub(crate) async fn view(&mut self, view: View) -> Result<(), SignalingFailed> {
        self.ask(Request::View(view)).await.map(drop)
    }

    /// Listens and makes offers until `stop` turns true, then leaves; an end that comes earlier is a failure.
    pub(crate) async fn attend(
        mut self,
        mut stop: watch::Receiver<bool>,
        mut offers: mpsc::Receiver<Asked>,
    ) -> Result<(), SignalingFailed> {
        loop {
            let asked = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                asked = offers.recv() => asked,
                frame = self.next() => {
                    drop(frame?);
                    continue;
                }
            };
            // Whoever could ask is gone: so are we soon.
            let Some((offer, reply)) = asked else { break };
            let answer = self.offer(offer).await?;
            // Whoever asked may have gone meanwhile.
            let _gone = reply.send(answer);
        }
        self.send(Request::Leave(Empty {})).await?;
        self.socket.close(None).await?;
        Ok(())
    }

    async fn ask(&mut self, request: Request) -> Result<serde_json::Value, SignalingFailed> {
        let number = self.send(request).await?;
        loop {
            let frame = self.next().await?;
            if let Some(value) = answered(number, frame.re, frame.event)? {
                return Ok(value);
            }
        }
    }

    async fn send(&mut self, request: Request) -> Result<u64, SignalingFailed> {
        self.requests += 1;
        let frame = ClientFrame {
            id: Some(self.requests),
            request,
        };
        self.socket
            .send(Message::text(serde_json::to_string(&frame)?))
            .await?;
        Ok(self.requests)
    }

    /// The next frame of the protocol; pings are answered by the socket itself.
    async fn next(&mut self) -> Result<ServerFrame, SignalingFailed> {
        loop {
            match self.socket.next().await.ok_or(SignalingFailed::Closed)?? {
                Message::Text(text) => {
                    let frame: ServerFrame = serde_json::from_str(&text)?;
                    return match frame.event {
                        Event::Bye(bye) => Err(SignalingFailed::Bye(bye.reason)),
                        _ => Ok(frame),
                    };
                }
                Message::Close(_) => return Err(SignalingFailed::Closed),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

/// The value of the answer to request `number`, if this frame is it.
fn answered(
    number: u64,
    re: Option<u64>,
    event: Event,
) -> Result<Option<serde_json::Value>, SignalingFailed> {
    match event {
        Event::Ok(value) if re == Some(number) => Ok(Some(value)),
        Event::Error(problem) if re.is_none_or(|re| re == number) => {
            Err(SignalingFailed::Refused {
                code: problem.code,
                detail: problem.detail,
            })
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_answer_to_the_own_request_is_taken() {
        let ok = || Event::Ok(json!({"sdp": "v=0"}));
        assert_eq!(answered(3, Some(2), ok()).unwrap(), None);
        assert_eq!(
            answered(3, Some(3), ok()).unwrap(),
            Some(json!({"sdp": "v=0"}))
        );
        assert_eq!(answered(3, None, Event::Admitted(Empty {})).unwrap(), None);
    }
}
