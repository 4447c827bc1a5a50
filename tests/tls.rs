//! HTTPS, the signaling socket over it, and certificates that are renewed while calls go on.

mod support;

mod tls {
    mod acme;
    mod renewed;
    pub(crate) mod trust;
}
