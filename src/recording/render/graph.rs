//! What libavfilter is told: voices mixed, pictures laid over one another.

use std::fmt::Write as _;

use calls_model::{RecordingFile, RecordingMode};

use super::command::seconds_of;
use super::layout::{HEIGHT, Place, Tile, WIDTH, places};
use super::{CLOCK, Render, RenderError, Seen, clock, is_audio, names};

/// Sound follows its timestamps: stretched by what clocks run apart, padded and cut where more is missing. FFmpeg's own
/// defaults let it run a tenth of a second away first. Resampling is on from the beginning: FFmpeg would begin anew with it
/// when it first has to stretch, and repeat all the time that has passed as silence.
const STRETCH: &str = "flags=res:async=1000:min_comp=0.002:min_hard_comp=0.04";

/// How pictures are made smaller: a tile is a quarter of what came, and nobody sees a better filter in it.
const SCALE: &str = "flags=bilinear";

impl Render<'_> {
    /// Lays each picture over a dark ground, where and when it was there: the ground has its times from a film behind all
    /// inputs, and one of them is `skip_ms`.
    pub(super) fn arrange(
        &self,
        graph: &mut String,
        seen: &Seen<'_>,
        skip_ms: u64,
    ) -> Result<(), RenderError> {
        let inputs = &seen.inputs;
        let shown: Vec<usize> = (0..inputs.len())
            .filter(|&i| !is_audio(inputs[i]))
            .collect();
        let files: Vec<&RecordingFile> = shown.iter().map(|&input| inputs[input]).collect();
        let places = places(self.layout, &files, self.turns);
        let pictures: Vec<&[u32]> = shown.iter().map(|&input| &seen.times[input][..]).collect();
        let moments = places.iter().flatten().flat_map(|place| &place.times);
        let moments = moments.flat_map(|&(from, to)| [from, to]).chain([skip_ms]);
        let moments: Vec<u64> = moments.collect();
        let times = clock::times(&pictures, &moments, self.duration_ms);
        clock::write(&self.folder.join(CLOCK), &times)?;
        next_chain(graph);
        let clock = inputs.len();
        let _ = write!(
            graph,
            "[{clock}:v]pad={WIDTH}:{HEIGHT}:color=0x202124,setsar=1[ground0]"
        );
        let near = seconds_of(clock::NEAR_MS);
        let mut layer = 0;
        for (&input, places) in shown.iter().zip(places) {
            let copies = places.len();
            let _ = write!(
                graph,
                ";[{input}:v]setpts=round(PTS-{near}/TB),split={copies}"
            );
            for copy in layer..layer + copies {
                let _ = write!(graph, "[copy{copy}]");
            }
            for Place { tile, times } in places {
                let Tile {
                    x,
                    y,
                    width,
                    height,
                } = tile;
                let named = self.mode == RecordingMode::Composite;
                let name = named.then(|| names::filter(self.folder, layer, inputs[input], width));
                let name = name.transpose()?.unwrap_or_default();
                let _ = write!(
                    graph,
                    ";[copy{layer}]scale={width}:{height}:force_original_aspect_ratio=decrease:{SCALE},\
                     format=yuva420p,pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x000000:eval=frame,\
                     setsar=1{name}[tile{layer}]\
                     ;[ground{layer}][tile{layer}]overlay=x={x}:y={y}:enable='"
                );
                for (index, (from, to)) in times.into_iter().enumerate() {
                    let plus = if index == 0 { "" } else { "+" };
                    let (from, to) = (seconds_of(from), seconds_of(to));
                    let _ = write!(graph, "{plus}gte(t,{from})*lt(t,{to})");
                }
                layer += 1;
                let _ = write!(graph, "'[ground{layer}]");
            }
        }
        let _ = write!(graph, ";[ground{layer}]null[picture]");
        Ok(())
    }
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
