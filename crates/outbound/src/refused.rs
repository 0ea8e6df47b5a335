//! Why a request is not sent at all, and what to change: every text of a refusal stands here.

use std::net::IpAddr;

/// Who reads a refusal: it decides how fields and settings are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// People at a forge: project owners fill in a form, administrators a configuration file.
    Forge,
    /// Whoever runs the program: both are its flags.
    Program,
    /// People who look at a flag of a build whose receiver somebody else runs.
    Receiver,
}

/// What an administrator allows or limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Hosts that may be reached without TLS.
    AllowHttp,
    /// Hosts whose addresses are not checked.
    AllowHosts,
    /// Networks that may be reached although they are not public.
    AllowNetworks,
    /// The only hosts that may be reached.
    LimitHosts,
    /// Ports beside the usual ones.
    AllowPorts,
}

impl Setting {
    /// All of them, for a loop over a configuration.
    pub const ALL: [Self; 5] = [
        Self::AllowHttp,
        Self::AllowHosts,
        Self::AllowNetworks,
        Self::LimitHosts,
        Self::AllowPorts,
    ];

    /// How `audience` spells this setting.
    #[must_use]
    pub fn name(self, audience: Audience) -> &'static str {
        let (forge, program, receiver) = match self {
            Self::AllowHttp => ("CHELA_ALLOW_HTTP", "--allow-http", "egress.allow_http"),
            Self::AllowHosts => ("CHELA_ALLOW_HOSTS", "--allow-host", "egress.allow_hosts"),
            Self::AllowNetworks => (
                "CHELA_ALLOW_NETWORKS",
                "--allow-network",
                "egress.allow_networks",
            ),
            Self::LimitHosts => ("CHELA_LIMIT_HOSTS", "--limit-host", "egress.limit_hosts"),
            Self::AllowPorts => ("CHELA_ALLOW_PORTS", "--allow-port", "egress.allow_ports"),
        };
        match audience {
            Audience::Forge => forge,
            Audience::Program => program,
            Audience::Receiver => receiver,
        }
    }
}

/// What a project owner fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Where requests go.
    Url,
    /// The user name, or the access key id.
    User,
    /// The password, or the secret access key.
    Password,
}

impl Field {
    /// How `audience` knows this field.
    #[must_use]
    pub fn name(self, audience: Audience) -> &'static str {
        let (forge, program, receiver) = match self {
            Self::Url => ("the CI URL", "the URL", "the clone URL"),
            Self::User => ("the CI user name", "--username", "the user name"),
            Self::Password => ("the CI password", "--password-file", "the password"),
        };
        match audience {
            Audience::Forge => forge,
            Audience::Program => program,
            Audience::Receiver => receiver,
        }
    }
}

/// Why a request is not sent. Nothing secret is ever part of it, not even of a malformed URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no URL.
    #[error("there is no URL")]
    NoUrl,
    /// Nobody's URL is that long.
    #[error("the URL is longer than {} bytes", crate::MAX_URL_BYTES)]
    TooLong,
    /// White space, control characters and backslashes are read differently by every reader.
    #[error("the URL contains white space, a control character or a backslash")]
    OddCharacter,
    /// Not one of the four schemes.
    #[error("the URL does not begin with https://, https+sigv4://, http:// or http+sigv4://")]
    Scheme,
    /// The reason comes from the URL standard and quotes nothing.
    #[error("the URL cannot be read: {0}")]
    Malformed(String),
    /// `https://user:password@host/`
    #[error("the URL contains a user name or a password")]
    CredentialsInUrl,
    /// `SigV4` signs with two values.
    #[error("{} is missing, and +sigv4 needs it", match .0 {
        Field::User => "the access key id",
        Field::Url | Field::Password => "the secret access key",
    })]
    KeyMissing(Field),
    /// What HTTP cannot carry in this place.
    #[error("{} contains a character that cannot be sent", match .0 {
        Field::User => "the user name",
        Field::Url | Field::Password => "the password",
    })]
    Unsendable(Field),
    /// A fragment on a scheme without `+sigv4` means nothing.
    #[error("the URL has a part after #, which only +sigv4 uses")]
    FragmentUnused,
    /// Not of the form `region=…&service=…`.
    #[error("the part after # is not of the form region=…&service=…")]
    FragmentMalformed,
    /// The fragment and the host disagree.
    #[error("the part after # names another region or service than the host does")]
    FragmentContradicts,
    /// A host that says nothing about region and service.
    #[error("+sigv4 needs a region and a service, and this host does not tell them")]
    RegionUnknown,
    /// Plain HTTP shows what it carries to everybody on the way.
    #[error("plain HTTP to {host} is not allowed: it would carry everything in clear text")]
    PlainHttp {
        /// The URL's host.
        host: String,
    },
    /// The administrator's list of hosts has others on it.
    #[error("{host} is not on the administrator's list of hosts")]
    NotListed {
        /// The URL's host.
        host: String,
    },
    /// A port that is not 443 (or 80 for plain HTTP).
    #[error("port {port} of {host} is not allowed")]
    Port {
        /// The URL's host.
        host: String,
        /// The URL's port.
        port: u16,
    },
    /// An address inside somebody's network.
    #[error("{}, which is not public ({kind})", leads(host, *address))]
    Address {
        /// The URL's host.
        host: String,
        /// What it stands for, or one of the addresses.
        address: IpAddr,
        /// What kind of address that is.
        kind: &'static str,
    },
}

