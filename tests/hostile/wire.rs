//! A network between one client and the server that remembers, loses and repeats what it carries.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Longest datagram of these tests.
const LONGEST: usize = 2048;

/// Carries datagrams both ways, for as long as it is there.
pub(crate) struct Wire {
    /// What the client sent, as it was on the wire.
    pub(crate) sent: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Of ten datagrams, so many are lost, in a fixed order.
    lost_of_ten: u32,
    carrying: JoinSet<()>,
    /// What the server takes for the client.
    pub(crate) far: Option<Arc<UdpSocket>>,
}

impl Wire {
    /// Of ten datagrams, this many do not come through, in each direction.
    pub(crate) fn losing(lost_of_ten: u32) -> Self {
        Self {
            sent: Arc::default(),
            lost_of_ten,
            carrying: JoinSet::new(),
            far: None,
        }
    }

    /// Lets an answer lead to this wire, and the wire to where the answer led.
    pub(crate) async fn reroute(&mut self, answer: &mut Value) {
        let sdp = answer["sdp"].as_str().expect("an SDP").to_owned();
        let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let far = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let here = near.local_addr().expect("bound").port().to_string();
        let mut server: Option<SocketAddr> = None;
        let mut lines = Vec::new();
        for line in sdp.lines() {
            let mut fields: Vec<&str> = line.split(' ').collect();
            if !line.starts_with("a=candidate:") {
                lines.push(line.to_owned());
            } else if fields[2].eq_ignore_ascii_case("udp") && fields[4] == "127.0.0.1" {
                server = format!("127.0.0.1:{}", fields[5]).parse().ok();
                fields[5] = &here;
                lines.push(fields.join(" "));
            }
        }
        let server = server.expect("it receives on loopback");
        answer["sdp"] = Value::String(lines.join("\r\n") + "\r\n");
        far.connect(server).await.expect("an address");
        self.far = Some(Arc::clone(&far));
        let client: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let (sent, mut up) = (Arc::clone(&self.sent), Fate::new(self.lost_of_ten, 1));
        let mut down = Fate::new(self.lost_of_ten, 2);
        let (to, from) = (Arc::clone(&far), Arc::clone(&near));
        let seen = Arc::clone(&client);
        self.carrying.spawn(async move {
            let mut buffer = [0; LONGEST];
            while let Ok((length, remote)) = from.recv_from(&mut buffer).await {
                *seen.lock().expect("nobody panics with it") = Some(remote);
                let datagram = &buffer[..length];
                remember(&sent, datagram);
                if up.passes() {
                    let _ = to.send(datagram).await;
                }
            }
        });
        self.carrying.spawn(async move {
            let mut buffer = [0; LONGEST];
            while let Ok(length) = far.recv(&mut buffer).await {
                let client = *client.lock().expect("nobody panics with it");
                if let Some(client) = client
                    && down.passes()
                {
                    let _ = near.send_to(&buffer[..length], client).await;
                }
            }
        });
    }

    /// RTP that the client sent (RFC 7983: first byte 128 to 191), without RTCP.
    pub(crate) fn rtp(&self) -> Vec<Vec<u8>> {
        let sent = self.sent.lock().expect("nobody panics with it");
        let is_rtp = |datagram: &&Vec<u8>| {
            datagram.len() > 12
                && (128..192).contains(&datagram[0])
                && !(192..224).contains(&datagram[1])
        };
        sent.iter().filter(is_rtp).cloned().collect()
    }
}

fn remember(sent: &Mutex<Vec<Vec<u8>>>, datagram: &[u8]) {
    let mut sent = sent.lock().expect("nobody panics with it");
    sent.push(datagram.to_vec());
}

/// What becomes of each datagram, the same in each run.
struct Fate {
    lost_of_ten: u32,
    state: u32,
}

impl Fate {
    fn new(lost_of_ten: u32, seed: u32) -> Self {
        Self {
            lost_of_ten,
            state: seed,
        }
    }

    /// Numerical Recipes' generator; its high bits are good enough for this.
    fn passes(&mut self) -> bool {
        self.state = self
            .state
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.state >> 16) % 10 >= self.lost_of_ten
    }
}
