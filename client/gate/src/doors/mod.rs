//! Where is asked: by a [`proxy`] (nginx, Caddy), by [`traefik`], by [`envoy`], by services themselves at the [`api`], or by clients at the gate's [`own`], whose answers pass as [`served`], without those [`headers`] that are not the client's; [`follow`] reads in a
//! proxy's access log how requests ended.

pub mod api;
pub mod envoy;
pub mod follow;
pub mod headers;
pub mod own;
pub mod proxy;
pub mod served;
pub mod traefik;

use crate::gate::Gate;
use axum::http::HeaderMap;
use std::sync::Arc;

/// A door, and the secret that whoever asks at it shows.
#[derive(Clone)]
struct Door {
    name: Arc<str>,
    gate: Arc<Gate>,
    secret: blake3::Hash,
}

impl Door {
    fn new(name: &str, gate: Arc<Gate>, secret: &str) -> Self {
        Self { name: name.into(), gate, secret: blake3::hash(secret.as_bytes()) }
    }

    /// Whether the secret stands in its header.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let is_shown = self.is_shown(&proxy::said(headers, proxy::SECRET));
        if !is_shown {
            tracing::warn!(door = &*self.name, "somebody asked without the door's secret");
        }
        is_shown
    }

    /// By digest: the time it takes tells nothing of the secret.
    fn is_shown(&self, secret: &str) -> bool {
        blake3::hash(secret.as_bytes()) == self.secret
    }
}
