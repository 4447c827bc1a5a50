//! Offers: within limits, from a page that was loaded again, and what is told about their tracks.

use calls_media::SdpRefused;
use calls_media::seam::{Codec, Layer, PeerId};
use calls_model::signal::Layers;

use super::*;
use crate::room::stage::{Announced, Staged};

const BOBS_FACE: TrackId = TrackId {
    peer: PeerId(77),
    index: 0,
};

fn bobs_face() -> StageChanged {
    let staged = Staged {
        participant_id: id("bob"),
        user_id: "bob".parse().unwrap(),
        display_name: None,
        announced: Announced {
            track: BOBS_FACE,
            source: Source::Camera,
            layers: 1,
            codecs: [Codec::Vp8].into(),
            muted: false,
        },
    };
    StageChanged(Arc::new(Stage {
        audio: Vec::new(),
        video: vec![staged],
    }))
}

#[actix::test]
async fn who_publishes_more_than_is_allowed_is_refused_and_keeps_what_they_had() {
    let ann = Alone::inside(Role::Participant);
    let _socket = ann.hello().await;
    ann.offer(1, &[Line::Microphone]).await.unwrap();
    let before = ann.published().await;

    let many = [Line::Microphone; LIMITS.audio_tracks + 1];
    let refused = ann.offer(1, &many).await;
    assert!(
        matches!(
            refused,
            Err(SignalRefused::Sdp(SdpRefused::TooManyTracks { .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(ann.said().await, [], "nothing changed for the room");
    ann.offer(1, &[Line::Microphone, Line::Camera])
        .await
        .unwrap();
    let after = ann.published().await;
    assert_eq!((after.len(), after[0]), (2, before[0]));
}

#[actix::test]
async fn a_page_that_was_loaded_again_offers_anew_and_what_the_old_one_watched_is_gone() {
    let ann = Alone::inside(Role::Participant);
    let _socket = ann.hello().await;
    let lines = [Line::Microphone, Line::VideoSlot];
    ann.offer(1, &lines).await.unwrap();
    let before = ann.published().await;
    ann.participant.do_send(bobs_face());
    let watched = |said: &Said| match said {
        Said::Watch(track, layers) if *track == BOBS_FACE => Some(!layers.is_empty()),
        _ => None,
    };
    let wishes: Vec<bool> = ann.said().await.iter().filter_map(watched).collect();
    assert_eq!(wishes, [true]);

    ann.offer(2, &lines)
        .await
        .expect("another connection is as good");
    let said = ann.said().await;
    let wishes: Vec<bool> = said.iter().filter_map(watched).collect();
    assert_eq!(wishes, [false, true], "the old one's wish went first");
    let announced: Vec<Vec<TrackId>> = said
        .iter()
        .filter_map(|said| match said {
            Said::Did(Did::Publish(tracks)) => Some(tracks),
            _ => None,
        })
        .map(|tracks| tracks.iter().map(|one| one.track).collect())
        .collect();
    let [gone, new] = &announced[..] else {
        panic!("{announced:?}")
    };
    assert!(gone.is_empty() && new.len() == 1 && new[0] != before[0].0);

    ann.offer(3, &[Line::Microphone]).await.unwrap();
    let wishes: Vec<bool> = ann.said().await.iter().filter_map(watched).collect();
    assert_eq!(wishes, [false], "without a slot nothing is watched");
}

#[actix::test]
async fn a_publisher_hears_the_truth_about_who_watches() {
    let ann = Alone::inside(Role::Participant);
    let (socket, _) = ann.hello().await;
    ann.offer(1, &[Line::Simulcast]).await.unwrap();
    let track = ann.published().await[0].0;
    events(&socket).await;
    let told = async |layers| {
        ann.participant.do_send(Watched { track, layers });
        let layers = |event| match event {
            Event::Layers(Layers { rids, .. }) => Some(rids),
            _ => None,
        };
        let told = events(&socket).await;
        told.into_iter().filter_map(layers).collect::<Vec<_>>()
    };
    assert_eq!(told(LayerSet::NONE).await, [Vec::<String>::new()]);
    let large = LayerSet::only(Layer(1));
    assert_eq!(
        told(large).await,
        [["q", "h"]],
        "with what it falls back on"
    );
    assert_eq!(told(LayerSet::NONE).await, [Vec::<String>::new()]);
}
