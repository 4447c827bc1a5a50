//! The report as Markdown: the table, and a picture of how it went.

use super::{Report, table};

/// The report, with `picture` beside it.
pub(crate) fn markdown(report: &Report, picture: &str) -> String {
    let provenance = &report.provenance;
    let on = provenance.cpu.as_deref().unwrap_or("an unknown processor");
    let commit = provenance.commit.as_deref().unwrap_or("an unknown commit");
    format!(
        "# {}\n\nOn {} of {on}, at {commit}:\n\n```\n{}```\n\n![Over time]({picture})\n",
        report.scenario.name,
        match provenance.cores {
            1 => "one core".to_owned(),
            cores => format!("{cores} cores"),
        },
        table(report),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::good;
    use super::*;

    #[test]
    fn it_has_the_table_and_the_picture() {
        let text = markdown(&good(), "meeting.svg");
        assert!(text.starts_with("# meeting\n"), "{text}");
        assert!(text.contains("4 of 4"), "{text}");
        assert!(text.ends_with("![Over time](meeting.svg)\n"), "{text}");
    }
}
