//! The documents in `docs/` are those that the code makes. `UPDATE_GOLDEN=1` writes them anew.

use std::path::Path;

#[track_caller]
fn golden(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, made).expect("docs/ can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/{file} is out of date: run the test with UPDATE_GOLDEN=1 and look at the difference"
    );
}

#[test]
fn the_openapi_document_is_what_the_handlers_say() {
    golden("openapi.json", &calls::http::openapi::text());
}

#[test]
fn the_asyncapi_document_is_what_the_frames_say() {
    golden("asyncapi.json", &calls::signaling::asyncapi::text());
}

fn page(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    std::fs::read_to_string(file).expect("a page")
}

/// Counts the tests that a text names, all of which are there. What stands between backticks is a file, then the names of
/// tests in it; a file of a browser's tests is one test.
fn tests_named(text: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut file, mut found) = (String::new(), 0);
    for word in text.split('`').skip(1).step_by(2) {
        let end = Path::new(word).extension().filter(|_| word.contains('/'));
        if end.is_some_and(|end| end == "rs" || end == "mjs") {
            file = std::fs::read_to_string(root.join(word)).unwrap_or_else(|_| panic!("no {word}"));
            found += usize::from(end.is_some_and(|end| end == "mjs"));
        } else if word.matches('_').count() > 2 && !word.contains(['/', ' ', '"']) {
            // Those of the store are run on both databases.
            let is_there = ["()", "(db: Database)"]
                .iter()
                .any(|end| file.contains(&format!("fn {word}{end}")));
            assert!(is_there, "no test {word}");
            found += 1;
        }
    }
    found
}

#[test]
fn every_threat_of_the_security_model_has_an_answer_and_a_test_that_is_there() {
    let page = page("SECURITY-MODEL.md");
    let mut threats = 0;
    for table in page.split("| threat | answer | test |").skip(1) {
        let rows = table
            .lines()
            .skip(2)
            .take_while(|row| row.starts_with("| "));
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [_, answer, tests] = cells[..] else {
                panic!("three cells: {row}");
            };
            assert!(answer.len() > 5, "no answer: {row}");
            assert!(tests_named(tests) > 0, "no test: {row}");
            threats += 1;
        }
    }
    assert!(threats > 40, "{threats} threats");
    assert!(tests_named(&page) > threats, "and those of the text");
}

#[test]
fn every_fault_of_the_reliability_page_has_a_figure_and_a_test_that_is_there() {
    let page = page("RELIABILITY.md");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let mut faults = 0;
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [fault, promised, measured, tests] = cells[..] else {
            panic!("four cells: {row}");
        };
        if fault.starts_with("---") {
            continue;
        }
        assert!(promised.len() > 5, "nothing is promised: {row}");
        // A figure, or all that there was to measure.
        let is_figure = measured.contains(|letter: char| letter.is_ascii_digit());
        let is_whole = ["nothing lost", "the whole sentence", "as above"].contains(&measured);
        assert!(is_figure || is_whole, "no figure: {row}");
        assert!(tests_named(tests) > 0, "no test: {row}");
        faults += 1;
    }
    assert!(faults > 25, "{faults} faults");
}

#[test]
fn every_limit_has_a_key_that_can_be_set_and_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let keys = std::fs::read_to_string(root.join("config/default.toml")).expect("the defaults");
    let page = page("LIMITS.md");
    let mut limits = 0;
    let rows = page.lines().filter(|line| line.starts_with("| "));
    for row in rows.skip(1).filter(|row| !row.starts_with("| ---")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, key, metric, _, tests] = cells[..] else {
            panic!("six cells: {row}");
        };
        for word in key.split('`').skip(1).step_by(2) {
            let Some(key) = word.strip_prefix("limits.") else {
                continue;
            };
            assert!(keys.contains(&format!("\n{key} = ")), "no key {key}");
        }
        assert!(
            metric.contains("calls_") || metric.contains('…'),
            "no number: {row}"
        );
        let files = tests
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| word.contains('/'));
        for file in files.clone() {
            assert!(root.join(file).exists(), "no {file}");
        }
        assert!(files.count() > 0 || tests == "the same", "no test: {row}");
        tests_named(tests);
        limits += 1;
    }
    assert!(limits > 15, "{limits} limits");
}
