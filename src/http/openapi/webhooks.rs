//! The `webhooks` of the OpenAPI document: what is sent to endpoints, one entry for each type of event.

use calls_model::{Event, Fact};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AllOfBuilder, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{
    Content, PathItem, Paths, PathsBuilder, Ref, RefOr, Required, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

/// What every message carries beside its body (Standard Webhooks, "Webhook headers").
const HEADERS: [(&str, &str); 3] = [
    (
        "webhook-id",
        "The event's id; the same at every try. What came before may be dropped.",
    ),
    (
        "webhook-timestamp",
        "Seconds since 1970 at this try. What is older than five minutes may be somebody's replay.",
    ),
    (
        "webhook-signature",
        "`v1,` and base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`, keyed with the bytes behind \
         `whsec_`; two of them with a space between, while secrets change.",
    ),
];

/// One entry for each type of event.
pub(super) fn document() -> Paths {
    let mut paths = PathsBuilder::new();
    for name in Fact::NAMES {
        paths = paths.path(*name, message(name));
    }
    paths.build()
}

fn message(name: &str) -> PathItem {
    let data = data(name);
    let told = data.description.clone().unwrap_or_default();
    let typed = ObjectBuilder::new()
        .property("type", word(name))
        .required("type")
        .property("data", data)
        .required("data")
        .build();
    let body = AllOfBuilder::new()
        .item(Ref::from_schema_name(Event::name()))
        .item(typed)
        .build();
    let mut operation = OperationBuilder::new()
        .tag("webhooks")
        .summary(Some(told))
        .request_body(Some(
            RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content(
                    "application/json",
                    Content::new(Some(RefOr::T(Schema::AllOf(body)))),
                )
                .build(),
        ))
        .response(
            "2XX",
            ResponseBuilder::new()
                .description("The endpoint has it. Anything else, and silence, is tried again."),
        )
        .response(
            "410",
            ResponseBuilder::new().description("The endpoint is gone for good, and is disabled."),
        );
    for (header, text) in HEADERS {
        let parameter = ParameterBuilder::new()
            .name(header)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(text))
            .schema(Some(Object::with_type(Type::String)));
        operation = operation.parameter(parameter);
    }
    PathItem::new(HttpMethod::Post, operation.build())
}

/// A schema of exactly this text.
fn word(name: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([name]))
        .build()
}

/// What the fact of this name has to say, without its own `type`.
fn data(name: &str) -> Object {
    let RefOr::T(Schema::OneOf(facts)) = Fact::schema() else {
        unreachable!("a fact is one of several")
    };
    let objects = facts.items.into_iter().filter_map(|item| match item {
        RefOr::T(Schema::Object(object)) => Some(object),
        _ => None,
    });
    let mut found = objects
        .filter(|object| tag(object).as_deref() == Some(&variant(name)))
        .collect::<Vec<_>>();
    let mut data = found
        .pop()
        .expect("every name belongs to a fact; a test looks");
    data.properties.remove("type");
    data.required.retain(|key| key != "type");
    data
}

/// What the fact's own `type` says.
fn tag(object: &Object) -> Option<String> {
    let RefOr::T(Schema::Object(tag)) = object.properties.get("type")? else {
        return None;
    };
    tag.enum_values
        .as_ref()?
        .first()?
        .as_str()
        .map(str::to_owned)
}

/// The fact behind the name of an event.
fn variant(name: &str) -> String {
    match name {
        "recording.resumed" => "recording_paused".to_owned(),
        "participant.role_changed" => "role_changed".to_owned(),
        "participant.media_changed" => "media_changed".to_owned(),
        "transcription.utterance" => "utterance_spoken".to_owned(),
        other => other.replace('.', "_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_event_says_what_it_carries() {
        let paths = document().paths;
        assert_eq!(paths.len(), Fact::NAMES.len());
        for name in Fact::NAMES {
            assert!(!data(name).properties.is_empty(), "{name}");
        }
    }
}