impl Refused {
    /// What to change, in the words of `audience`.
    #[must_use]
    pub fn remedy(&self, audience: Audience) -> String {
        let field = |field: Field| field.name(audience);
        let (url, user, password) = (
            field(Field::Url),
            field(Field::User),
            field(Field::Password),
        );
        match self {
            Self::NoUrl => format!("put https:// and the address of the CI system into {url}"),
            Self::TooLong => format!("shorten {url}"),
            Self::OddCharacter => format!("percent-encode or remove it in {url}"),
            Self::Scheme => format!(
                "write {url} with https:// (HTTP basic or no authentication) or https+sigv4:// (AWS)"
            ),
            Self::Malformed(_) => {
                format!("compare {url} with https://ci.example.org/hook")
            }
            Self::CredentialsInUrl => {
                format!("remove them from {url}; they belong into {user} and {password}")
            }
            Self::KeyMissing(Field::User) => format!("put the access key id into {user}"),
            Self::KeyMissing(_) => format!("put the secret access key into {password}"),
            Self::Unsendable(Field::User) => {
                format!("check {user} for blanks, colons and line breaks")
            }
            Self::Unsendable(_) => format!("check {password} for line breaks"),
            Self::FragmentUnused => {
                format!("remove it from {url}, or write https+sigv4:// if AWS should be asked")
            }
            Self::FragmentMalformed => {
                format!("end {url} with #region=eu-central-1&service=execute-api, or the like")
            }
            Self::FragmentContradicts => format!("remove # and what follows from {url}"),
            Self::RegionUnknown => {
                format!("add #region=eu-central-1&service=execute-api, or the like, to {url}")
            }
            Self::PlainHttp { host } => {
                format!(
                    "use https://, or {}",
                    ask(audience, Setting::AllowHttp, host)
                )
            }
            Self::NotListed { host } => ask(audience, Setting::LimitHosts, host),
            Self::Port { port, .. } => format!(
                "use the usual port, or {}",
                ask(audience, Setting::AllowPorts, &port.to_string())
            ),
            Self::Address { host, address, .. } => {
                let network = Setting::AllowNetworks.name(audience);
                let network = match audience {
                    Audience::Forge | Audience::Receiver => format!("{address} to {network}"),
                    Audience::Program => format!("{network} {address}"),
                };
                let host = ask(audience, Setting::AllowHosts, host);
                format!("use a public address, or {host}, or {network}")
            }
        }
    }

    /// The reason and what to change, as one sentence.
    #[must_use]
    pub fn explain(&self, audience: Audience) -> String {
        format!("{self}; {}", self.remedy(audience))
    }
}

/// At a forge only the administrator can change a setting; a program's user can simply add a flag.
fn ask(audience: Audience, setting: Setting, value: &str) -> String {
    let name = setting.name(audience);
    match audience {
        Audience::Forge => format!("ask the administrator to add {value} to {name}"),
        Audience::Program => format!("add {name} {value}"),
        Audience::Receiver => format!("ask the receiver's operator to add {value} to {name}"),
    }
}

/// Where a host leads, unless it says so itself.
fn leads(host: &str, address: IpAddr) -> String {
    if host == address.to_string() || host == format!("[{address}]") {
        return format!("the URL names {address}");
    }
    format!("{host} leads to {address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_reason_and_the_setting() {
        let refused = Refused::PlainHttp {
            host: "ci.example.org".into(),
        };
        assert_eq!(
            refused.explain(Audience::Forge),
            "plain HTTP to ci.example.org is not allowed: it would carry everything in clear text; \
             use https://, or ask the administrator to add ci.example.org to CHELA_ALLOW_HTTP"
        );
        assert!(
            refused
                .explain(Audience::Program)
                .ends_with("add --allow-http ci.example.org")
        );
    }

    #[test]
    fn an_address_that_is_not_public_has_two_remedies() {
        let refused = Refused::Address {
            host: "ci".into(),
            address: "10.1.2.3".parse().unwrap(),
            kind: "private use",
        };
        assert_eq!(
            refused.remedy(Audience::Forge),
            "use a public address, or ask the administrator to add ci to CHELA_ALLOW_HOSTS, \
             or 10.1.2.3 to CHELA_ALLOW_NETWORKS"
        );
        assert_eq!(
            refused.remedy(Audience::Program),
            "use a public address, or add --allow-host ci, or --allow-network 10.1.2.3"
        );
    }
}
