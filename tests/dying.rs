//! What is left when the process dies in the middle of everything, and what the next one makes of it.

mod dying {
    mod database;
    mod killed;
}
mod support;
