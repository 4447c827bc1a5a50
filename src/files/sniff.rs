//! What a file is, by its first bytes. Names and labels are anybody's to choose.

/// Bytes from the beginning that tell it.
pub const HEAD: usize = 8192;

/// What nobody knows.
const UNKNOWN: &str = "application/octet-stream";

/// The media type of a file that begins so. The name only tells apart what is all plain text.
pub fn media_type(head: &[u8], name: &str) -> &'static str {
    if let Some(known) = infer::get(head) {
        return known.mime_type();
    }
    let Some(text) = text(head) else {
        return UNKNOWN;
    };
    if text.trim_start().starts_with('<') {
        return "text/xml"; // SVG among them, which can hold scripts
    }
    let suffix = name
        .rsplit_once('.')
        .map(|(_, suffix)| suffix.to_ascii_lowercase());
    match suffix.as_deref() {
        Some("csv") => "text/csv",
        Some("md") => "text/markdown",
        _ => "text/plain",
    }
}

/// The beginning as text, if it is some: UTF-8 that may be cut within its last character.
fn text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(cut) if cut.error_len().is_none() => {
            std::str::from_utf8(&head[..cut.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    text.chars().all(plain).then_some(text)
}

/// Whether a type is one of these: `image/png`, or `image/*` for all that begin so, or `*`.
pub fn is_among(media_type: &str, patterns: &[String]) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => media_type.starts_with(beginning),
            None => media_type == pattern,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_is_in_it_and_not_what_it_is_called() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        assert_eq!(media_type(png, "letter.pdf"), "image/png");
        assert_eq!(media_type(b"%PDF-1.7\n", "photo.png"), "application/pdf");
        let exe = [b"MZ".as_slice(), &[0; 100]].concat();
        assert!(!media_type(&exe, "notes.txt").starts_with("text/"));
        assert_eq!(media_type(b"a;b\n1;2\n", "table.csv"), "text/csv");
        assert_eq!(media_type("Grüße".as_bytes(), "n"), "text/plain");
        assert_eq!(
            media_type(&"ü".as_bytes()[..1], "n"),
            "text/plain",
            "cut in a character"
        );
        assert_eq!(media_type(&[0, 1, 2, 3], "notes.txt"), UNKNOWN);
    }

    #[test]
    fn what_can_hold_scripts_is_no_picture_and_no_plain_text() {
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>";
        assert_eq!(media_type(svg, "logo.png"), "text/xml");
        assert_eq!(media_type(b"<!DOCTYPE html><html>", "a.txt"), "text/html");
        assert_ne!(media_type(b"#!/bin/sh\nrm -rf /\n", "a.txt"), "text/plain");
    }

    #[test]
    fn a_pattern_is_a_type_or_a_beginning() {
        let patterns = ["image/*".to_owned(), "text/plain".to_owned()];
        assert!(is_among("image/webp", &patterns) && is_among("text/plain", &patterns));
        assert!(!is_among("text/html", &patterns) && !is_among("application/pdf", &patterns));
        assert!(is_among("anything/at-all", &["*".to_owned()]));
    }
}
