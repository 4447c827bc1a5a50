use std::net::TcpListener;

use jsonwebtoken::jwk::{AlgorithmParameters, CommonParameters, OctetKeyParameters, OctetKeyType};

use super::*;
use crate::config::Config;

/// Far less than the issuer may take.
const SOON: Duration = Duration::from_secs(1);

fn key(kid: &str) -> Jwk {
    Jwk {
        common: CommonParameters {
            key_id: Some(kid.to_owned()),
            ..CommonParameters::default()
        },
        algorithm: AlgorithmParameters::OctetKey(OctetKeyParameters {
            key_type: OctetKeyType::Octet,
            value: String::new(),
        }),
    }
}

/// An issuer that takes connections and says nothing, whose key `k1` is known and got old.
fn slow() -> (Oidc, TcpListener) {
    let issuer = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::load(None).unwrap().oidc;
    config.issuer = format!("http://{}", issuer.local_addr().unwrap());
    let oidc = Oidc::new(&config).unwrap().expect("an issuer");
    oidc.keys().known = Arc::new(vec![key("k1")]);
    (oidc, issuer)
}

#[tokio::test]
async fn a_slow_issuer_keeps_nobody_waiting_whose_key_is_known() {
    let (oidc, _issuer) = slow();
    let unknown = oidc.key(Some("k2"));
    let known = async {
        tokio::task::yield_now().await; // the other one asks
        tokio::time::timeout(SOON, oidc.key(Some("k1"))).await
    };
    tokio::select! {
        biased;
        _ = unknown => panic!("the issuer said nothing"),
        found = known => assert!(found.expect("at once").is_some()),
    }
}

#[tokio::test]
async fn who_finds_another_asking_takes_the_key_that_is_known() {
    let (oidc, _issuer) = slow();
    let _asking = oidc.asking.lock().await;
    let found = tokio::time::timeout(SOON, oidc.key(Some("k1"))).await;
    assert!(found.expect("at once").is_some());
}

#[test]
fn the_type_of_an_access_token_is_written_in_many_ways_and_others_are_none() {
    for good in ["at+jwt", "AT+JWT", "application/at+jwt", "JWT"] {
        assert!(is_type_of_access_token(good), "{good}");
    }
    for bad in ["logout+jwt", "dpop+jwt", "id_token", ""] {
        assert!(!is_type_of_access_token(bad), "{bad}");
    }
}
