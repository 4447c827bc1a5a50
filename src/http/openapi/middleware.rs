//! What stands around the handlers and none of them names: a body's time limit, and `Idempotency-Key`.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::http::idempotency::MAX_KEY;
use crate::http::problem::documented::problem;

/// Adds it to the operations of one path.
pub(super) fn document(item: &mut PathItem) {
    for operation in super::operations_mut(item) {
        refuse(
            operation,
            "429",
            "Asked too often; `Retry-After` says how long to wait, `RateLimit` what is left.",
        );
        if operation.request_body.is_some() {
            refuse(operation, "408", "The body did not come within 20 s.");
        }
    }
    if let Some(post) = &mut item.post {
        post.parameters.get_or_insert_default().push(key().into());
        refuse(post, "408", "The body did not come within 20 s.");
        refuse(
            post,
            "409",
            "The first request with this key still runs, was cut off, showed its secret already, or made a token that is over.",
        );
        refuse(post, "413", "The body is larger than 1 MiB.");
        refuse(
            post,
            "422",
            "The key is bad, or came with another request before.",
        );
    }
}

/// What an operation may say besides what it says itself.
fn refuse(operation: &mut Operation, status: &str, text: &str) {
    let known = &mut operation.responses.responses;
    known
        .entry(status.to_owned())
        .or_insert_with(|| problem(text));
}

fn key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_KEY))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Names this request, so that it can be sent again without being done again: for 24 h the same key with the \
             same body gives the first reply, with `Idempotent-Replayed: true`. With another path or body it is refused \
             (422), while the first one runs too (409). What was cut off, as by a crash, is not done again (409 \
             `idempotency-outcome-unknown`); nor is a secret shown again (409 `idempotency-shown-once`), or a \
             token that opens nothing any more (409 `idempotency-token-ended`). Failures of the server are not kept. A token of the same subject, and the key that took another's place, find its replies; \
             take keys that cannot be guessed, such as UUIDs: replies are sealed with them.",
        ))
        .schema(Some(schema))
        .build()
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::RefOr;

    use super::*;
    use crate::http::idempotency::KEY;

    #[test]
    fn the_header_is_documented_as_it_is_read() {
        assert!("Idempotency-Key".eq_ignore_ascii_case(KEY.as_str()));
    }

    #[test]
    fn every_post_takes_a_key() {
        let document = super::super::document();
        let posts = document
            .paths
            .paths
            .values()
            .filter_map(|item| item.post.as_ref());
        for post in posts {
            let parameters = post.parameters.iter().flatten();
            let named = |parameter: &&RefOr<Parameter>| matches!(parameter, RefOr::T(known) if known.name == "Idempotency-Key");
            let keys = parameters.filter(named);
            assert_eq!(keys.count(), 1, "{:?}", post.operation_id);
        }
    }
}
