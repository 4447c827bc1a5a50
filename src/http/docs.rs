//! `/docs`: the contract for people, without the network: Swagger UI, and the list of problems.

use std::fmt::Write as _;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use actix_web::{HttpResponse, get, web};
use utoipa_swagger_ui::Config;

use super::problem::{Problem, kinds};

/// Swagger UI styles its elements in place and holds its icons as `data:` images; scripts are its own files.
const CSP: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                   object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The folder, asked for without its slash.
#[get("/docs")]
pub(super) async fn folder() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((LOCATION, "/docs/"))
        .finish()
}

/// Every kind of problem, each under its code.
#[get("/docs/problems")]
pub(super) async fn problems() -> HttpResponse {
    let mut rows = String::new();
    for kind in kinds::ALL {
        let (code, status, title) = (kind.code, kind.status.as_u16(), kind.title);
        let _ = write!(
            rows,
            "<tr id=\"{code}\"><td><code>{code}</code><td>{status}<td>{title}"
        );
    }
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Problems - Calls</title><style>body{{font:1rem/1.5 system-ui;margin:2rem auto;max-width:60rem;\
         padding:0 1rem}}td,th{{padding:.25rem 1rem .25rem 0;text-align:left}}:target{{background:#fe8}}</style>\
         <h1>Problems</h1><p>Every refusal is <code>application/problem+json</code> (RFC 9457); its <code>code</code> \
         is one of these and never changes.<table><tr><th>code<th>status<th>title{rows}</table>"
    );
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_SECURITY_POLICY, CSP))
        .content_type("text/html; charset=utf-8");
    response.body(page)
}

/// Swagger UI over the document that this server serves.
#[get("/docs/{file:.*}")]
pub(super) async fn swagger(file: web::Path<String>) -> Result<HttpResponse, Problem> {
    let config = Config::from("/api/v1/calls/openapi.json").validator_url("none");
    let found = utoipa_swagger_ui::serve(&file, config.into());
    match found.map_err(|_| Problem::Internal)? {
        Some(file) => Ok(HttpResponse::Ok()
            .insert_header((CONTENT_SECURITY_POLICY, CSP))
            .content_type(file.content_type)
            .body(file.bytes.into_owned())),
        None => Err(Problem::NotFound { what: "path" }),
    }
}
