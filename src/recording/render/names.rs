//! What stands on somebody's picture: whose it is.

use std::fs;
use std::io;
use std::path::Path;

use calls_model::{DisplayName, RecordingFile, UserId};

/// Where fonts usually are; without one there are no names.
const FONTS: [&str; 3] = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf",
];

/// How large names are.
const FONT: u32 = 20;

/// What writes whose picture it is, if anybody knows and there is a font.
pub(super) fn filter(
    folder: &Path,
    layer: usize,
    file: &RecordingFile,
    width: u32,
) -> io::Result<String> {
    let font = FONTS.into_iter().find(|font| Path::new(font).exists());
    let (Some(font), Some(name)) = (font, caption(file, width)) else {
        return Ok(String::new());
    };
    // The name goes by a file: nothing in it can be taken for a filter.
    let text = format!("name-{layer}.txt");
    fs::write(folder.join(&text), name)?;
    Ok(format!(
        ",drawtext=fontfile={font}:textfile={text}:expansion=none:fontsize={FONT}:fontcolor=white:\
         box=1:boxcolor=0x000000@0.5:boxborderw=6:x=12:y=h-th-14"
    ))
}

/// What stands on somebody's picture: what they were called when they came in, else their id, as one line that fits.
fn caption(file: &RecordingFile, width: u32) -> Option<String> {
    let called = file.display_name.as_ref().map(DisplayName::as_str);
    let name = called.or_else(|| file.user_id.as_ref().map(UserId::as_str))?;
    let most = usize::try_from(width.saturating_sub(24) * 5 / (FONT * 3)).unwrap_or(0);
    let line = one_line(name);
    let fits = line.chars().count() <= most.max(2);
    let cut = || line.chars().take(most.max(2) - 1).chain(['…']).collect();
    let line: String = if fits { line } else { cut() };
    (!line.is_empty()).then_some(line)
}

/// Without line breaks, and without what turns the direction of writing around (Unicode UAX #9) for what is not the name.
fn one_line(name: &str) -> String {
    let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |c: char| {
        if c.is_control() || c.is_whitespace() {
            ' '
        } else {
            c
        }
    };
    let line: String = name.chars().filter(|c| !turns(c)).map(plain).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_and_turns_nothing_around() {
        assert_eq!(one_line("a\nb\r\n\tc\u{2028}d"), "a b   c d");
        assert_eq!(one_line("ada\u{202e}gnp\u{2066} x"), "adagnp x");
        assert_eq!(one_line("שלום علي"), "שלום علي");
        assert_eq!(one_line("\u{202e}\u{2069} "), "");
    }
}
