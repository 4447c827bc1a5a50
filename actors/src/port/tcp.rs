//! ICE-TCP, passive (RFC 6544): connections that clients open where UDP does not get through.
//!
//! Datagrams are framed as in RFC 4571. A connection that nobody proves by a verified check is closed soon.

mod frame;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use calls_media::seam::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use self::frame::Deframer;
use super::Port;
use crate::metrics as names;

/// How long a connection may stay without a verified check.
const PROVE_WITHIN: Duration = Duration::from_secs(10);

/// Bytes that may wait on a connection before media is dropped: a reader this far behind sees no live picture.
const MEDIA_LIMIT: usize = 256 * 1024;

/// Bytes that may wait on a connection before checks and handshakes are dropped too.
const QUEUE_LIMIT: usize = MEDIA_LIMIT + 64 * 1024;

/// How much is read at a time.
const READ: usize = 16 * 1024;

/// How long accepting rests when the system has no more descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// First bytes of RTP and RTCP (RFC 7983 §7).
const MEDIA: std::ops::RangeInclusive<u8> = 128..=191;

/// The open connections of one port.
pub(super) struct Connections {
    open: RefCell<BTreeMap<u64, Rc<Connection>>>,
    next: Cell<u64>,
    limit: usize,
    gauge: metrics::Gauge,
}

/// One open connection.
struct Connection {
    path: Path,
    /// Frames that wait.
    queue: RefCell<Vec<u8>>,
    /// Something waits that the writer does not know of.
    unseen: Cell<bool>,
    queued: Notify,
    close: Notify,
}

impl Connections {
    /// None yet, and never more than `limit`.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            open: RefCell::default(),
            next: Cell::new(0),
            limit,
            gauge: metrics::gauge!(names::TCP_CONNECTIONS),
        }
    }

    /// Closes the one behind this path, if it is one.
    pub(super) fn close(&self, path: Path) {
        if let Path::Tcp { connection, .. } = path
            && let Some(connection) = self.open.borrow().get(&connection)
        {
            connection.close.notify_one();
        }
    }

    /// Frames a datagram for a connection; false if it is gone or too slow.
    pub(super) fn queue(&self, connection: u64, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let open = self.open.borrow();
        let Some(connection) = open.get(&connection) else {
            return false;
        };
        let mut queue = connection.queue.borrow_mut();
        if queue.len() > QUEUE_LIMIT {
            return false;
        }
        let start = queue.len();
        let kept = frame::append(&mut queue, write);
        let is_media = queue
            .get(start + frame::HEADER)
            .is_some_and(|first| MEDIA.contains(first));
        if !kept || (is_media && start > MEDIA_LIMIT) {
            queue.truncate(start);
            return false;
        }
        connection.unseen.set(true);
        true
    }

    /// Lets the writers see what was queued.
    pub(super) fn wake_writers(&self) {
        for connection in self
            .open
            .borrow()
            .values()
            .filter(|connection| connection.unseen.take())
        {
            connection.queued.notify_one();
        }
    }

    /// A place for one more. Who has not proven itself yet gives way, the longest waiting first.
    fn enter(&self, port: &Port, remote: SocketAddr) -> Option<Rc<Connection>> {
        let mut open = self.open.borrow_mut();
        if open.len() >= self.limit {
            let demux = port.demux.borrow();
            let (&unproven, old) = open
                .iter()
                .find(|(_, connection)| !demux.is_proven(connection.path))?;
            old.close.notify_one();
            open.remove(&unproven);
            self.gauge.decrement(1);
        }
        let id = self.next.get();
        self.next.set(id + 1);
        let connection = Rc::new(Connection {
            path: Path::Tcp {
                connection: id,
                remote,
            },
            queue: RefCell::default(),
            unseen: Cell::new(false),
            queued: Notify::new(),
            close: Notify::new(),
        });
        open.insert(id, Rc::clone(&connection));
        self.gauge.increment(1);
        Some(connection)
    }

    fn leave(&self, path: Path) {
        if let Path::Tcp { connection, .. } = path
            && self.open.borrow_mut().remove(&connection).is_some()
        {
            self.gauge.decrement(1);
        }
    }
}

/// Binds a listener.
pub(crate) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Takes connections in, for ever.
pub(super) async fn accept(port: Rc<Port>) {
    let Some(listener) = &port.listener else {
        return;
    };
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                if let Some(connection) = port.connections.enter(&port, remote) {
                    actix::spawn(serve(Rc::clone(&port), stream, connection));
                }
            }
            Err(_) => tokio::time::sleep(ACCEPT_REST).await,
        }
    }
}

/// Forgets a connection, however its task ends.
struct Leaving(Rc<Port>, Path);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.connections.leave(self.1);
        self.0.demux.borrow_mut().unbind(self.1);
    }
}

async fn serve(port: Rc<Port>, stream: TcpStream, connection: Rc<Connection>) {
    let leaving = Leaving(port, connection.path);
    let port = &leaving.0;
    let _ = stream.set_nodelay(true); // slower without it, but it works
    let (read, write) = stream.into_split();
    tokio::select! {
        () = read_frames(port, read, connection.path) => {}
        () = write_frames(&connection, write) => {}
        () = connection.close.notified() => {}
        () = unproven(port, connection.path) => {}
    }
}

/// Ends when the time for proving itself is over, and never for a connection that has.
async fn unproven(port: &Port, path: Path) {
    tokio::time::sleep(PROVE_WITHIN).await;
    if port.demux.borrow().is_proven(path) {
        std::future::pending::<()>().await;
    }
}

async fn read_frames(port: &Port, mut read: OwnedReadHalf, path: Path) {
    let mut deframer = Deframer::default();
    loop {
        match read.read_buf(deframer.space(READ)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let mut frames: Vec<BytesMut> = Vec::new();
        let ended = loop {
            match deframer.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        if !port.take_frames(path, frames) || ended {
            return;
        }
    }
}

async fn write_frames(connection: &Connection, mut write: OwnedWriteHalf) {
    let mut leaving = Vec::new();
    loop {
        connection.queued.notified().await;
        std::mem::swap(&mut *connection.queue.borrow_mut(), &mut leaving);
        if write.write_all(&leaving).await.is_err() {
            return;
        }
        leaving.clear();
    }
}
