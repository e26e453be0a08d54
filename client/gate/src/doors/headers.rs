//! Headers that pass through a proxy of ours.

use axum::http::{HeaderMap, HeaderName, header};

/// Headers of ours begin so.
const OURS: &str = "x-liuhen-";
/// What is said of a connection is not of the next one.
const OF_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Takes off what is of the connection alone, and what is ours.
pub fn clean(headers: &mut HeaderMap) {
    let of_connection: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .filter_map(|it| it.trim().parse().ok())
        .collect();
    let ours = headers.keys().filter(|it| it.as_str().starts_with(OURS)).cloned();
    let all: Vec<HeaderName> = ours.chain(of_connection).chain(OF_CONNECTION).collect();
    for name in all {
        headers.remove(name);
    }
}
