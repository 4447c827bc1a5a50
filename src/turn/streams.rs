//! TURN over TCP and TLS: connections, who may have one, and what waits for them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use calls_turn::{Client, Deframer};
use metrics::Gauge;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::port::Port;
use crate::telemetry::names;

/// How long shaking hands may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A peer that acknowledges nothing for so long is gone, however much still waits for it.
const DEAD_PEER: Duration = Duration::from_secs(30);

/// Bytes that may wait on a connection: a reader this far behind sees no live picture, and old media is worthless.
const QUEUE_LIMIT: usize = 256 * 1024;

/// How much is read at a time.
const READ: usize = 16 * 1024;

/// How long accepting rests when the system has no more descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// The open connections.
pub(super) struct Connections {
    open: RefCell<BTreeMap<u64, Rc<Connection>>>,
    /// Those whose writers do not know yet that something waits.
    unseen: RefCell<Vec<Rc<Connection>>>,
    next: Cell<u64>,
    limit: usize,
    per_address: usize,
    gauge: Gauge,
}

/// One open connection.
pub(super) struct Connection {
    client: Client,
    /// Messages that wait.
    queue: RefCell<Vec<u8>>,
    /// The writer is going to look.
    seen: Cell<bool>,
    queued: Notify,
    close: Notify,
    /// When it last said something whole.
    heard: Cell<Instant>,
}

impl Connections {
    /// None yet, and never more than `limit`, nor more than `per_address` from one.
    pub(super) fn new(limit: usize, per_address: usize) -> Self {
        let gauge = metrics::gauge!(names::TURN_CONNECTIONS);
        gauge.set(0.0);
        Self {
            open: RefCell::default(),
            unseen: RefCell::default(),
            next: Cell::new(0),
            limit,
            per_address,
            gauge,
        }
    }

    /// Appends a message to what waits for a connection; false if it is gone or too slow.
    pub(super) fn queue(&self, connection: u64, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let open = self.open.borrow();
        let Some(connection) = open.get(&connection) else {
            return false;
        };
        let mut queue = connection.queue.borrow_mut();
        if queue.len() > QUEUE_LIMIT {
            return false;
        }
        write(&mut queue);
        if connection.seen.replace(false) {
            self.unseen.borrow_mut().push(Rc::clone(connection));
        }
        true
    }

    /// Lets the writers see what was queued.
    pub(super) fn wake_writers(&self) {
        for connection in self.unseen.borrow_mut().drain(..) {
            connection.seen.set(true);
            connection.queued.notify_one();
        }
    }

    /// A place for one more. Who has no allocation yet gives way, the longest here first.
    fn enter(
        &self,
        remote: SocketAddr,
        now: Instant,
        serves: impl Fn(Client) -> bool,
    ) -> Option<Rc<Connection>> {
        let mut open = self.open.borrow_mut();
        let home = remote.ip();
        let neighbours = open
            .values()
            .filter(|other| other.client.remote().ip() == home);
        if neighbours.count() >= self.per_address {
            return None;
        }
        if open.len() >= self.limit {
            let (&id, old) = open.iter().find(|(_, other)| !serves(other.client))?;
            old.close.notify_one();
            open.remove(&id);
            self.gauge.decrement(1);
        }
        let id = self.next.get();
        self.next.set(id + 1);
        let client = Client::Stream {
            connection: id,
            remote,
        };
        let connection = Rc::new(Connection {
            client,
            queue: RefCell::default(),
            seen: Cell::new(true),
            queued: Notify::new(),
            close: Notify::new(),
            heard: Cell::new(now),
        });
        open.insert(id, Rc::clone(&connection));
        self.gauge.increment(1);
        Some(connection)
    }

    fn leave(&self, client: Client) {
        if let Client::Stream { connection, .. } = client
            && self.open.borrow_mut().remove(&connection).is_some()
        {
            self.gauge.decrement(1);
        }
    }
}

/// Takes connections in, for ever.
pub(super) async fn accept(
    port: Rc<Port>,
    listener: impl Fn(&Port) -> Option<(&TcpListener, Option<&TlsAcceptor>)> + Copy + 'static,
) {
    let Some((socket, _)) = listener(&port) else {
        return;
    };
    loop {
        match socket.accept().await {
            Ok((stream, remote)) => {
                let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
                let serves = |client| port.serves(client);
                let entered = port.connections.enter(remote, Instant::now(), serves);
                if let Some(connection) = entered {
                    port.nursery
                        .spawn(serve(Rc::clone(&port), stream, connection, listener));
                }
            }
            Err(_) => tokio::time::sleep(ACCEPT_REST).await,
        }
    }
}

/// Forgets a connection, however its task ends.
struct Leaving(Rc<Port>, Client);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.connections.leave(self.1);
        self.0.gone(self.1);
    }
}

async fn serve(
    port: Rc<Port>,
    stream: TcpStream,
    connection: Rc<Connection>,
    listener: impl Fn(&Port) -> Option<(&TcpListener, Option<&TlsAcceptor>)>,
) {
    let leaving = Leaving(port, connection.client);
    let port = &leaving.0;
    if let Err(error) = tune(&stream) {
        tracing::debug!(%error, "a connection could not be tuned");
    }
    let acceptor = listener(port).and_then(|(_, acceptor)| acceptor);
    let Some(acceptor) = acceptor else {
        return converse(port, stream, &connection).await;
    };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)) => shaken,
        () = connection.close.notified() => return,
    };
    if let Ok(Ok(stream)) = shaken {
        converse(port, stream, &connection).await;
    }
}

fn tune(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(DEAD_PEER))?;
    Ok(())
}

async fn converse<S: AsyncRead + AsyncWrite>(port: &Rc<Port>, stream: S, connection: &Connection) {
    let (read, write) = tokio::io::split(stream);
    tokio::select! {
        () = read_messages(port, read, connection) => {}
        () = write_messages(connection, write) => {}
        () = connection.close.notified() => {}
        () = fallen_silent(port, connection) => {}
    }
}

/// Ends when a connection without allocation has said nothing for too long.
async fn fallen_silent(port: &Port, connection: &Connection) {
    let idle = port.sockets.settings.idle;
    loop {
        let silent = connection.heard.get().elapsed();
        let left = idle.saturating_sub(silent);
        if !left.is_zero() {
            tokio::time::sleep(left).await;
        } else if port.serves(connection.client) {
            tokio::time::sleep(idle).await;
        } else {
            return;
        }
    }
}

async fn read_messages<S: AsyncRead>(
    port: &Rc<Port>,
    mut read: ReadHalf<S>,
    connection: &Connection,
) {
    let mut deframer = Deframer::default();
    loop {
        match read.read_buf(deframer.space(READ)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        match port.take_messages(connection.client, &mut deframer) {
            Ok(0) => {}
            Ok(_) => connection.heard.set(Instant::now()),
            Err(_) => return,
        }
    }
}

async fn write_messages<S: AsyncWrite>(connection: &Connection, mut write: WriteHalf<S>) {
    let mut leaving = Vec::new();
    loop {
        connection.queued.notified().await;
        std::mem::swap(&mut *connection.queue.borrow_mut(), &mut leaving);
        let written = async {
            write.write_all(&leaving).await?;
            write.flush().await // TLS keeps some
        };
        if written.await.is_err() {
            return;
        }
        leaving.clear();
    }
}
