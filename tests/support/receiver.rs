//! An application's endpoint: it remembers what it was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::sync::mpsc;

/// An endpoint on a port of its own; it goes with the test's runtime.
pub struct Receiver {
    pub url: String,
    answer: Arc<AtomicU16>,
    told: mpsc::UnboundedReceiver<Message>,
}

/// What it was told once.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub timestamp: String,
    pub signatures: Vec<String>,
    pub body: web::Bytes,
}

impl Receiver {
    /// Listens, and takes everything.
    pub fn start() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let answer = Arc::new(AtomicU16::new(200));
        let shared = answer.clone();
        let server = HttpServer::new(move || {
            let (tell, answer) = (tell.clone(), shared.clone());
            App::new().default_service(web::to(move |request: HttpRequest, body: web::Bytes| {
                // First: whoever is told may change it for the next one.
                let status = StatusCode::from_u16(answer.load(Ordering::Relaxed)).unwrap();
                let _ = tell.send(message(&request, body));
                async move {
                    HttpResponse::build(status)
                        .insert_header(("location", "http://127.0.0.1:1/elsewhere"))
                        .finish()
                }
            }))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let url = format!("http://{}/hooks", server.addrs()[0]);
        actix::spawn(server.run());
        Self { url, answer, told }
    }

    /// What it answers from now on.
    pub fn answer(&self, status: u16) {
        self.answer.store(status, Ordering::Relaxed);
    }

    /// The next thing that it is told.
    pub async fn next(&mut self) -> Message {
        let told = tokio::time::timeout(Duration::from_secs(10), self.told.recv()).await;
        told.expect("it is told something").expect("it listens")
    }

    /// The next thing that it is told of this type.
    pub async fn next_of(&mut self, event_type: &str) -> Message {
        loop {
            let message = self.next().await;
            if message.json()["type"] == event_type {
                return message;
            }
        }
    }

    /// What it was told already, if anything.
    pub fn try_next(&mut self) -> Option<Message> {
        self.told.try_recv().ok()
    }

    /// Nothing more comes for a while.
    pub async fn hears_nothing(&mut self) {
        let told = tokio::time::timeout(Duration::from_millis(300), self.told.recv()).await;
        assert!(told.is_err(), "{told:?}");
    }
}

fn message(request: &HttpRequest, body: web::Bytes) -> Message {
    let header = |name| {
        let value = request.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    Message {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature")
            .split(' ')
            .map(str::to_owned)
            .collect(),
        body,
    }
}

impl Message {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// One of the signatures was made with this secret, as a receiver checks it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes.unwrap());
        let mut signed = format!("{}.{}.", self.id, self.timestamp).into_bytes();
        signed.extend_from_slice(&self.body);
        self.signatures.iter().any(|signature| {
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap());
            hmac::verify(&key, &signed, &tag.unwrap()).is_ok()
        })
    }
}
