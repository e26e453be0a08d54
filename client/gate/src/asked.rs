//! What a door saw of a request, who asks, and what for.

use liuhen_proto::wire;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A request, as a door saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The door's name for it, which its ending has too.
    pub request: String,
    /// Its method.
    pub method: String,
    /// Its path, with what follows it.
    pub uri: String,
    /// The address that it came from.
    pub address: Option<IpAddr>,
    /// The subject of the client's certificate, where one was verified.
    pub certificate: String,
    /// Other headers, names in small letters.
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    /// The path alone.
    pub fn path(&self) -> &str {
        self.uri.split(['?', '#']).next().unwrap_or_default()
    }

    /// Whether the path says the same to whoever reads it: what a service makes another path of could be on another route.
    pub fn is_plain(&self) -> bool {
        let path = self.path().to_ascii_lowercase();
        let odd = ["//", "\\", ";", "%2e", "%2f", "%5c", "%00"].iter().any(|it| path.contains(it));
        !odd && path.starts_with('/') && !path.split('/').any(|it| it == "." || it == "..")
    }
}

/// How a caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// By the address that it comes from, or the network.
    Network(IpAddr, u8),
    /// By the subject of its certificate.
    Certificate(String),
    /// By a key in a header, of which the settings have BLAKE3 alone.
    Key {
        /// The header.
        header: String,
        /// BLAKE3 of what stands in it.
        digest: [u8; 32],
    },
}

impl By {
    /// Whether a request is of this caller.
    pub fn is(&self, asked: &Asked) -> bool {
        match self {
            Self::Network(network, bits) => {
                asked.address.is_some_and(|address| is_within(address, *network, *bits))
            }
            Self::Certificate(subject) => asked.certificate == *subject,
            Self::Key { header, digest } => {
                asked.headers.get(header).is_some_and(|key| blake3::hash(key.as_bytes()) == *digest)
            }
        }
    }

    /// What telling it so supports.
    pub fn assurance(&self) -> wire::Assurance {
        match self {
            Self::Network(..) => wire::Assurance::Claimed,
            Self::Certificate(_) | Self::Key { .. } => wire::Assurance::Verified,
        }
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let number = |it: IpAddr| match it {
        IpAddr::V4(it) => (32_u32, u128::from(it.to_bits())),
        IpAddr::V6(it) => (128, it.to_bits()),
    };
    let ((length, address), (of, network)) = (number(address.to_canonical()), number(network));
    let shift = length.saturating_sub(u32::from(bits));
    let high = |it: u128| it.checked_shr(shift).unwrap_or(0);
    length == of && high(address) == high(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks() {
        let asked = Asked {
            address: Some("10.3.4.5".parse().unwrap()),
            certificate: "CN=hrss".into(),
            headers: [("x-key".to_owned(), "secret".to_owned())].into(),
            uri: "/residents/7?x=1#y".into(),
            ..Asked::default()
        };
        assert_eq!(asked.path(), "/residents/7");
        let network = |text: &str, bits| By::Network(text.parse().unwrap(), bits);
        for (by, is) in [
            (network("10.0.0.0", 8), true),
            (network("10.3.4.5", 32), true),
            (network("10.3.4.4", 32), false),
            (network("0.0.0.0", 0), true),
            (network("::", 0), false),
            (By::Certificate("CN=hrss".into()), true),
            (By::Certificate("CN=tax".into()), false),
            (By::Key { header: "x-key".into(), digest: *blake3::hash(b"secret").as_bytes() }, true),
            (By::Key { header: "x-key".into(), digest: *blake3::hash(b"other").as_bytes() }, false),
            (By::Key { header: "x-none".into(), digest: *blake3::hash(b"").as_bytes() }, false),
        ] {
            assert_eq!(by.is(&asked), is, "{by:?}");
        }
        for (path, is) in [
            ("/residents/7", true),
            ("/", true),
            ("/a.b/..c", true),
            ("/open/../residents/7", false),
            ("/open/%2E%2e/residents/7", false),
            ("/open/.", false),
            ("//residents/7", false),
            ("/open%2Fresidents", false),
            ("/open;x/7", false),
            ("residents", false),
        ] {
            let asked = Asked { uri: path.into(), ..Asked::default() };
            assert_eq!(asked.is_plain(), is, "{path}");
        }
        // An empty subject is no certificate.
        assert!(!By::Certificate("CN=hrss".into()).is(&Asked::default()));
    }
}
