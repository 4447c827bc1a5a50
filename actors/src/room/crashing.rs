//! Crashes on demand of those whom a room opened itself.

use actix::prelude::*;

use super::Room;
use crate::testing::{Crash, CrashTape, CrashWithin, Victim};

impl Handler<CrashWithin> for Room {
    type Result = ();

    fn handle(&mut self, CrashWithin(victim): CrashWithin, _: &mut Self::Context) {
        match victim {
            Victim::Branches => {
                assert!(!self.branches.is_empty(), "it has some");
                for one in self.branches.values() {
                    one.branch.do_send(Crash);
                }
            }
            Victim::Recorder => {
                self.recorder().expect("it is recorded").do_send(Crash);
            }
            Victim::Tape => {
                self.recorder().expect("it is recorded").do_send(CrashTape);
            }
            Victim::Transcriber => {
                let transcriber = self.transcriber();
                transcriber.expect("it is transcribed").do_send(Crash);
            }
            Victim::Announcer => {
                let announcer = self.announcer.as_ref();
                announcer.expect("it speaks").1.do_send(Crash);
            }
            Victim::Registry | Victim::Call | Victim::Room | Victim::Participant(_) => {
                unreachable!("nobody whom a room opened");
            }
        }
    }
}
