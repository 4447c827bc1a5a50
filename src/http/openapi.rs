//! The OpenAPI document, generated from the handlers; and what it knows of paths.

mod middleware;
mod webhooks;

use std::sync::LazyLock;

use actix_web::dev::ResourceDef;
use actix_web::{App, HttpResponse, get, web};
use calls_model::rest::PageLimit;
use calls_model::signal::{Answer, ClientFrame, ServerFrame};
use calls_model::{Fact, ProblemDetails};
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{ArrayItems, Components, Schema};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, OpenApi, Ref, RefOr};
use utoipa_actix_web::AppExt;

/// The document as the code stands.
pub fn document() -> OpenApi {
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .configure(super::routes::documented)
        .split_for_parts();
    document.info = InfoBuilder::new()
        .title("Calls")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Voice and video calls, rooms and meetings. Every refusal is an RFC 9457 problem with a stable `code`; \
             every reply carries its `x-request-id`. Signaling is a WebSocket: see `/api/v1/calls/asyncapi.json`.",
        ))
        .build();
    document.tags = Some(
        [
            ("calls", "From the first ring to the end, and the history."),
            ("rooms", "Places that hold one call after another."),
            ("participants", "What moderators do."),
            ("keys", "API keys of applications."),
            ("audit", "Who changed what, and who moderated whom."),
            ("erasure", "Let go of for good."),
            ("webhooks", "What happened, told to applications."),
            ("events", "What happened, to be asked for."),
            ("whip", "Publish over plain HTTP (RFC 9725)."),
            ("whep", "Watch over plain HTTP."),
            ("connections", "How clients connect."),
            ("documents", "The contract, for programs."),
            ("health", "For those who keep the server running."),
        ]
        .map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())
        .into(),
    );
    for item in document.paths.paths.values_mut() {
        middleware::document(item);
    }
    document.webhooks = Some(webhooks::document());
    let components = document.components.get_or_insert_default();
    register(components);
    refer(components);
    document
}

/// The document as text, as `docs/openapi.json` has it.
pub fn text() -> String {
    let mut text = document()
        .to_pretty_json()
        .expect("the document is plain JSON");
    text.push('\n');
    text
}

/// This document.
#[utoipa::path(
    tag = "documents",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
#[get("/openapi.json")]
pub(super) async fn openapi_json(app: web::Data<crate::app::App>) -> HttpResponse {
    static CLOSED: LazyLock<OpenApi> = LazyLock::new(document);
    static OPEN: LazyLock<OpenApi> = LazyLock::new(|| without_credentials(document()));
    HttpResponse::Ok().json(if app.open { &*OPEN } else { &*CLOSED })
}

/// The signaling protocol.
#[utoipa::path(
    tag = "documents",
    responses((status = 200, description = "AsyncAPI 3.0.", body = Object)),
)]
#[get("/asyncapi.json")]
pub(super) async fn asyncapi_json() -> HttpResponse {
    static DOCUMENT: LazyLock<serde_json::Value> =
        LazyLock::new(crate::signaling::asyncapi::document);
    HttpResponse::Ok().json(&*DOCUMENT)
}

/// A `--dev` server asks for no credentials, and says so.
fn without_credentials(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        for operation in operations_mut(item) {
            if let Some(security) = &mut operation.security {
                security.insert(0, SecurityRequirement::default());
            }
        }
    }
    document
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        options,
        head,
        patch,
        trace,
        ..
    } = item;
    [get, put, post, delete, options, head, patch, trace]
        .into_iter()
        .filter_map(Option::as_mut)
}

/// The methods that a path knows, for an `Allow` header; none where there is no such path.
pub(super) fn methods(path: &str) -> Option<String> {
    static PATHS: LazyLock<Vec<(ResourceDef, String)>> = LazyLock::new(|| {
        let paths = document().paths.paths;
        paths
            .iter()
            .map(|(path, item)| (ResourceDef::new(path.as_str()), allow(item)))
            .collect()
    });
    // A path of fixed words is known better than one with an id in the same place.
    let known = PATHS.iter().filter(|(pattern, _)| pattern.is_match(path));
    let best = known.min_by_key(|(pattern, _)| {
        pattern
            .pattern()
            .map_or(0, |pattern| pattern.matches('{').count())
    });
    best.map(|(_, allow)| allow.clone())
}

fn allow(item: &PathItem) -> String {
    let methods = [
        (item.get.is_some(), "GET, HEAD"),
        (item.post.is_some(), "POST"),
        (item.patch.is_some(), "PATCH"),
        (item.delete.is_some(), "DELETE"),
    ];
    let known: Vec<&str> = methods
        .iter()
        .filter(|(known, _)| *known)
        .map(|(_, m)| *m)
        .collect();
    known.join(", ")
}

/// Adds what no handler names by itself: the problem object, the signaling frames, the way to authenticate.
fn register(components: &mut Components) {
    fn add<T: ToSchema>(components: &mut Components) {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        components.schemas.extend(schemas);
        components
            .schemas
            .insert(T::name().into_owned(), T::schema());
    }
    add::<ProblemDetails>(components);
    add::<ClientFrame>(components);
    add::<ServerFrame>(components);
    add::<Answer>(components);
    add::<PageLimit>(components);
    add::<Fact>(components);
    components.schemas.remove("Fact"); // only what facts are made of: `webhooks` has the rest
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    );
}

/// Pages name their rows by reference; `utoipa` would write the row out again in each of them.
fn refer(components: &mut Components) {
    for (name, schema) in &mut components.schemas {
        let Some(row) = name.strip_prefix("Page_") else {
            continue;
        };
        if let RefOr::T(Schema::Object(page)) = schema
            && let Some(RefOr::T(Schema::Array(data))) = page.properties.get_mut("data")
        {
            data.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(row).into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_path_knows_its_methods() {
        assert_eq!(
            methods("/api/v1/calls/rooms/room_1").as_deref(),
            Some("GET, HEAD, PATCH, DELETE")
        );
        assert_eq!(
            methods("/api/v1/calls/history").as_deref(),
            Some("GET, HEAD")
        );
        assert_eq!(methods("/api/v1/calls/call_1/end").as_deref(), Some("POST"));
        assert_eq!(methods("/api/v1/calls/call_1/record/begin"), None);
        assert_eq!(methods("/nowhere"), None);
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = serde_json::to_value(document()).unwrap();
        let text = document.to_string();
        for reference in text
            .split("\"#/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert!(
                document.pointer(&format!("/{reference}")).is_some(),
                "{reference}"
            );
        }
    }

    #[test]
    fn every_operation_with_an_id_in_its_path_may_find_nothing() {
        for (path, item) in &mut document().paths.paths {
            for operation in operations_mut(item).filter(|_| path.contains('{')) {
                assert!(operation.responses.responses.contains_key("404"), "{path}");
            }
        }
    }
}
