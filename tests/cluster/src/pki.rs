//! The certificates of one cluster or server, signed by an authority of its own.

use std::{net::IpAddr, path::PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use crate::{data_dir::DataDir, error::Result};

/// Signs the certificates of a cluster or a server.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: String,
}

/// A certificate and its key, in PEM.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    /// A new one, whom nobody trusts so far.
    ///
    /// # Errors
    /// No key can be made.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = named("neuropod-test-ca", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// Its certificate, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// For a client: Kubernetes takes the common name as the user and the organization as the group.
    pub(crate) fn client(&self, user: &str, group: Option<&str>) -> Result<Identity> {
        let mut params = named(user, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    /// For a server that is reached under `names` and `addresses`.
    pub(crate) fn server(&self, names: &[&str], addresses: &[IpAddr]) -> Result<Identity> {
        let all: Vec<String> = names
            .iter()
            .map(ToString::to_string)
            .chain(addresses.iter().map(ToString::to_string))
            .collect();
        let mut params = CertificateParams::new(all)?;
        params.distinguished_name = named("neuropod-test-server", None).distinguished_name;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// For a web server: a certificate for these host names, of which the first label may be `*`, and the
    /// digest of its key, with which a browser can be configured to trust it (SHA-256 of the public key in DER,
    /// base64).
    pub(crate) fn hosts(&self, names: &[&str]) -> Result<(Identity, String)> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let identity = self.sign(params)?;
        let key = KeyPair::from_pem(&identity.key)?;
        let digest = BASE64.encode(&Sha256::digest(key.subject_public_key_info()));
        Ok((identity, digest))
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Identity> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Identity {
            certificate,
            key: key.serialize_pem(),
        })
    }
}

impl Identity {
    /// Writes `pki/<name>.crt` and `pki/<name>.key` and returns their paths.
    pub(crate) fn write(&self, data: &DataDir, name: &str) -> Result<(PathBuf, PathBuf)> {
        Ok((
            data.write(&format!("pki/{name}.crt"), &self.certificate)?,
            data.write(&format!("pki/{name}.key"), &self.key)?,
        ))
    }
}

/// Writes the key pair that signs the tokens of service accounts and returns the paths of the private and public keys.
pub(crate) fn write_token_keys(data: &DataDir) -> Result<(PathBuf, PathBuf)> {
    let key = KeyPair::generate()?;
    Ok((
        data.write("pki/service-account.key", &key.serialize_pem())?,
        data.write("pki/service-account.pub", &key.public_key_pem())?,
    ))
}

fn named(common_name: &str, organization: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        params
            .distinguished_name
            .push(DnType::OrganizationName, organization);
    }
    params
}
