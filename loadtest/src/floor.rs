//! The physical limit, measured beside the server: the same crowd's packets, through a program that only opens, copies,
//! numbers, seals and sends them. What the server costs above it is what forwarding costs that the kernel and AES do not.
//! Who watches sends reports there as they do to the server; the program receives them and reads none.

mod gcm;
mod plan;
mod program;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::srtp::protection_profile::ProtectionProfile;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use self::plan::Plan;
use crate::light::{
    Client, Credentials, Extensions, Identity, Keys, Lanes, Outbound, Remote, RemoteLine, Stage,
    Ticket,
};
use crate::measure::{Measured, Stopwatch};
use crate::scenario::Scenario;
use crate::server::Gauge;
use crate::speech::Turns;
use crate::tally::{Kind, Tallies};
use crate::traffic::{Camera, Microphone, OPUS, VP8, VP8_RTX};

/// First byte of a greeting: neither STUN, nor DTLS, nor RTP (RFC 7983).
pub(crate) const HELLO: u8 = 0xff;

/// Bytes of a greeting: [`HELLO`], and who it is.
pub(crate) const HELLO_LENGTH: usize = 5;

/// Longest that the floor may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Numbers of the header extensions, so that packets are as long as the server's.
pub(crate) const EXTENSIONS: Extensions = Extensions {
    mid: None,
    rid: None,
    repaired_rid: None,
    audio_level: Some(1),
    transport_cc: Some(3),
};

/// Is the program at the floor, instead of the harness.
pub(crate) fn serve() -> io::Result<()> {
    program::serve()
}

/// The floor was not measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FloorFailed {
    /// No program, or no socket.
    #[error("the floor does not stand")]
    Io(#[from] io::Error),
    /// It does not say where it is.
    #[error("the floor does not speak clearly")]
    Unclear(#[from] serde_json::Error),
    /// No keys.
    #[error("no keys for the floor")]
    Keys(#[from] rtc::shared::error::Error),
    /// It took too long.
    #[error("the floor did not come up within {PATIENCE:?}")]
    TimedOut,
}

/// Plays the scenario at the floor, and gives back what was counted there.
pub(crate) async fn play(
    scenario: &Scenario,
    identity: &Identity,
    threads: usize,
    stopwatch: &Stopwatch,
) -> Result<Measured, FloorFailed> {
    stopwatch.phase("floor: coming up", 1);
    let plan = Plan::of(scenario);
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--serve-floor")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        // Ctrl+C is for us: it ends with us, and not before.
        .process_group(0)
        .spawn()?;
    let address = timeout(PATIENCE, announce(&mut child, &plan))
        .await
        .map_err(|_| FloorFailed::TimedOut)??;

    let tallies = Arc::new(Tallies::new());
    let lanes = Lanes::start(threads, &tallies)?;
    let mut tickets = Vec::new();
    for (number, member) in plan.members.iter().enumerate() {
        let seat = Plan::seat(number, scenario);
        let keys = Keys::of_client(
            ProtectionProfile::AeadAes128Gcm,
            &member.material,
            identity.provider(),
        )?;
        let client = Client::at_floor(
            identity.clone(),
            hello(number),
            keys,
            &remote(address),
            outbound(scenario, seat),
            Instant::now(),
        );
        let socket = UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(address)?;
        tickets.push(lanes.carry(socket, client, None));
    }
    timeout(PATIENCE, all_connected(&tickets))
        .await
        .map_err(|_| FloorFailed::TimedOut)?;
    stopwatch.joined(tickets.len() as u64);
    stopwatch
        .pass("floor: warming up", scenario.warmup_seconds)
        .await;
    let gauge = Gauge::Process(child.id().unwrap_or(0));
    let measured = stopwatch
        .measure("floor: measuring", scenario, &tallies, &gauge)
        .await;
    drop(tickets);
    // It ends with its input; killed where it does not.
    drop(child.stdin.take());
    let _ended = timeout(Duration::from_secs(1), child.wait()).await;
    Ok(measured)
}

/// Hands over the plan, and hears where its port is.
async fn announce(child: &mut Child, plan: &Plan) -> Result<SocketAddr, FloorFailed> {
    let mut text = serde_json::to_string(plan)?;
    text.push('\n');
    if let Some(input) = &mut child.stdin {
        input.write_all(text.as_bytes()).await?;
        input.flush().await?;
    }
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line).await?;
    }
    Ok(serde_json::from_str(&line)?)
}

async fn all_connected(tickets: &[Ticket]) {
    for ticket in tickets {
        let mut stage = ticket.progress.stage.subscribe();
        // An end of the channel is an end of the ticket, which we hold.
        let _settled = stage
            .wait_for(|stage| !matches!(stage, Stage::Connecting))
            .await;
    }
}

fn hello(number: usize) -> [u8; HELLO_LENGTH] {
    let mut hello = [HELLO; HELLO_LENGTH];
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    hello[1..].copy_from_slice(&number.to_be_bytes());
    hello
}

fn remote(address: SocketAddr) -> Remote {
    let line = |kind, payload_type, rtx_payload_type| RemoteLine {
        payload_type: Some(payload_type),
        rtx_payload_type,
        extensions: EXTENSIONS,
        ..RemoteLine::new(kind)
    };
    Remote {
        credentials: Credentials::generate(),
        fingerprint: String::new(),
        address,
        lines: vec![
            line(Kind::Audio, OPUS, None),
            line(Kind::Video, VP8, Some(VP8_RTX)),
        ],
    }
}

fn outbound(scenario: &Scenario, seat: u32) -> Outbound {
    let mut outbound = Outbound::nothing();
    if seat >= scenario.publishers {
        return outbound;
    }
    let turns = Turns {
        seat,
        speakers: scenario.publishers,
    };
    let ssrc = rand::random::<u32>();
    let microphone = Microphone::new(ssrc, scenario.audio.packet_bytes as usize);
    outbound.microphone(microphone, turns, ssrc, EXTENSIONS);
    if let Some(video) = &scenario.video {
        let ssrc = rand::random::<u32>();
        let camera = Camera::new(ssrc, video.kbps, video.fps, video.packet_bytes as usize);
        outbound.camera(camera, video.fps, (ssrc, None), None, EXTENSIONS);
    }
    outbound
}
