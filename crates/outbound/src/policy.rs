//! What the administrator allows and limits, as read from a configuration or from flags.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use url::Host;

use crate::{Audience, Refused, Setting};

/// What may be reached. The default is strict: HTTPS to public addresses on port 443.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    reach: Reach,
    allow_http: Vec<HostRule>,
    allow_hosts: Vec<HostRule>,
    allow_networks: Vec<IpNet>,
    limit_hosts: Vec<HostRule>,
    allow_ports: Vec<u16>,
}

/// An entry of a setting that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is not {expected}")]
pub struct BadEntry {
    setting: Setting,
    entry: String,
    expected: &'static str,
}

impl BadEntry {
    /// The setting's name, the entry, and what it should look like.
    #[must_use]
    pub fn explain(&self, audience: Audience) -> String {
        format!("{}: {self}", self.setting.name(audience))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reach {
    #[default]
    Guarded,
    Everywhere,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct HostRule {
    names: Names,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Names {
    Exactly(String),
    /// With its leading dot: `.example.org`
    EndingIn(String),
}

impl Policy {
    /// For a URL that the person who runs this very process has chosen, such as the forge to which
    /// reports go: any host, any port, with or without TLS.
    #[must_use]
    pub fn unguarded() -> Self {
        Self {
            reach: Reach::Everywhere,
            ..Self::default()
        }
    }

    /// Adds one entry of a setting.
    ///
    /// Hosts are `ci.example.org`, `*.example.org` (all below, not itself), `192.0.2.1` or
    /// `[2001:db8::1]`; with `:8443` after it a host rule that allows something opens this port of
    /// the host too. Networks are `10.1.0.0/16` or a single address.
    pub fn add(&mut self, setting: Setting, entry: &str) -> Result<(), BadEntry> {
        let entry = entry.trim();
        let bad = |expected| BadEntry {
            setting,
            entry: entry.to_owned(),
            expected,
        };
        let host = || parse_rule(entry).ok_or_else(|| bad("a host, such as ci.example.org"));
        match setting {
            Setting::AllowHttp => self.allow_http.push(host()?),
            Setting::AllowHosts => self.allow_hosts.push(host()?),
            Setting::LimitHosts => {
                let rule = host()?;
                if rule.port.is_some() {
                    return Err(bad("a host without a port"));
                }
                self.limit_hosts.push(rule);
            }
            Setting::AllowNetworks => {
                let network = parse_network(entry);
                self.allow_networks
                    .push(network.ok_or_else(|| bad("a network, such as 10.1.0.0/16"))?);
            }
            Setting::AllowPorts => {
                let port = entry.parse().ok().filter(|&port| port != 0);
                self.allow_ports
                    .push(port.ok_or_else(|| bad("a port from 1 to 65535"))?);
            }
        }
        Ok(())
    }

    /// [`Policy::add`] for a chain of entries.
    pub fn with(mut self, setting: Setting, entry: &str) -> Result<Self, BadEntry> {
        self.add(setting, entry)?;
        Ok(self)
    }

    /// Whether a URL of this scheme, host (as [`url::Url::host_str`] writes it) and port may be
    /// asked at all; its addresses are another question.
    pub(crate) fn admit(&self, transport: Transport, host: &str, port: u16) -> Result<(), Refused> {
        if self.reach == Reach::Everywhere {
            return Ok(());
        }
        let named = || host.to_owned();
        if !self.limit_hosts.is_empty() && !any(&self.limit_hosts, host) {
            return Err(Refused::NotListed { host: named() });
        }
        if transport == Transport::Plain && !any(&self.allow_http, host) {
            return Err(Refused::PlainHttp { host: named() });
        }
        let opens = |rules: &[HostRule]| {
            rules
                .iter()
                .any(|rule| rule.port == Some(port) && rule.matches(host))
        };
        let open = port == transport.usual_port()
            || self.allow_ports.contains(&port)
            || opens(&self.allow_hosts)
            || (transport == Transport::Plain && opens(&self.allow_http));
        if open {
            Ok(())
        } else {
            Err(Refused::Port {
                host: named(),
                port,
            })
        }
    }

    /// Whether this address of this host needs not be public.
    pub(crate) fn exempts(&self, host: &str, address: IpAddr) -> bool {
        self.reach == Reach::Everywhere
            || any(&self.allow_hosts, host)
            || self
                .allow_networks
                .iter()
                .any(|network| network.contains(&address))
    }
}

/// With TLS or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Tls,
}

impl Transport {
    pub(crate) fn usual_port(self) -> u16 {
        match self {
            Self::Plain => 80,
            Self::Tls => 443,
        }
    }
}

impl HostRule {
    fn matches(&self, host: &str) -> bool {
        match &self.names {
            Names::Exactly(name) => name == host,
            Names::EndingIn(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        }
    }
}

fn any(rules: &[HostRule], host: &str) -> bool {
    rules.iter().any(|rule| rule.matches(host))
}

fn parse_rule(entry: &str) -> Option<HostRule> {
    if let Ok(address) = entry.parse::<Ipv6Addr>() {
        return Some(HostRule {
            names: Names::Exactly(format!("[{address}]")),
            port: None,
        });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, Some(port.parse().ok().filter(|&port| port != 0)?))
        }
        _ => (entry, None),
    };
    let names = match host.strip_prefix("*.") {
        Some(parent) => match Host::parse(parent).ok()? {
            Host::Domain(parent) => Names::EndingIn(format!(".{}", parent.trim_end_matches('.'))),
            Host::Ipv4(_) | Host::Ipv6(_) => return None,
        },
        None => Names::Exactly(
            Host::parse(host)
                .ok()?
                .to_string()
                .trim_end_matches('.')
                .to_owned(),
        ),
    };
    let wild = matches!(&names, Names::Exactly(name) | Names::EndingIn(name) if name.contains('*'));
    (!wild).then_some(HostRule { names, port })
}

fn parse_network(entry: &str) -> Option<IpNet> {
    entry
        .parse()
        .ok()
        .or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Setting::AllowHosts, "*")]
    #[case(Setting::AllowHosts, "")]
    #[case(Setting::AllowHosts, "*.")]
    #[case(Setting::AllowHosts, "ci.*.org")]
    #[case(Setting::AllowHosts, "*.10.0.0.1")]
    #[case(Setting::AllowHosts, "https://ci.example.org")]
    #[case(Setting::AllowHosts, "ci.example.org/hook")]
    #[case(Setting::AllowHttp, "ci.example.org:0")]
    #[case(Setting::AllowHttp, "ci.example.org:http")]
    #[case(Setting::LimitHosts, "ci.example.org:443")]
    #[case(Setting::AllowNetworks, "10.0.0.0/33")]
    #[case(Setting::AllowNetworks, "ci.example.org")]
    #[case(Setting::AllowPorts, "0")]
    #[case(Setting::AllowPorts, "65536")]
    fn a_bad_entry_is_named_with_its_setting(#[case] setting: Setting, #[case] entry: &str) {
        let text = Policy::default()
            .with(setting, entry)
            .unwrap_err()
            .explain(Audience::Forge);
        assert!(text.starts_with(&format!("CHELA_{}", &setting.name(Audience::Forge)[6..])));
        assert!(text.contains(&format!("{entry:?}")), "{text}");
    }

    #[rstest]
    #[case("ci.example.org", "ci.example.org", true)]
    #[case("CI.Example.ORG.", "ci.example.org", true)]
    #[case("ci.example.org", "xci.example.org", false)]
    #[case("*.example.org", "ci.example.org", true)]
    #[case("*.example.org", "a.b.example.org", true)]
    #[case("*.example.org", "example.org", false)]
    #[case("*.example.org", "badexample.org", false)]
    #[case("*.example.org", ".example.org", false)]
    #[case("bücher.example", "xn--bcher-kva.example", true)]
    #[case("127.0.0.1", "127.0.0.1", true)]
    #[case("2001:DB8::0:1", "[2001:db8::1]", true)]
    #[case("[2001:db8::1]:8443", "[2001:db8::1]", true)]
    fn a_host_is_matched_as_written_or_below_a_star(
        #[case] entry: &str,
        #[case] host: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(parse_rule(entry).unwrap().matches(host), expected);
    }
}
