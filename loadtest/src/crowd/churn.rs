//! Viewers who come and go while the others stay.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::causes::{Reasons, with_causes};
use crate::participant::{Inside, Seat, World};
use crate::report::Joins;
use crate::scenario::Churn;
use crate::stay::Stay;

/// From leaving to coming again.
const AWAY: Duration = Duration::from_millis(500);

/// What became of one who came and went.
pub(super) struct Comer {
    inside: Option<Inside>,
    /// Before it came again.
    stays: Vec<Stay>,
    came_again: u32,
    restarted: u32,
    shut_out: Vec<String>,
    dropped: Reasons,
}

/// Those who stay, and the tasks of those who will come and go until the world stops.
pub(super) fn begin(inside: Vec<Inside>, world: &Arc<World>) -> (Vec<Inside>, JoinSet<Comer>) {
    let mut comers = JoinSet::new();
    let Some(churn) = world.scenario.churn else {
        return (inside, comers);
    };
    let restless = churn.restart_share > 0.0;
    let (stay, go): (Vec<_>, Vec<_>) = inside
        .into_iter()
        .partition(|somebody| !restless && somebody.seat.publishes(&world.scenario));
    for somebody in go {
        comers.spawn(come_and_go(somebody, churn, Arc::clone(world)));
    }
    (stay, comers)
}

/// Everybody who is inside in the end, once the world has stopped, and the stays of those who went before.
pub(super) async fn end(
    mut inside: Vec<Inside>,
    comers: JoinSet<Comer>,
    joins: &mut Joins,
    dropped: &mut Reasons,
) -> (Vec<Inside>, Vec<Stay>) {
    let mut stays = Vec::new();
    for comer in comers.join_all().await {
        inside.extend(comer.inside);
        stays.extend(comer.stays);
        joins.came_again += comer.came_again;
        joins.restarted += comer.restarted;
        dropped.extend(comer.dropped);
        joins.shut_out += u32::try_from(comer.shut_out.len()).unwrap_or(u32::MAX);
        joins.failures.extend(comer.shut_out);
    }
    joins.failures.sort();
    joins.failures.dedup();
    (inside, stays)
}

async fn come_and_go(first: Inside, churn: Churn, world: Arc<World>) -> Comer {
    let seat: Seat = first.seat.clone();
    let mut stop = world.stop.clone();
    let mut comer = Comer {
        inside: Some(first),
        stays: Vec::new(),
        came_again: 0,
        restarted: 0,
        shut_out: Vec::new(),
        dropped: Reasons::default(),
    };
    loop {
        let stay = rand::rng().random_range(0.0..2.0) * f64::from(churn.stay_seconds);
        tokio::select! {
            () = sleep(Duration::from_secs_f64(stay)) => {}
            _ = stop.wait_for(|stop| *stop) => return comer,
        }
        let restarts =
            seat.publishes(&world.scenario) || rand::rng().random_bool(churn.restart_share);
        if let Some(inside) = comer.inside.take_if(|_| restarts) {
            match inside.restart(&world).await {
                Ok(()) => {
                    comer.restarted += 1;
                    comer.inside = Some(inside);
                    continue;
                }
                Err(failed) => {
                    comer.stays.push(inside.stay());
                    comer.shut_out.push(with_causes(&failed));
                }
            }
        }
        if let Some(inside) = comer.inside.take() {
            comer.stays.push(inside.stay());
            let left = if rand::rng().random_bool(churn.vanish_share) {
                inside.vanish()
            } else {
                inside.leave().await
            };
            if let Err(reason) = left {
                comer.dropped.add(&reason);
            }
        }
        sleep(AWAY).await;
        match Inside::join(seat.clone(), Arc::clone(&world)).await {
            Ok(inside) => {
                comer.came_again += 1;
                comer.inside = Some(inside);
            }
            Err(failed) => comer.shut_out.push(with_causes(&failed)),
        }
    }
}
