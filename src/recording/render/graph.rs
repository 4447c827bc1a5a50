//! What libavfilter is told: voices mixed, pictures laid over one another.

use std::fmt::Write as _;

use calls_model::{RecordingFile, RecordingMode};

use super::command::seconds_of;
use super::layout::{HEIGHT, Tile, WIDTH, places};
use super::names::Writer;
use super::seats::{Seat, seats};
use super::spans::{Time, both, expression, joined};
use super::{CLOCK, Render, RenderError, Seen, clock, is_audio};

/// Sound follows its timestamps: stretched by what clocks run apart, padded and cut where more is missing. FFmpeg's own
/// defaults let it run a tenth of a second away first. Resampling is on from the beginning: FFmpeg would begin anew with it
/// when it first has to stretch, and repeat all the time that has passed as silence.
const STRETCH: &str = "flags=res:async=1000:min_comp=0.002:min_hard_comp=0.04";

/// How pictures are made smaller: a tile is a quarter of what came, and nobody sees a better filter in it.
const SCALE: &str = "flags=bilinear";

/// A picture that is not to be seen comes on so often all the same, in seconds: what it is laid upon waits for it.
const IDLES: &str = "0.25";

impl Render<'_> {
    /// Lays each picture over a dark ground, where and when it is to be seen: the ground has its times from a film behind all
    /// inputs, and one of them is `skip_ms`. What stands in for pictures is on the ground, and names are over all.
    pub(super) fn arrange(
        &self,
        graph: &mut String,
        seen: &Seen<'_>,
        skip_ms: u64,
    ) -> Result<(), RenderError> {
        let inputs = &seen.inputs;
        let of_track =
            |track: &RecordingFile| inputs.iter().position(|&input| std::ptr::eq(input, track));
        let shown = (0..self.tracks.len()).filter_map(|track| {
            let input = of_track(&self.tracks[track])?;
            (!is_audio(inputs[input])).then(|| (track, &seen.times[input][..]))
        });
        let shown: Vec<(usize, &[u32])> = shown.collect();
        let mut seats = seats(self.tracks, &shown);
        let places = places(self.layout, &mut seats, self.turns);
        let pictures: Vec<&[u32]> = shown.iter().map(|&(_, times)| times).collect();
        let moments = places
            .iter()
            .flatten()
            .flat_map(|place| place.times.clone());
        let moments = moments.chain(seats.iter().flat_map(Seat::seen));
        let moments = moments.flat_map(|(from, to)| [from, to]).chain([skip_ms]);
        let moments: Vec<u64> = moments.collect();
        let times = clock::times(&pictures, &moments, self.duration_ms);
        clock::write(&self.folder.join(CLOCK), &times)?;
        next_chain(graph);
        let clock = inputs.len();
        let _ = write!(
            graph,
            "[{clock}:v]pad={WIDTH}:{HEIGHT}:color=0x202124,setsar=1"
        );
        let mut writer = Writer::new(self.folder, self.mode == RecordingMode::Composite);
        let all = || seats.iter().zip(&places);
        let each =
            || all().flat_map(|(seat, places)| places.iter().map(move |place| (seat, place)));
        for (seat, place) in each() {
            *graph += &writer.stand_in(seat, place)?;
        }
        let mut layer = 0;
        for (seat, places) in all() {
            for (track, times) in &seat.pictures {
                let Some(input) = of_track(&self.tracks[*track]) else {
                    continue;
                };
                let seen_at = places
                    .iter()
                    .map(|place| (place.tile, both(&place.times, times)));
                let seen_at: Vec<(Tile, Vec<Time>)> =
                    seen_at.filter(|(_, times)| !times.is_empty()).collect();
                lay(graph, (input, &seen.times[input]), &seen_at, &mut layer);
            }
        }
        for (seat, place) in each() {
            *graph += &writer.label(seat, place)?;
        }
        let _ = write!(graph, "[picture]");
        Ok(())
    }
}

/// Lays the picture of an input, which has it at these times, over what there is so far.
fn lay(
    graph: &mut String,
    (input, pictures): (usize, &[u32]),
    seen_at: &[(Tile, Vec<Time>)],
    layer: &mut usize,
) {
    if seen_at.is_empty() {
        return;
    }
    let near = seconds_of(clock::NEAR_MS);
    let (first, copies) = (*layer, seen_at.len());
    let mut chains = format!(";[{input}:v]split={copies}");
    for copy in first..first + copies {
        let _ = write!(chains, "[copy{copy}]");
    }
    let _ = write!(graph, "[ground{first}]{chains}");
    for (tile, times) in seen_at {
        let Tile {
            x,
            y,
            width,
            height,
        } = tile;
        let rests = if copies > 1 {
            rests(pictures, times)
        } else {
            String::new()
        };
        let enable = expression(times);
        if *layer > first {
            let _ = write!(graph, "[ground{layer}]");
        }
        let _ = write!(
            graph,
            ";[copy{layer}]{rests}setpts=round(PTS-{near}/TB),\
             scale={width}:{height}:force_original_aspect_ratio=decrease:{SCALE}:eval=frame,\
             format=yuva420p,setsar=1[tile{layer}]\
             ;[ground{layer}][tile{layer}]overlay=x='{x}+floor(({width}-w)/4)*2':y='{y}+floor(({height}-h)/4)*2':\
             enable='{enable}'"
        );
        *layer += 1;
    }
}

/// Lets pass what is to be seen then, from the picture on that stands when it begins, and of the rest only so much as has to
/// come.
fn rests(pictures: &[u32], times: &[Time]) -> String {
    let begins = |at: u64| {
        let before = pictures.partition_point(|&picture| u64::from(picture) <= at + clock::NEAR_MS);
        let stands = pictures[..before]
            .last()
            .map_or(at, |&picture| u64::from(picture).min(at));
        stands.saturating_sub(1) // files round to milliseconds
    };
    let times = times.iter().map(|&(from, to)| (begins(from), to)).collect();
    let seen = expression(&joined(times, 0));
    format!("select='{seen}+isnan(prev_selected_t)+gte(t-prev_selected_t,{IDLES})',")
}

/// A graph's next chain begins.
fn next_chain(graph: &mut String) {
    if !graph.is_empty() {
        graph.push(';');
    }
}

/// All voices on one timeline, none louder for being alone; the first input is that number. Tells whether there are any.
pub(super) fn mix(graph: &mut String, inputs: &[&RecordingFile], first: usize) -> bool {
    let voices = (0..inputs.len()).filter(|&input| is_audio(inputs[input]));
    let voices: Vec<usize> = voices.map(|input| first + input).collect();
    for voice in &voices {
        next_chain(graph);
        let _ = write!(
            graph,
            "[{voice}:a]aresample=48000:{STRETCH}:first_pts=0[voice{voice}]"
        );
    }
    if voices.is_empty() {
        return false;
    }
    graph.push(';');
    for voice in &voices {
        let _ = write!(graph, "[voice{voice}]");
    }
    let count = voices.len();
    let _ = write!(
        graph,
        "amix=inputs={count}:duration=longest:normalize=0,alimiter=limit=0.95:level=0[sound]"
    );
    true
}
