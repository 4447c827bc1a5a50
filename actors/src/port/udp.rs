//! The UDP socket of a port: many datagrams with each system call, in and out.

mod many;

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use nix::sys::socket::{setsockopt, sockopt};
pub use quinn_udp::Transmit;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use self::many::Headers;
pub(crate) use self::many::MOST;

/// Kernel buffers asked for; what `net.core.{r,w}mem_max` allows is granted. At 50 Mbit/s a second's worth.
const KERNEL_BUFFER: usize = 8 * 1024 * 1024;

/// Longest run of datagrams that the kernel hands over in one piece.
const LONGEST_RUN: usize = 65_536;

/// Binds a socket and gives it large buffers.
///
/// # Errors
///
/// When the system refuses it.
pub fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER); // smaller ones only lose more in bursts
    let _ = socket.set_send_buffer_size(KERNEL_BUFFER);
    Ok(socket.into())
}

/// The socket of one port.
///
/// It is watched for datagrams that come, and for room to send only while there is none: otherwise the kernel would wake
/// us once more for each datagram that has left.
pub struct UdpDoor {
    socket: AsyncFd<std::net::UdpSocket>,
    state: UdpSocketState,
    is_ipv6: bool,
    /// Datagrams may be cut apart by the kernel.
    offload: bool,
    headers: RefCell<Headers>,
}

impl UdpDoor {
    /// Takes over a bound socket. Needs the arbiter's runtime.
    ///
    /// # Errors
    ///
    /// When the system refuses it what it needs.
    pub fn new(socket: std::net::UdpSocket, offload: bool) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        let is_ipv6 = socket.local_addr()?.is_ipv6();
        ask_for_less(&socket);
        Ok(Self {
            socket: watch(socket, Interest::READABLE)?,
            state,
            is_ipv6,
            offload,
            headers: RefCell::default(),
        })
    }

    /// Waits until there is something to receive.
    ///
    /// # Errors
    ///
    /// When the socket is gone.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await.map(drop)
    }

    /// Waits until the kernel takes datagrams again.
    ///
    /// # Errors
    ///
    /// When the socket is gone.
    pub async fn writable(&self) -> io::Result<()> {
        let socket = self.socket.get_ref().try_clone()?;
        let watched = watch(socket, Interest::WRITABLE)?;
        watched.writable().await.map(drop)
    }

    /// How many datagrams one send may carry.
    pub fn segments(&self) -> usize {
        if self.offload {
            self.state.max_gso_segments()
        } else {
            1
        }
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Sends one datagram, or one run of them.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the kernel takes no more now; others if it takes this not at all.
    pub fn send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let socket = self.socket.get_ref();
        if !self.is_ipv6 {
            return self.state.try_send(socket.into(), transmit);
        }
        let mut transmit = transmit.clone();
        map(&mut transmit);
        self.state.try_send(socket.into(), &transmit)
    }

    /// Sends the first of these, as many as one system call takes; how many that were.
    ///
    /// # Errors
    ///
    /// As with [`send`](Self::send), of the first.
    pub(crate) fn send_many(&self, transmits: &mut [Transmit<'_>]) -> io::Result<usize> {
        if self.is_ipv6 {
            transmits.iter_mut().for_each(map);
        }
        let mut headers = self.headers.borrow_mut();
        let sent = headers.send(self.socket.get_ref().as_fd(), transmits);
        match (sent, transmits) {
            (Err(error), [first, ..]) if error.kind() != io::ErrorKind::WouldBlock => {
                // Alone it tells why, and whether segments are to blame.
                self.send(first).map(|()| 1)
            }
            (sent, _) => sent,
        }
    }

    /// Receives what is there, up to a batch.
    ///
    /// # Errors
    ///
    /// When the socket has an error to tell; there may be more to receive all the same.
    pub fn receive(
        &self,
        buffers: &mut Buffers,
        mut take: impl FnMut(SocketAddr, Option<IpAddr>, &[u8]),
    ) -> io::Result<Received> {
        let Buffers { space, metas } = buffers;
        let mut runs = space.chunks_exact_mut(LONGEST_RUN);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(runs.next().unwrap_or_default()));
        let mut count = 0;
        let outcome = self.socket.try_io(Interest::READABLE, |socket| {
            count = self.state.recv(socket.into(), &mut slices, metas)?;
            // Less than asked for: that was all, so nobody needs to ask again before more comes.
            if count < BATCH_SIZE {
                Err(io::ErrorKind::WouldBlock.into())
            } else {
                Ok(())
            }
        });
        let drained = match outcome {
            Ok(()) => false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            Err(error) => return Err(error),
        };
        let mut datagrams = 0;
        for (meta, run) in metas.iter().zip(&slices).take(count) {
            let remote = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
            let local = meta.dst_ip.map(|local| local.to_canonical());
            let run = run.get(..meta.len).unwrap_or_default();
            if run.is_empty() {
                take(remote, local, run);
                datagrams += 1;
            }
            for datagram in run.chunks(meta.stride.max(1)) {
                take(remote, local, datagram);
                datagrams += 1;
            }
        }
        Ok(Received { datagrams, drained })
    }
}

