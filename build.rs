//! Puts a page into `web/dist` where the web pages have not been built, so that the server builds without npm.

use std::path::Path;
use std::{fs, io};

const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Calls</title>\
    <h1>Calls</h1><p>The server runs; its web pages were not built. Build and serve them with <code>make run</code>, \
    or read the <a href=\"/docs/\">API docs</a>.</p>\n";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=web/dist");
    let page = Path::new("web/dist/index.html");
    if !page.exists() {
        fs::create_dir_all("web/dist")?;
        fs::write(page, PAGE)?;
    }
    Ok(())
}
