//! The program at the floor: receives, opens, copies, numbers, seals and sends, and knows nothing else: no ICE, no
//! streams of its own, nobody who comes or goes. Reports are received, and not read. It has one port and one thread, as the
//! server has for so little; equal packets to one destination leave with one system call.

mod outbox;

use std::collections::HashMap;
use std::io::{self, BufRead, IoSliceMut, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};

use self::outbox::Outbox;
use super::gcm::{Gcm, TAG};
use super::plan::{MATERIAL, Plan};
use super::{EXTENSIONS, HELLO, HELLO_LENGTH};
use crate::light::Header;
use crate::traffic::OPUS;

/// Longest run of datagrams that the kernel hands over in one piece.
const LONGEST_RUN: usize = 65_536;

/// Kernel buffers asked for, as many as the server asks for.
const KERNEL_BUFFER: usize = 8 * 1024 * 1024;

/// Reads the plan from standard input, tells its port on standard output, and forwards until the input ends.
pub(super) fn serve() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let plan: Plan = serde_json::from_str(&line)?;
    let port = Port::new(&plan)?;
    let address = port.socket.local_addr()?;
    std::thread::Builder::new()
        .name("floor".into())
        .spawn(move || port.run())?;
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &address)?;
    output.write_all(b"\n")?;
    output.flush()?;
    line.clear();
    input.read_line(&mut line)?;
    Ok(())
}

/// One socket and all who are there.
struct Port {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    /// By number.
    members: Vec<Member>,
    numbers: HashMap<SocketAddr, usize>,
    /// Those to whom something is to be sent.
    ready: Vec<usize>,
}

struct Member {
    room: usize,
    address: Option<SocketAddr>,
    open: Gcm,
    seal: Gcm,
    audio_to: Vec<usize>,
    video_to: Vec<usize>,
    /// The highest index of each of its streams.
    streams: Vec<(u32, u64)>,
    /// The transport-wide number of what is sent next, so that there is something to report on.
    next: u16,
    outbox: Outbox,
}

