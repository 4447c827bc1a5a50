//! Our peer against the `webrtc` crate's peer connection, over real sockets on the loopback interface: they share
//! no code for SDP answers, ICE agents, SRTP or forwarding.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod server;

use std::time::Duration;

use calls_media::srtp::Profile;
use webrtc::peer_connection::SrtpProtectionProfile;

use client::{Client, Sends};
use server::Server;

/// Half of the time that one lost DTLS flight would cost.
const FAST: Duration = Duration::from_millis(500);

const PATIENCE: Duration = Duration::from_secs(20);

async fn publishes_to_a_subscriber(offered: SrtpProtectionProfile, expected: Profile) {
    let server = Server::start();
    let publisher = Client::new(
        offered,
        Sends {
            tracks: true,
            slots: 0,
        },
    )
    .await;
    publisher.join(&server, 0).await;
    let subscriber = Client::new(
        offered,
        Sends {
            tracks: false,
            slots: 1,
        },
    )
    .await;
    subscriber.join(&server, 1).await;

    let sending = publisher.send_media();
    subscriber
        .received(|it| it.audio >= 50 && it.video >= 50, PATIENCE)
        .await;
    sending.abort();

    let received = subscriber.counts();
    assert_eq!(
        received.foreign, 0,
        "only what was sent arrives, with its bytes untouched"
    );
    assert_eq!(
        received.gaps, 0,
        "sequence numbers go on without gaps on the loopback interface"
    );
    for peer in server.stop() {
        assert_eq!(peer.stats.profile, Some(expected));
        assert_eq!(peer.stats.rejected, 0, "nothing was dropped");
        assert_eq!(peer.stats.unsealed, 0);
        assert_eq!(peer.client_hellos, 2, "no flight was repeated");
        let took = peer.connected_after.expect("it connected");
        assert!(took < FAST, "the handshake took {took:?}");
    }
    publisher.close().await;
    subscriber.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_receives_what_a_publisher_sends_with_gcm() {
    let offered = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
    publishes_to_a_subscriber(offered, Profile::AeadAes128Gcm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_receives_what_a_publisher_sends_with_cm_sha1() {
    let offered = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
    publishes_to_a_subscriber(offered, Profile::Aes128CmSha1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_flows_on_through_an_ice_restart() {
    let gcm = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
    let server = Server::start();
    let publisher = Client::new(
        gcm,
        Sends {
            tracks: true,
            slots: 0,
        },
    )
    .await;
    publisher.join(&server, 0).await;
    let subscriber = Client::new(
        gcm,
        Sends {
            tracks: false,
            slots: 1,
        },
    )
    .await;
    subscriber.join(&server, 1).await;
    let sending = publisher.send_media();
    subscriber.received(|it| it.video >= 20, PATIENCE).await;

    let before = server.ufrags(1);
    subscriber.restart(&server, 1).await;
    let at_restart = subscriber.counts();
    subscriber
        .received(
            |it| it.video >= at_restart.video + 60 && it.audio >= at_restart.audio + 60,
            PATIENCE,
        )
        .await;
    let after = server.ufrags(1);
    assert_eq!(
        (before.len(), after.len()),
        (1, 1),
        "the old generation is gone"
    );
    assert_ne!(before, after);
    assert_eq!(subscriber.counts().foreign, 0);

    sending.abort();
    assert!(
        server.stop().iter().all(|peer| peer.client_hellos == 2),
        "DTLS went on"
    );
    publisher.close().await;
    subscriber.close().await;
}