/// What one look at the socket brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// How many datagrams.
    pub datagrams: usize,
    /// There is nothing more now.
    pub drained: bool,
}

/// `quinn-udp` has the kernel tell of each datagram when it came and how its route was congested; nobody asks that here.
fn ask_for_less(socket: &std::net::UdpSocket) {
    // What cannot be switched off only costs a little.
    let _told = setsockopt(socket, sockopt::ReceiveTimestampns, &false);
    let socket = SockRef::from(socket);
    let _told = socket.set_recv_tos_v4(false);
    let _told = socket.set_recv_tclass_v6(false);
}

/// Has the arbiter's runtime watch a socket for this alone.
#[expect(
    unsafe_code,
    reason = "registering any descriptor for one interest is unsafe since tokio 1.54"
)]
fn watch(
    socket: std::net::UdpSocket,
    interest: Interest,
) -> io::Result<AsyncFd<std::net::UdpSocket>> {
    // SAFETY: the descriptor is the socket's, which owns it, never changes it, and lives as long as what is returned.
    let watched = unsafe { AsyncFd::register_with_interest(socket, interest) };
    watched.map_err(io::Error::from)
}

/// As a socket for both families writes them.
fn map(transmit: &mut Transmit<'_>) {
    let ip = mapped(transmit.destination.ip());
    transmit.destination.set_ip(ip);
    transmit.src_ip = transmit.src_ip.map(mapped);
}

/// The same address for a socket of both families.
fn mapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        IpAddr::V6(_) => address,
    }
}

/// What a port receives into, again and again.
pub struct Buffers {
    space: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
}

impl Buffers {
    /// Fresh ones.
    pub fn new() -> Self {
        Self {
            space: vec![0; LONGEST_RUN * BATCH_SIZE],
            metas: [RecvMeta::default(); BATCH_SIZE],
        }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use tokio::time::timeout;

    #[tokio::test]
    async fn a_full_socket_is_waited_for_until_there_is_room() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let receiver = receiver.local_addr().unwrap().into();
        let socket = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let other = Socket::from(socket.try_clone().unwrap());
        other.set_send_buffer_size(4608).unwrap();
        let door = UdpDoor::new(socket, true).unwrap();
        let soon = Duration::from_millis(50);
        timeout(soon, door.writable()).await.unwrap().unwrap();

        // What more is to follow (`MSG_MORE`, udp(7)) waits in the buffer, as behind a slow interface.
        let more = other.send_to_with_flags(&[0; 4000], &receiver, libc::MSG_MORE);
        more.unwrap();
        assert!(timeout(soon, door.writable()).await.is_err(), "it is full");

        let leaves = async {
            tokio::time::sleep(soon).await;
            other.send_to(&[], &receiver).unwrap();
        };
        let both = async { tokio::join!(door.writable(), leaves) };
        let (writable, ()) = timeout(Duration::from_secs(5), both).await.unwrap();
        writable.unwrap();
    }
}