impl Port {
    fn new(plan: &Plan) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // The kernel gives as much as it may.
        let _smaller = state.set_recv_buffer_size((&socket).into(), KERNEL_BUFFER);
        let _smaller = state.set_send_buffer_size((&socket).into(), KERNEL_BUFFER);
        let members = plan.members.iter().map(|member| {
            let material: &[u8; MATERIAL] = member.material[..].try_into().map_err(invalid)?;
            // The client's key, ours, the client's salt, ours (RFC 5764 §4.2).
            let (keys, salts) = material.split_at(32);
            Ok(Member {
                room: member.room,
                address: None,
                open: Gcm::new(&keys[..16], &salts[..12]).map_err(invalid)?,
                seal: Gcm::new(&keys[16..], &salts[12..]).map_err(invalid)?,
                audio_to: member.audio_to.clone(),
                video_to: member.video_to.clone(),
                streams: Vec::new(),
                next: 0,
                outbox: Outbox::default(),
            })
        });
        Ok(Self {
            members: members.collect::<io::Result<_>>()?,
            socket: mio::net::UdpSocket::from_std(socket),
            state,
            numbers: HashMap::new(),
            ready: Vec::new(),
        })
    }

    fn run(mut self) {
        if let Err(error) = self.forward() {
            tracing::error!("the port of the floor ended: {error}");
        }
    }

    fn forward(&mut self) -> io::Result<()> {
        let mut poll = Poll::new()?;
        poll.registry()
            .register(&mut self.socket, Token(0), Interest::READABLE)?;
        let mut events = Events::with_capacity(8);
        let mut memory = vec![vec![0; LONGEST_RUN]; BATCH_SIZE];
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            match poll.poll(&mut events, Some(Duration::from_secs(1))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            loop {
                let mut buffers: Vec<_> =
                    memory.iter_mut().map(|row| IoSliceMut::new(row)).collect();
                let socket = UdpSockRef::from(&self.socket);
                let Ok(count) = self.state.recv(socket, &mut buffers, &mut metas) else {
                    break;
                };
                for (row, meta) in memory.iter_mut().zip(&metas[..count]) {
                    let stride = meta.stride.max(1);
                    for datagram in row[..meta.len].chunks_mut(stride) {
                        self.handle(datagram, meta.addr);
                    }
                }
            }
            for number in self.ready.drain(..) {
                let member = &mut self.members[number];
                if let Some(address) = member.address {
                    member.outbox.flush(address, &self.state, &self.socket);
                }
            }
        }
    }

    fn handle(&mut self, datagram: &mut [u8], from: SocketAddr) {
        if datagram.len() == HELLO_LENGTH && datagram[0] == HELLO {
            self.welcome(datagram, from);
        } else if let Some(&number) = self.numbers.get(&from)
            && !matches!(datagram, [_, 192..=223, ..])
        {
            // What cannot be opened is not forwarded, and shows as loss.
            let _lost = self.fan_out(number, datagram);
        }
    }

    /// Once a whole room is there, all of it hears so, and begins.
    fn welcome(&mut self, hello: &[u8], from: SocketAddr) {
        let number = hello[1..].try_into().map_or(0, u32::from_be_bytes) as usize;
        let Some(member) = self.members.get_mut(number) else {
            return;
        };
        member.address = Some(from);
        self.numbers.insert(from, number);
        let room = member.room;
        let mates = || self.members.iter().filter(|mate| mate.room == room);
        if mates().all(|mate| mate.address.is_some()) {
            for address in mates().filter_map(|mate| mate.address) {
                // Who does not hear it says hello again.
                let _unsent = self.socket.send_to(hello, address);
            }
        }
    }

    fn fan_out(&mut self, number: usize, datagram: &mut [u8]) -> Option<()> {
        let Header {
            payload_type,
            ssrc,
            length: header,
            transport_number_at,
            sequence,
            ..
        } = Header::read(datagram, EXTENSIONS.transport_cc)?;
        let member = &mut self.members[number];
        let index = member.index(ssrc, sequence);
        let length = member.open.open(datagram, header, ssrc, index).ok()?;
        let plain = &datagram[..length];
        let audience = if payload_type == OPUS {
            std::mem::take(&mut member.audio_to)
        } else {
            std::mem::take(&mut member.video_to)
        };
        for &listener in &audience {
            let listener_number = listener;
            let listener = &mut self.members[listener];
            if listener.outbox.is_empty() {
                self.ready.push(listener_number);
            }
            let start = listener.outbox.begin(plain, TAG);
            let buffer = listener.outbox.bytes();
            if let Some(at) = transport_number_at {
                buffer[start + at..][..2].copy_from_slice(&listener.next.to_be_bytes());
                listener.next = listener.next.wrapping_add(1);
            }
            // Only what is longer than GCM allows is refused, and no datagram is.
            let _sealed = listener.seal.seal(buffer, start, header, ssrc, index);
        }
        let member = &mut self.members[number];
        if payload_type == OPUS {
            member.audio_to = audience;
        } else {
            member.video_to = audience;
        }
        Some(())
    }
}

impl Member {
    /// The sequence number in full; the floor loses nothing and reorders nothing.
    fn index(&mut self, ssrc: u32, sequence: u16) -> u64 {
        let Some((_, highest)) = self.streams.iter_mut().find(|stream| stream.0 == ssrc) else {
            self.streams.push((ssrc, sequence.into()));
            return sequence.into();
        };
        let [low, high, ..] = highest.to_le_bytes();
        let ahead = sequence.wrapping_sub(u16::from_le_bytes([low, high]));
        *highest += u64::from(ahead);
        *highest
    }
}

fn invalid<E: std::fmt::Debug>(error: E) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{error:?}"))
}
