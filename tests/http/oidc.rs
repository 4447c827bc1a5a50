//! Tokens of another issuer, with keys that it serves, in place of API keys.

#![expect(
    clippy::unwrap_used,
    reason = "what fails here is a mistake of the test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use calls::auth::keys::{self, Wanted};
use calls::config::Oidc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, World, send};

const AUDIENCE: &str = "https://calls.example.org";

/// A shared secret that everybody may read.
const PUBLISHED: &[u8] = b"0123456789abcdef0123456789abcdef";

/// An issuer with an RSA and an elliptic key, of which `served` tells how often it was asked for them.
struct Issuer {
    url: String,
    rsa: EncodingKey,
    ec: EncodingKey,
    served: Arc<AtomicUsize>,
}

fn rsa() -> (EncodingKey, Value) {
    let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    // PKCS #8 wraps PKCS #1, which is what is wanted: for this size of key the wrapping has 26 bytes (RFC 5208 §5).
    let key = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
    let public = pair.public_key();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let n = part(public.modulus().big_endian_without_leading_zero());
    let e = part(public.exponent().big_endian_without_leading_zero());
    let jwk = json!({ "kty": "RSA", "kid": "r1", "alg": "RS256", "use": "sig", "n": n, "e": e });
    (key, jwk)
}

fn ec() -> (EncodingKey, Value) {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let point = pair.public_key().as_ref().to_vec(); // 4, x, y (SEC 1 §2.3.3)
    let (x, y) = (
        URL_SAFE_NO_PAD.encode(&point[1..33]),
        URL_SAFE_NO_PAD.encode(&point[33..65]),
    );
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "e1", "alg": "ES256", "use": "sig", "x": x, "y": y });
    (EncodingKey::from_ec_der(pkcs8.as_ref()), jwk)
}

impl Issuer {
    fn start() -> Self {
        let ((rsa, rsa_jwk), (ec, ec_jwk)) = (rsa(), ec());
        let served = Arc::new(AtomicUsize::new(0));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let secret = URL_SAFE_NO_PAD.encode(PUBLISHED);
        let oct = json!({ "kty": "oct", "kid": "s1", "k": secret }); // as a careless issuer has it
        let keys = json!({ "keys": [rsa_jwk, ec_jwk, oct] });
        let (asked, jwks_uri) = (Arc::clone(&served), format!("{url}/keys"));
        let host = HttpServer::new(move || {
            let (keys, asked, jwks_uri) = (keys.clone(), Arc::clone(&asked), jwks_uri.clone());
            let discovery = move || {
                let found = json!({ "jwks_uri": jwks_uri });
                async move { HttpResponse::Ok().json(found) }
            };
            let serve = move || {
                asked.fetch_add(1, Ordering::SeqCst);
                let keys = keys.clone();
                async move { HttpResponse::Ok().json(keys) }
            };
            App::new()
                .route(
                    "/.well-known/openid-configuration",
                    web::get().to(discovery),
                )
                .route("/keys", web::get().to(serve))
        });
        let host = host
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
        actix_web::rt::spawn(host);
        Self {
            url,
            rsa,
            ec,
            served,
        }
    }

    fn claims(&self, more: &Value) -> Value {
        let now = jsonwebtoken::get_current_timestamp();
        let mut claims = json!({
            "iss": self.url, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 60,
        });
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        claims
    }

    fn sign(&self, algorithm: Algorithm, more: &Value) -> String {
        let (key, kid) = match algorithm {
            Algorithm::RS256 => (&self.rsa, "r1"),
            _ => (&self.ec, "e1"),
        };
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, &self.claims(more), key).unwrap()
    }
}

async fn world(issuer: &Issuer) -> World {
    world_with(issuer, |_| {}).await
}

async fn world_with(issuer: &Issuer, change: impl FnOnce(&mut Oidc)) -> World {
    let url = issuer.url.clone();
    World::start(false, move |config| {
        config.oidc.issuer = url;
        AUDIENCE.clone_into(&mut config.oidc.audience);
        change(&mut config.oidc);
    })
    .await
}

async fn get(world: &World, token: &str, path: &str) -> Reply {
    send(world.request_as(Some(token), Method::GET, path)).await
}

