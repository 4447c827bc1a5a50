//! The AsyncAPI document of `calls.v1`, made from the very schemas that the code reads and writes with.

use calls_model::signal::{ClientFrame, SUBPROTOCOL, ServerFrame};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

const ABOUT: &str = "Signaling: one WebSocket, JSON text frames of at most 256 KiB. The first frame is `hello`, within \
    5 s. Every request that has an `id` is answered by `ok` or `error` with the same number in `re`; `error.d` is the \
    problem object of REST. Events carry `seq`; `hello` with `resume` brings back a session whose socket dropped, and \
    tells again what came after `last_seq`. A `welcome` that names another `session` than before, on whatever socket, \
    means that the server had to begin anew: so does the client, with a fresh offer. A `bye` comes before every close.";

/// The document as the code stands.
pub fn document() -> Value {
    let mut schemas = Map::new();
    collect::<ClientFrame>(&mut schemas);
    collect::<ServerFrame>(&mut schemas);
    let (sent, heard) = (
        messages("client", &schemas["Request"]),
        messages("server", &schemas["Event"]),
    );
    let refer = |messages: &Map<String, Value>, place: &str| {
        let refer = |name: &String| json!({ "$ref": format!("{place}/{name}") });
        messages.keys().map(refer).collect::<Vec<_>>()
    };
    let channel = "#/channels/signaling/messages";
    let (to_client, from_client) = (refer(&heard, channel), refer(&sent, channel));
    let all: Map<String, Value> = sent.into_iter().chain(heard).collect();
    let named: Map<String, Value> = all
        .keys()
        .map(|name| {
            (
                name.clone(),
                json!({ "$ref": format!("#/components/messages/{name}") }),
            )
        })
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Calls signaling",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
        },
        "servers": {
            "local": { "host": "localhost:8080", "protocol": "ws", "pathname": "/api/v1/calls" },
        },
        "defaultContentType": "application/json",
        "channels": {
            "signaling": {
                "address": "/ws",
                "messages": named,
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "headers": {
                            "type": "object",
                            "required": ["Sec-WebSocket-Protocol"],
                            "properties": { "Sec-WebSocket-Protocol": { "const": SUBPROTOCOL } },
                        },
                    },
                },
            },
        },
        "operations": {
            "receiveRequest": {
                "action": "receive",
                "summary": "What a client sends.",
                "channel": { "$ref": "#/channels/signaling" },
                "messages": from_client,
            },
            "sendEvent": {
                "action": "send",
                "summary": "What a client hears.",
                "channel": { "$ref": "#/channels/signaling" },
                "messages": to_client,
            },
        },
        "components": { "messages": all, "schemas": schemas },
    })
}

/// The document as text, as `docs/asyncapi.json` has it.
pub fn text() -> String {
    let mut text = format!("{:#}", document());
    text.push('\n');
    text
}

fn collect<T: ToSchema>(schemas: &mut Map<String, Value>) {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    for (name, schema) in found {
        let schema = serde_json::to_value(schema).expect("a schema is plain JSON");
        schemas.insert(name, schema);
    }
}

/// One message per variant: its `t` and `d`, beside what every frame has.
fn messages(side: &str, variants: &Value) -> Map<String, Value> {
    let numbers = if side == "client" {
        json!({ "id": { "type": "integer", "minimum": 0 } })
    } else {
        json!({
            "re": { "type": "integer", "minimum": 0 },
            "seq": { "type": "integer", "minimum": 1 },
        })
    };
    let variants = variants["oneOf"]
        .as_array()
        .expect("frames are an enum of types");
    variants
        .iter()
        .map(|variant| {
            let t = variant["properties"]["t"]["enum"][0]
                .as_str()
                .expect("each names its type");
            let message = json!({
                "name": t,
                "summary": variant["description"],
                "payload": {
                    "allOf": [variant, { "type": "object", "properties": numbers }],
                },
            });
            (format!("{side}.{t}"), message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = document();
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
    fn every_frame_is_a_message() {
        let document = document();
        let messages = document["components"]["messages"].as_object().unwrap();
        for name in [
            "client.hello",
            "client.offer",
            "server.welcome",
            "server.bye",
            "server.ok",
        ] {
            assert!(messages.contains_key(name), "{name}");
        }
    }
}
