//! A real S3-compatible server, which may refuse, forget, or be dead for a while.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::StatusCode;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(super) const KEY: &str = "calls";
pub(super) const SECRET: &str = "a-secret-of-the-tests";
pub(super) const BUCKET: &str = "recordings";

/// What was asked of a store, and when it dies.
#[derive(Default)]
pub(super) struct Watch {
    /// Parts that it took.
    pub(super) parts: AtomicUsize,
    /// It dies when the next one comes after so many; 0: it does not.
    pub(super) dies_after: AtomicUsize,
    /// It lets nobody in after so many parts; 0: it does.
    pub(super) refuses_after: AtomicUsize,
    /// It is read from, and not written to, after so many parts; 0: it is.
    pub(super) protected_after: AtomicUsize,
    /// It takes no parts, and does not say so.
    pub(super) holds: AtomicBool,
}

/// Serves a folder as S3; its folders are buckets.
pub(super) async fn serve(folder: &Path, address: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
    serve_watched(folder, address, Arc::default()).await
}

pub(super) async fn serve_watched(
    folder: &Path,
    address: SocketAddr,
    watch: Arc<Watch>,
) -> (SocketAddr, JoinHandle<()>) {
    let service = {
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder).expect("a folder"));
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        builder.build()
    };
    let listener = TcpListener::bind(address).await.expect("a free port");
    let address = listener.local_addr().expect("it listens");
    let bucket = folder.join(BUCKET);
    let serving = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new(); // they end with the server
        let (die, mut dead) = tokio::sync::mpsc::channel::<()>(1);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = dead.recv() => break,
            };
            let Ok((socket, _)) = accepted else {
                break;
            };
            let (service, watch, die) = (service.clone(), watch.clone(), die.clone());
            let bucket = bucket.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let (service, watch, die) = (service.clone(), watch.clone(), die.clone());
                let part = request.uri().query().unwrap_or("").contains("partNumber=");
                let writes = !matches!(request.method().as_str(), "GET" | "HEAD");
                let there = bucket.exists();
                let forgotten = upload_of(&request).is_some_and(|id| {
                    let info = bucket.with_file_name(format!(".upload-{id}.json"));
                    !info.exists()
                });
                async move {
                    if !there {
                        // s3s-fs would make it
                        return Ok(says(StatusCode::NOT_FOUND, "NoSuchBucket"));
                    }
                    if forgotten {
                        // s3s-fs says that access is denied
                        return Ok(says(StatusCode::NOT_FOUND, "NoSuchUpload"));
                    }
                    if part && watch.holds.load(Ordering::SeqCst) {
                        std::future::pending::<()>().await;
                    }
                    let taken = watch.parts.load(Ordering::SeqCst);
                    let at =
                        |limit: &AtomicUsize| taken > 0 && taken == limit.load(Ordering::SeqCst);
                    if at(&watch.refuses_after) || (writes && at(&watch.protected_after)) {
                        return Ok(says(StatusCode::FORBIDDEN, "AccessDenied"));
                    }
                    if part && taken > 0 && taken == watch.dies_after.load(Ordering::SeqCst) {
                        watch.dies_after.store(0, Ordering::SeqCst);
                        let _ = die.send(()).await;
                        std::future::pending::<()>().await; // in the middle of it
                    }
                    let answer = service.call(request.map(s3s::Body::from)).await;
                    if part && answer.as_ref().is_ok_and(|answer| answer.status() == 200) {
                        watch.parts.fetch_add(1, Ordering::SeqCst);
                    }
                    answer
                }
            });
            connections.spawn(async move {
                let http = Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    (address, serving)
}

/// What stores say instead of doing it.
fn says(status: StatusCode, code: &str) -> http::Response<s3s::Body> {
    let body = format!("<Error><Code>{code}</Code><Message>not now</Message></Error>");
    let mut response = http::Response::new(s3s::Body::from(body));
    *response.status_mut() = status;
    response
}

/// Which upload in parts a request is about.
fn upload_of(request: &Request<Incoming>) -> Option<String> {
    let mut query = request.uri().query()?.split('&');
    let id = query.find_map(|one| one.strip_prefix("uploadId="));
    id.map(str::to_owned)
}

/// A folder with an empty bucket in it.
pub(super) fn bucket() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
    folder
}

pub(super) fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Parts of uploads that a store has and that belong to nothing.
pub(super) fn unfinished(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.contains(".part-")).count()
}