#[actix_web::test]
async fn a_token_of_the_issuer_is_an_application_with_its_scopes_in_its_tenant() {
    let issuer = Issuer::start();
    let world = world(&issuer).await;
    let claims = json!({ "scope": "openid calls:rooms calls:unheard-of", "org_id": "acme" });
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        let token = issuer.sign(algorithm, &claims);
        let request = world.request_as(Some(&token), Method::POST, "/rooms");
        let room = send(request.json(&json!({ "name": "Hall" })))
            .await
            .expect(201);
        assert_eq!(room["org_id"], "acme");
        get(&world, &token, "/rooms").await.expect(200);
        get(&world, &token, "/history")
            .await
            .problem(403, "scope-missing");
    }
    assert_eq!(
        world.get("/rooms").await.expect(200)["data"],
        json!([]),
        "not the default tenant's"
    );
    assert_eq!(issuer.served.load(Ordering::SeqCst), 1, "keys are kept");
}

#[actix_web::test]
async fn a_token_of_the_issuer_without_scopes_is_its_user() {
    let issuer = Issuer::start();
    let world = world(&issuer).await;
    let ring = json!({ "type": "audio", "from": "bob", "to": ["ann"] });
    let call = world.post("/initiate", ring).await.expect(201);
    let token = issuer.sign(Algorithm::ES256, &json!({ "org_id": "default" }));
    let history = get(&world, &token, "/history").await.expect(200);
    assert_eq!(history["data"][0]["call_id"], call["call_id"]);
    get(&world, &token, "/rooms")
        .await
        .problem(403, "forbidden");
    let path = format!("/{}/reject", call["call_id"].as_str().unwrap());
    let reject = send(world.request_as(Some(&token), Method::POST, &path)).await;
    assert_eq!(reject.expect(200)["end_reason"], "rejected");
}

#[actix_web::test]
async fn what_the_issuer_did_not_make_for_us_opens_nothing() {
    let issuer = Issuer::start();
    let world = world(&issuer).await;
    let everything = "calls:rooms calls:calls calls:admin";
    let now = jsonwebtoken::get_current_timestamp();
    let bad = [
        json!({ "aud": "https://other.example.org" }),
        json!({ "iss": "https://other.example.org" }),
        json!({ "exp": now - 3600 }),
        json!({ "nbf": now + 3600 }),
        json!({ "org_id": "Not A Tenant" }),
        json!({ "org_id": 42 }),
        json!({ "org_id": null }),
    ];
    for mut claims in bad {
        claims["scope"] = json!(everything);
        if claims.get("org_id").is_none() {
            claims["org_id"] = json!("default");
        }
        let token = issuer.sign(Algorithm::RS256, &claims);
        let refused = get(&world, &token, "/rooms").await;
        assert_eq!(refused.status, 401, "{claims}");
    }
    let good = issuer.claims(&json!({ "scope": everything, "org_id": "default" }));
    let (stranger, _) = ec();
    let mut header = Header::new(Algorithm::ES256);
    for kid in ["e1", "unknown"] {
        header.kid = Some(kid.to_owned());
        let token = jsonwebtoken::encode(&header, &good, &stranger).unwrap();
        get(&world, &token, "/rooms")
            .await
            .problem(401, "unauthorized");
    }
    // What is published is taken for a shared secret: the classic confusion of algorithms. Whoever takes HS256 from this issuer
    // lets this in.
    let shared = EncodingKey::from_secret(PUBLISHED);
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("s1".to_owned());
    let token = jsonwebtoken::encode(&header, &good, &shared).unwrap();
    get(&world, &token, "/rooms")
        .await
        .problem(401, "unauthorized");
    assert!(
        issuer.served.load(Ordering::SeqCst) <= 2,
        "unknown keys are not asked for each time"
    );
}

