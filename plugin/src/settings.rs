//! The administrator's limits, and whether a project's settings can be used at all.

use chela_contract::Job;
use chela_outbound::{Audience, Destination, Policy as Rules, Setting};
use pyo3::{exceptions::PyValueError, prelude::*};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

/// What the administrator allows: the `CHELA_*` settings of `pagure.cfg`.
#[pyclass(frozen, module = "chela_pagure._core")]
pub struct Policy {
    pub(crate) rules: Rules,
}

#[pymethods]
impl Policy {
    /// Reads the settings; an entry that cannot be read raises a `ValueError` that names it.
    #[new]
    #[pyo3(signature = (*, allow_http, allow_hosts, allow_networks, limit_hosts, allow_ports))]
    fn new(
        allow_http: Vec<String>,
        allow_hosts: Vec<String>,
        allow_networks: Vec<String>,
        limit_hosts: Vec<String>,
        allow_ports: Vec<String>,
    ) -> PyResult<Self> {
        let mut rules = Rules::default();
        let settings = [
            (Setting::AllowHttp, allow_http),
            (Setting::AllowHosts, allow_hosts),
            (Setting::AllowNetworks, allow_networks),
            (Setting::LimitHosts, limit_hosts),
            (Setting::AllowPorts, allow_ports),
        ];
        for (setting, entries) in settings {
            for entry in entries {
                rules
                    .add(setting, &entry)
                    .map_err(|bad| PyValueError::new_err(bad.explain(Audience::Forge)))?;
            }
        }
        Ok(Self { rules })
    }
}

/// What is wrong with a project's settings: `(field, reason)`, or `None` if they can be used.
///
/// Nothing is resolved or connected to: this is what a form can know.
#[pyfunction]
pub fn check_settings(
    ci_url: &str,
    username: Option<&str>,
    password: Option<String>,
    job: &str,
    policy: &Policy,
) -> Option<(&'static str, String)> {
    let password = password.map(SecretString::from);
    if let Err(refused) = Destination::parse(ci_url, username, password, &policy.rules) {
        return Some(("ci_url", refused.explain(Audience::Forge)));
    }
    Job::new(job).err().map(|bad| ("ci_job", bad.to_string()))
}

/// Tells whether the settings with which a build was asked for are still the project's.
#[pyfunction]
pub fn settings_digest(ci_url: &str, job: &str) -> String {
    let digest = Sha256::new()
        .chain_update(ci_url)
        .chain_update([0])
        .chain_update(job)
        .finalize();
    let half: [u8; 16] = digest[..16].try_into().expect("a SHA-256 has 32 bytes");
    format!("{:032x}", u128::from_be_bytes(half))
}
