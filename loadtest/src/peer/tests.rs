//! A peer of ours meets another one of the same crate that plays the server.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use tokio::sync::mpsc;
use tokio::time::timeout;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{PeerConnectionEventHandler, RTCIceGatheringState};

use super::*;
use crate::traffic::{Camera, Microphone, stamped};

/// Longest that anything may take here.
const PATIENCE: Duration = Duration::from_secs(15);

/// The other side: reports stamps that arrive, and asks for a key frame once.
struct Other {
    gathered: mpsc::Sender<()>,
    stamps: mpsc::Sender<Duration>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Other {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _nobody_waits = self.gathered.try_send(());
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let stamps = self.stamps.clone();
        tokio::spawn(async move {
            let media_ssrc = track.ssrcs().await[0];
            let asked = PictureLossIndication {
                sender_ssrc: 1,
                media_ssrc,
            };
            track.write_rtcp(vec![Box::new(asked)]).await.unwrap();
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let _full = stamps.try_send(stamped(&packet.payload).unwrap().at);
                }
            }
        });
    }
}

async fn answer(
    offer: String,
    other: Other,
    gathered: &mut mpsc::Receiver<()>,
) -> (String, Arc<dyn PeerConnection>) {
    let (media, interceptors) = engine::media(KeyFrameBell::default()).unwrap();
    let builder = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(interceptors)
        .with_setting_engine(engine::settings())
        .with_handler(Arc::new(other) as Arc<dyn PeerConnectionEventHandler>)
        .with_udp_addrs(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]);
    let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(builder.build()).await.unwrap());
    let offer = RTCSessionDescription::offer(offer).unwrap();
    connection.set_remote_description(offer).await.unwrap();
    let answer = connection.create_answer(None).await.unwrap();
    connection.set_local_description(answer).await.unwrap();
    gathered.recv().await.unwrap();
    (
        connection.local_description().await.unwrap().sdp,
        connection,
    )
}

#[tokio::test]
async fn what_is_sent_arrives_with_its_stamp_and_a_key_frame_can_be_asked_for() {
    let wishes = Wishes {
        microphone: true,
        camera: true,
        layers: 1,
        audio_slots: 0,
        video_slots: 0,
        bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    };
    let peer = Peer::new(wishes, Arc::new(Tallies::new())).await.unwrap();
    let (gathered, mut done) = mpsc::channel(1);
    let (stamps, mut arrived) = mpsc::channel(100);
    let offer = peer.offer().await.unwrap();
    assert_eq!(offer.publish.len(), 2);

    let other = Other { gathered, stamps };
    let (sdp, other) = timeout(PATIENCE, answer(offer.sdp, other, &mut done))
        .await
        .unwrap();
    peer.answer(sdp).await.unwrap();
    timeout(PATIENCE, peer.connected()).await.unwrap().unwrap();

    let published: Vec<_> = peer.published().collect();
    let mut microphone = Microphone::new(published[0].ssrc, 100);
    let mut camera = Camera::new(published[1].ssrc, 100, 10, 1000);
    let heard = async {
        let mut seen = std::collections::BTreeSet::new();
        for at in (1..).map(Duration::from_millis) {
            published[0]
                .track
                .write_rtp(microphone.packet(at))
                .await
                .unwrap();
            for packet in camera.frame(true, at + PATIENCE) {
                published[1].track.write_rtp(packet).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            while let Ok(stamp) = arrived.try_recv() {
                seen.insert(stamp > PATIENCE);
            }
            if seen.len() == 2 && peer.bell().rang() {
                break;
            }
        }
    };
    timeout(PATIENCE, heard)
        .await
        .expect("both tracks arrive, and the bell rings");
    assert!(peer.alive().is_ok());
    peer.ears
        .on_connection_state_change(RTCPeerConnectionState::Disconnected)
        .await;
    assert!(peer.alive().is_err(), "who hears nobody was dropped");
    other.close().await.unwrap();
    peer.close().await;
}

#[tokio::test]
async fn slots_are_offered_receive_only_and_named_in_the_view() {
    let wishes = Wishes {
        microphone: false,
        camera: false,
        layers: 1,
        audio_slots: 1,
        video_slots: 2,
        bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    };
    let peer = Peer::new(wishes, Arc::new(Tallies::new())).await.unwrap();
    let offer = peer.offer().await.unwrap();
    assert_eq!(offer.sdp.matches("a=recvonly").count(), 3);
    assert_eq!(offer.publish, []);

    let mids: Vec<_> = peer
        .view()
        .await
        .unwrap()
        .slots
        .into_iter()
        .map(|slot| slot.mid)
        .collect();
    assert_eq!(mids.len(), 2);
    assert!(
        mids.iter()
            .all(|mid| offer.sdp.contains(&format!("a=mid:{mid}\r\n"))),
        "{mids:?}"
    );
    peer.close().await;
}