#[actix_web::test]
async fn what_the_issuer_made_for_something_else_than_access_opens_nothing() {
    let issuer = Issuer::start();
    let world = world(&issuer).await;
    let sign = |typ: Option<&str>, more: Value| {
        let mut claims = json!({ "scope": "calls:rooms", "org_id": "default" });
        let all = claims.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        let mut header = Header::new(Algorithm::ES256);
        (header.kid, header.typ) = (Some("e1".to_owned()), typ.map(str::to_owned));
        jsonwebtoken::encode(&header, &issuer.claims(&claims), &issuer.ec).unwrap()
    };
    for typ in [
        None,
        Some("JWT"),
        Some("at+jwt"),
        Some("application/at+jwt"),
    ] {
        let token = sign(typ, json!({ "typ": "Bearer" }));
        get(&world, &token, "/rooms").await.expect(200);
    }
    for (typ, more) in [
        ("logout+jwt", json!({})),
        ("JWT", json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" })),
        ("JWT", json!({ "typ": "ID" })),
        ("JWT", json!({ "token_use": "id" })),
    ] {
        let refused = get(&world, &sign(Some(typ), more.clone()), "/rooms").await;
        let refused = refused.problem(401, "unauthorized");
        let detail = refused["detail"].as_str().unwrap();
        assert!(
            detail.contains("not an access token"),
            "{typ} {more}: {detail}"
        );
    }
}

#[actix_web::test]
async fn a_renewed_token_finds_the_replies_to_what_its_subject_asked_and_no_other_does() {
    let issuer = Issuer::start();
    let world = world(&issuer).await;
    let post = async |more: Value| {
        let mut claims = json!({ "scope": "calls:rooms", "org_id": "default" });
        let all = claims.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        let token = issuer.sign(Algorithm::ES256, &claims);
        let request = world.request_as(Some(&token), Method::POST, "/rooms");
        let request = request.header("idempotency-key", "k");
        send(request.json(&json!({ "name": "Hall" })))
            .await
            .expect(201)
    };
    let made = post(json!({ "jti": "1" })).await;
    assert_eq!(post(json!({ "jti": "2" })).await, made);
    assert_ne!(post(json!({ "sub": "ben" })).await, made);
    let more = json!({ "scope": "calls:rooms calls:calls" });
    assert_ne!(post(more).await, made, "who may do more is somebody else");
}

#[actix_web::test]
async fn without_an_issuer_no_such_token_opens_anything() {
    let issuer = Issuer::start();
    let world = World::closed().await;
    let token = issuer.sign(Algorithm::RS256, &json!({ "scope": "calls:rooms" }));
    get(&world, &token, "/rooms")
        .await
        .problem(401, "unauthorized");
}

#[actix_web::test]
async fn a_token_that_names_no_tenant_is_nobodys_unless_the_issuer_knows_of_none() {
    let issuer = Issuer::start();
    let token = issuer.sign(Algorithm::RS256, &json!({ "scope": "calls:rooms" }));
    let user = issuer.sign(Algorithm::RS256, &json!({}));
    let strict = world(&issuer).await;
    for (token, path) in [(&token, "/rooms"), (&user, "/history")] {
        let refused = get(&strict, token, path).await;
        let refused = refused.problem(401, "unauthorized");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("oidc.org_claim"), "{detail}");
    }
    let single = world_with(&issuer, |oidc| oidc.org_claim.clear()).await;
    let room = single.room(json!({})).await;
    let rooms = get(&single, &token, "/rooms").await.expect(200);
    assert_eq!(
        rooms["data"][0]["room_id"], room,
        "of the tenant \"default\""
    );
}

