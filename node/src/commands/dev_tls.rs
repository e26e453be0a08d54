//! Certificates for trying things out: an authority in a folder that several nodes share, and what it signs for one of them.

use crate::api::tls::TlsFiles;
use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ED25519,
};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Signs a certificate for a node of these names, in its home, by the authority of a folder; makes that authority where there
/// is none. Clients trust `ca.pem` of the folder. Paths of the result are those within the home.
pub fn certify(authority: &Path, home: &Path, names: &[String]) -> anyhow::Result<TlsFiles> {
    std::fs::create_dir_all(authority).with_context(|| authority.display().to_string())?;
    let (certificate, key) = (authority.join("ca.pem"), authority.join("ca.key"));
    anyhow::ensure!(
        certificate.exists() == key.exists(),
        "{}: one of ca.pem and ca.key is missing: nothing that it signed before would fit",
        authority.display()
    );
    let signs = match std::fs::read_to_string(&key) {
        Ok(pem) => KeyPair::from_pem(&pem).with_context(|| key.display().to_string())?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made = KeyPair::generate_for(&PKCS_ED25519)?;
            secret(&key, &made.serialize_pem())?;
            made
        }
        Err(error) => return Err(error).with_context(|| key.display().to_string()),
    };
    let mut root = CertificateParams::new(Vec::new())?;
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "Liuhen: for trying things out");
    let root = root.self_signed(&signs)?;
    if !certificate.exists() {
        std::fs::write(&certificate, root.pem())
            .with_context(|| certificate.display().to_string())?;
    }
    let own = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let signed = params.signed_by(&own, &root, &signs)?;
    let files = TlsFiles {
        certificate: "tls/node.pem".into(),
        key: "tls/node.key".into(),
        client_ca: None,
    };
    std::fs::create_dir_all(home.join("tls"))?;
    secret(&home.join(&files.key), &own.serialize_pem())?;
    std::fs::write(home.join(&files.certificate), signed.pem())?;
    Ok(files)
}

/// Writes a file that its owner alone may read.
fn secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.as_mut().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    Ok(file.write_all(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tls::Tls;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::crypto::ring;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
    use std::sync::Arc;

    /// Whether a client that trusts the authority takes a certificate for this name.
    fn is_trusted(authority: &Path, certificate: &Path, name: &str) -> bool {
        let mut roots = RootCertStore::empty();
        let of = |path: &Path| CertificateDer::from_pem_file(path).unwrap();
        roots.add(of(&authority.join("ca.pem"))).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(&of(certificate), &[], &name, &[], UnixTime::now()).is_ok()
    }

    /// Two nodes of one authority; the second's certificate is by the first's authority.
    #[test]
    fn nodes_of_one_authority() {
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("ca");
        for home in ["a", "b"] {
            let home = folder.path().join(home);
            let names = ["a.example".to_owned(), "127.0.0.1".to_owned()];
            let files = certify(&authority, &home, &names).unwrap();
            let at = |path: &Path| home.join(path);
            for (name, trusted) in [("a.example", true), ("127.0.0.1", true), ("b.example", false)]
            {
                assert_eq!(
                    is_trusted(&authority, &at(&files.certificate), name),
                    trusted,
                    "{name}"
                );
            }
            let there = TlsFiles {
                certificate: at(&files.certificate),
                key: at(&files.key),
                client_ca: None,
            };
            assert!(Tls::open(there, b"h2", &names).is_ok());
            assert!(certify(&authority, &home, &names).is_err(), "a key is not overwritten");
        }
        let whole = folder.path().join("ca.key");
        std::fs::rename(authority.join("ca.key"), &whole).unwrap();
        let lost = certify(&authority, &folder.path().join("d"), &["a.example".to_owned()]);
        assert!(lost.unwrap_err().to_string().contains("ca.key is missing"));
        std::fs::rename(whole, authority.join("ca.key")).unwrap();
        let elsewhere = folder.path().join("other");
        certify(&elsewhere, &folder.path().join("c"), &["a.example".to_owned()]).unwrap();
        assert!(!is_trusted(&elsewhere, &folder.path().join("a/tls/node.pem"), "a.example"));
    }
}
