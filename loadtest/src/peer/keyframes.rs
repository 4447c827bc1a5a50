//! Hears requests for key frames, which the `webrtc` crate otherwise keeps to itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

/// Rings when the other side asks for a key frame. All clones are one bell.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyFrameBell(Arc<AtomicBool>);

impl KeyFrameBell {
    /// It rang since it was last asked.
    pub(crate) fn rang(&self) -> bool {
        self.0.swap(false, Relaxed)
    }

    /// The interceptor that rings it.
    pub(super) fn interceptor(self) -> Listener {
        Listener {
            bell: self,
            inbound: VecDeque::new(),
            outbound: VecDeque::new(),
        }
    }

    fn hear(&self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        let asked = packets.iter().any(|packet| {
            let packet = packet.as_any();
            packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>()
        });
        if asked {
            self.0.store(true, Relaxed);
        }
    }
}

/// Passes everything on, and listens.
pub(super) struct Listener {
    bell: KeyFrameBell,
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Listener {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &packet.message.packet {
            self.bell.hear(packets);
        }
        self.inbound.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.outbound.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }
}

impl Interceptor for Listener {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::rtcp::receiver_report::ReceiverReport;

    #[test]
    fn it_rings_once_for_a_picture_loss_and_not_for_a_report() {
        let bell = KeyFrameBell::default();
        bell.hear(&[Box::new(ReceiverReport::default())]);
        assert!(!bell.rang());
        bell.hear(&[Box::new(PictureLossIndication::default())]);
        assert!(bell.rang());
        assert!(!bell.rang());
    }
}
