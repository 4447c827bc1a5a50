//! The report as Markdown: the table, and a picture of how it went.

use super::{Report, table};

/// The report, with `picture` beside it.
pub(crate) fn markdown(report: &Report, picture: &str) -> String {
    let provenance = &report.provenance;
    let on = provenance.cpu.as_deref().unwrap_or("an unknown processor");
    format!(
        "# {}\n\nOn {} of {on}, {}:\n\n```sh\n{}\n```\n\n```\n{}```\n\n![Over time]({picture})\n",
        report.what(),
        match provenance.cores {
            1 => "one core".to_owned(),
            cores => format!("{cores} cores"),
        },
        provenance.when_and_of_what(),
        provenance.command,
        table(report),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::good;
    use super::*;

    #[test]
    fn it_has_what_was_played_when_the_table_and_the_picture() {
        let mut report = good();
        report.provenance.commit = Some("abc1234".into());
        report.provenance.unix_time = 1_796_000_000;
        report.provenance.command = "calls-loadtest --scenario x.toml".into();
        let text = markdown(&report, "meeting.svg");
        assert!(text.starts_with("# meeting\n"), "{text}");
        assert!(
            text.contains(", at commit abc1234, 2026-11-30 00:53 UTC:\n"),
            "{text}"
        );
        assert!(
            text.contains("\ncalls-loadtest --scenario x.toml\n"),
            "{text}"
        );
        assert!(text.contains("4 of 4"), "{text}");
        assert!(text.ends_with("![Over time](meeting.svg)\n"), "{text}");
    }
}
