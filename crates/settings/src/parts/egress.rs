//! `[egress]`: what may be cloned from, as the outbound guard understands it.

use chela_outbound::{Policy, Setting};
use url::Url;

use super::Pagure;
use crate::{
    section::{Read, Section},
    tree::{Node, Value},
    value::{Parsed, Wrong},
};

/// Each setting by its name here.
const SETTINGS: [(&str, Setting); 5] = [
    ("allow_hosts", Setting::AllowHosts),
    ("allow_networks", Setting::AllowNetworks),
    ("allow_http", Setting::AllowHttp),
    ("allow_ports", Setting::AllowPorts),
    ("limit_hosts", Setting::LimitHosts),
];

/// The settings' own policy, without Pagure's servers yet.
pub(crate) struct Egress {
    policy: Policy,
    limited: bool,
}

/// The policy for clones: what the section says, and the servers that were named as Pagure's.
pub(crate) fn policy(egress: Egress, pagure: &Pagure) -> Policy {
    let Egress {
        mut policy,
        limited,
    } = egress;
    for url in pagure.servers() {
        let host = url.host_str().unwrap_or_default();
        let server = format!("{host}:{}", port(url));
        policy = add(policy, Setting::AllowHosts, &server);
        if url.scheme() == "http" {
            policy = add(policy, Setting::AllowHttp, &server);
        }
        if limited {
            policy = add(policy, Setting::LimitHosts, host);
        }
    }
    policy
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or(443)
}

impl Egress {
    pub(crate) fn read(section: &mut Section<'_>) -> Read<Self> {
        let mut policy = Policy::default();
        let mut limited = false;
        let lists = SETTINGS.map(|(name, setting)| {
            let list = section.list(name, |node| entry(setting, node));
            list.map(|entries| (setting, entries))
        });
        for list in lists {
            let (setting, entries) = list?;
            limited |= setting == Setting::LimitHosts && !entries.is_empty();
            for entry in entries {
                policy = add(policy, setting, &entry);
            }
        }
        Ok(Self { policy, limited })
    }
}

/// An entry that the guard understands.
fn entry(setting: Setting, node: &Node) -> Parsed<String> {
    let text = match (&node.value, setting) {
        (Value::Text(text), _) => text.clone(),
        (Value::Whole(number), Setting::AllowPorts) => number.to_string(),
        _ => String::new(),
    };
    match Policy::default().add(setting, &text) {
        Ok(()) => Ok(text),
        Err(_) => Err(Wrong::Write(expected(setting).to_owned())),
    }
}

fn add(policy: Policy, setting: Setting, entry: &str) -> Policy {
    policy
        .with(setting, entry)
        .expect("entries and servers were tried when they were read")
}

fn expected(setting: Setting) -> &'static str {
    match setting {
        Setting::AllowHosts | Setting::AllowHttp => {
            "a host, such as \"git.example.org\", \"*.example.org\" or \"git.example.org:8443\""
        }
        Setting::LimitHosts => "a host without a port, such as \"git.example.org\"",
        Setting::AllowNetworks => "a network, such as \"10.1.0.0/16\"",
        Setting::AllowPorts => "a port from 1 to 65535, such as 8443",
    }
}
