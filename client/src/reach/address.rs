//! Addresses of nodes, as users write them: `https://node.psb.gov.cn`, on this machine `http://127.0.0.1:26658`.

use crate::error::ClientError;
use crate::lang::pick;
use rustls::pki_types::ServerName;
use std::net::IpAddr;
use tonic::codegen::http::Uri;

/// A node's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As it was written.
    pub(super) text: String,
    pub(super) uri: Uri,
    /// The host, an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The name that the server's certificate must be for; `None`: in the clear.
    pub(super) tls: Option<ServerName<'static>>,
    /// The name by which tokens are made out to the server.
    pub(super) server: String,
}

impl Address {
    /// Reads an address. In the clear only this machine is spoken to, unless that is asked for.
    pub fn parse(text: &str, allow_plaintext: bool) -> Result<Self, ClientError> {
        let bad = |why: &str| {
            ClientError::usage(
                format!("node address `{text}`: {why}"),
                format!("节点地址“{text}”：{why}"),
            )
        };
        let uri: Uri = text.parse().map_err(|e| bad(&format!("{e}")))?;
        let needed = || {
            bad(pick(
                "https://host or http://127.0.0.1:port is needed",
                "须为 https://主机 或 http://127.0.0.1:端口",
            ))
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(needed)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(bad(pick("a path has no meaning here", "此处不能有路径")));
        }
        let (tls, default_port) = match uri.scheme_str() {
            Some("https") => {
                let name = ServerName::try_from(host.clone());
                (Some(name.map_err(|e| bad(&e.to_string()))?), 443)
            }
            Some("http") if allow_plaintext || is_of_this_machine(&host) => (None, 80),
            Some("http") => {
                return Err(bad(pick(
                    "in the clear whoever is on the way reads and changes what is said, and nothing was sent: \
                     https:// is needed, or --allow-plaintext where something else encrypts",
                    "明文传送可被途中任何人读取和篡改，未发送任何内容：须用 https://；若另有加密，请加 --allow-plaintext",
                )));
            }
            _ => return Err(needed()),
        };
        let port = uri.port_u16().unwrap_or(default_port);
        let server = match (&tls, host.contains(':')) {
            (Some(_), _) => host.clone(),
            (None, true) => format!("[{host}]:{port}"),
            (None, false) => format!("{host}:{port}"),
        };
        Ok(Self { text: text.to_owned(), uri, host, port, tls, server })
    }
}

fn is_of_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> String {
        Address::parse(text, true).unwrap().server
    }

    #[test]
    fn a_server_has_the_name_that_was_dialled() {
        assert_eq!(server("https://Node.PSB.gov.cn"), "node.psb.gov.cn");
        assert_eq!(server("https://node.psb.gov.cn:8443/"), "node.psb.gov.cn");
        assert_eq!(server("https://[2001:db8::1]:8443"), "2001:db8::1");
        assert_eq!(server("http://127.0.0.1:26658"), "127.0.0.1:26658");
        assert_eq!(server("http://[::1]:26658"), "[::1]:26658");
        assert_eq!(server("http://localhost:1"), "localhost:1");
        assert_eq!(server("http://10.0.0.1"), "10.0.0.1:80");
        let address = Address::parse("https://node.example", false).unwrap();
        assert_eq!((address.port, address.tls.is_some()), (443, true));
    }

    #[test]
    fn in_the_clear_only_this_machine_is_spoken_to() {
        for own in
            ["http://127.0.0.1:1", "http://127.9.9.9:1", "http://[::1]:1", "http://LOCALHOST:1"]
        {
            assert!(Address::parse(own, false).is_ok_and(|it| it.tls.is_none()), "{own}");
        }
        for other in [
            "http://10.0.0.1:1",
            "http://node.example",
            "http://localhost.example",
            "http://[::]:1",
        ] {
            let error = Address::parse(other, false).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{other}");
            assert!(error.to_string().contains("nothing was sent"), "{error}");
            assert!(Address::parse(other, true).is_ok(), "{other}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (bad, why) in [
            ("127.0.0.1:26658", "node address"),
            ("unix:///run/node", "node address"),
            ("node.example", "https://host"),
            ("ftp://node.example", "https://host"),
            ("https://node.example/api", "a path"),
            ("https://no_de..example", "node address"),
            ("", "node address"),
        ] {
            let error = Address::parse(bad, true).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{bad}");
            assert!(error.to_string().contains(why), "{bad}: {error}");
        }
    }
}
