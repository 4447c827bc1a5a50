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

#[test]
fn every_test_that_the_security_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/SECURITY-MODEL.md")).expect("a page");
    let (mut file, mut found) = (String::new(), 0);
    // What stands between backticks: a file, then the names of tests in it.
    for word in page.split('`').skip(1).step_by(2) {
        if word.contains('/') && Path::new(word).extension().is_some_and(|end| end == "rs") {
            file = std::fs::read_to_string(root.join(word)).unwrap_or_else(|_| panic!("no {word}"));
        } else if word.matches('_').count() > 2 && !word.contains(['/', ' ', '"']) {
            assert!(file.contains(&format!("fn {word}()")), "no test {word}");
            found += 1;
        }
    }
    assert!(found > 40, "{found} tests are named");
}
