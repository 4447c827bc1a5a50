//! Short-term credentials of an ICE session (RFC 8445 §5.3).

use rand::RngExt;
use rand::distr::Alphanumeric;

/// Characters of our user fragments: they also tell connections on one port apart.
const UFRAG: usize = 12;

/// Characters of our passwords: 142 bits, 128 are asked for.
const PWD: usize = 24;

/// User fragment and password of one end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    ufrag: String,
    pwd: String,
}

impl Credentials {
    /// Fresh ones.
    pub(crate) fn generate() -> Self {
        let random = |len| {
            rand::rng()
                .sample_iter(Alphanumeric)
                .take(len)
                .map(char::from)
        };
        Self {
            ufrag: random(UFRAG).collect(),
            pwd: random(PWD).collect(),
        }
    }

    /// Those of an offer; `None` if they are not well-formed (RFC 8839 §5.4).
    pub(crate) fn new(ufrag: &str, pwd: &str) -> Option<Self> {
        let fits = |text: &str, least| {
            (least..=256).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
        };
        // Some old endpoints put `-` and `_` into their user fragments; harmless, so let them.
        let loose = ufrag.replace(['-', '_', '='], "+");
        let loose_pwd = pwd.replace(['-', '_', '='], "+");
        (fits(&loose, 4) && fits(&loose_pwd, 22)).then(|| Self {
            ufrag: ufrag.to_owned(),
            pwd: pwd.to_owned(),
        })
    }

    pub(crate) fn ufrag(&self) -> &str {
        &self.ufrag
    }

    pub(crate) fn pwd(&self) -> &str {
        &self.pwd
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(secret)")
    }
}