async fn make_key(world: &World, bearer: &str, path: &str, wanted: &Value) -> String {
    let request = world.request_as(Some(bearer), Method::POST, path);
    let made = send(request.json(wanted)).await.expect(201);
    made["secret"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_denied_subject_is_out_with_all_that_it_made() {
    let issuer = Issuer::start();
    let before = world(&issuer).await;
    let claims = json!({ "scope": "calls:calls calls:rooms", "org_id": "default" });
    let token = issuer.sign(Algorithm::RS256, &claims);
    let request = before.request_as(Some(&token), Method::POST, "/connections");
    let made = send(request.json(&json!({ "user_id": "bob" }))).await;
    let made = made.expect(201)["token"].as_str().unwrap().to_owned();
    get(&before, &made, "/history").await.expect(200);

    // A key that she made, one that was made with that, and one that she took another's place with.
    let keys = json!({ "scope": "calls:calls calls:keys", "org_id": "default" });
    let keys = issuer.sign(Algorithm::RS256, &keys);
    let scopes = json!({ "scopes": ["calls", "keys"] });
    let hers = make_key(&before, &keys, "/api-keys", &scopes).await;
    let scopes = json!({ "scopes": ["calls"] });
    let by_hers = make_key(&before, &hers, "/api-keys", &scopes).await;
    let first = before.server.first_key.clone().expect("a key");
    let bens = make_key(&before, first.reveal(), "/api-keys", &scopes).await;
    let rotated = format!("/api-keys/{}/rotate", &bens[.."calls_0a1b2c3d".len()]);
    let taken = make_key(&before, &keys, &rotated, &json!({})).await;
    let request = before.request_as(Some(&by_hers), Method::POST, "/connections");
    let by_key = send(request.json(&json!({ "user_id": "cid" }))).await;
    let by_key = by_key.expect(201)["token"].as_str().unwrap().to_owned();
    // What she is given as a user, where she answers a call.
    let as_user = issuer.sign(Algorithm::ES256, &json!({ "org_id": "default" }));
    let ring = json!({ "type": "audio", "from": "bob", "to": ["ann"] });
    let call = before.post("/initiate", ring).await.expect(201);
    let path = format!("/{}/answer", call["call_id"].as_str().unwrap());
    let answer = send(before.request_as(Some(&as_user), Method::POST, &path)).await;
    let seat = answer.expect(200)["connection"]["token"].clone();
    let seat = seat.as_str().unwrap().to_owned();
    let call = format!("/{}", call["call_id"].as_str().unwrap());
    get(&before, &seat, &call).await.expect(200);
    for token in [&hers, &by_hers, &taken, &bens, &by_key] {
        get(&before, token, "/history").await.expect(200);
    }

    let hooks = json!({ "scope": "calls:webhooks", "org_id": "default" });
    let hooks = issuer.sign(Algorithm::RS256, &hooks);
    let hook = json!({ "url": "https://app.example.org/hook" });
    let request = before.request_as(Some(&hooks), Method::POST, "/webhooks");
    let hook = send(request.json(&hook)).await.expect(201);

    let after = before.restart_with(false, |config| config.oidc.denied = vec!["ann".to_owned()]);
    let after = after.await;
    for token in [&token, &made, &hers, &by_hers, &taken, &by_key, &as_user] {
        let refused = get(&after, token, "/history").await;
        refused.problem(401, "unauthorized");
    }
    get(&after, &seat, &call).await.problem(401, "unauthorized");
    let hook = format!("/webhooks/{}", hook["webhook_id"].as_str().unwrap());
    let hook = after.get(&hook).await.expect(200);
    assert_eq!(hook["status"], "disabled");
    assert!(
        hook["disabled_reason"].as_str().unwrap().contains("ann"),
        "{hook}"
    );
    // And one that is made for her while the server runs, by another server or the command line.
    let wanted = Wanted {
        subject: Some("jwt:ann".to_owned()),
        ..Wanted::default()
    };
    let app = after.server.app();
    let late = keys::create(&app.store, app.clock.now(), wanted).await;
    let (late, _) = late.unwrap();
    let refused = get(&after, late.reveal(), "/history").await;
    refused.problem(401, "unauthorized");
    get(&after, &bens, "/history").await.expect(200);
    let other = json!({ "sub": "ben", "scope": "calls:rooms", "org_id": "default" });
    let other = issuer.sign(Algorithm::RS256, &other);
    get(&after, &other, "/rooms").await.expect(200);
}

#[actix_web::test]
async fn the_console_is_told_where_people_sign_in_and_asks_there_and_nowhere_else() {
    let issuer = Issuer::start();
    let world = world_with(&issuer, |oidc| {
        oidc.console_client_id = "console".to_owned();
    });
    let world = world.await;
    let page = async |world: &World, path: &str| send(world.page(Method::GET, path)).await;
    let told = page(&world, "/console/issuer.json").await.expect(200);
    assert_eq!(
        told,
        json!({
            "issuer": issuer.url, "origin": issuer.url, "client_id": "console",
            "audience": AUDIENCE, "scope": "openid",
        })
    );
    let asks = |reply: &Reply| {
        let policy = reply.header("content-security-policy");
        policy.ends_with(&format!(" {}", issuer.url))
    };
    assert!(asks(&page(&world, "/console/calls").await));
    assert!(!asks(&page(&world, "/meet/room_1").await));

    let keys_only = World::closed().await;
    let told = page(&keys_only, "/console/issuer.json").await.expect(200);
    assert_eq!(told, json!(null));
}
